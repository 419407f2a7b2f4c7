"""A player delivers its market on time, whatever clock and misbehaviour say."""

from collections.abc import Iterator
from itertools import pairwise, takewhile
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdhub.market.dates import SECOND_NS
from mdhub.market.playlist import Playlist
from mdhub.market.sessions import LIQUID
from mdhub.market.snapshot import Snapshot
from mdhub.market.synthetic import SyntheticMarket
from mdhub.wire.entries import MarketClock
from mdhub_ingest.sources.misbehave import Misbehaviour
from mdhub_ingest.sources.playback import Playback, Player
from mdhub_ingest.sources.port import Feed
from mdhub_ingest.sources.recording import recording_source
from mdhub_ingest.sources.sim import sim_source
from tests.unit.ingest.clocks import WALL_NS, Hub, Stop, Wall

MS_NS = 1_000_000
MINUTE_NS = 60 * SECOND_NS
MARKET = SyntheticMarket(seed=4)
EXAMPLE = next(MARKET.snapshots())
START_NS = MARKET.start_ns


class Stage:
    """One player with a wall clock, a hub and what it delivered when."""

    def __init__(self, *, now_ns: int = WALL_NS, clock: MarketClock | None = None) -> None:
        self.wall = Wall(now_ns)
        self.hub = Hub(self.wall, clock)
        self.delivered: list[tuple[int, Snapshot]] = []
        self.crashes: list[int] = []

    def play(
        self,
        feed: Feed,
        *,
        seconds: float | None = None,
        until_ns: int | None = None,
        rate: float = 1.0,
        misbehaviour: Misbehaviour | None = None,
        stop_at_ns: int | None = None,
    ) -> Player:
        if seconds is not None:
            until_ns = START_NS + int(seconds * SECOND_NS)
        player = Player(
            feed,
            Playback(start_ns=START_NS, rate=rate, until_ns=until_ns),
            request_clock=self.hub.request,
            misbehaviour=misbehaviour,
            wall_ns=self.wall.read_ns,
            crash=self.crashes.append,
        )
        player.run(self.deliver, Stop(self.wall, stop_at_ns))
        return player

    def player(self, feed: Feed, seconds: float, misbehaviour: Misbehaviour) -> Player:
        return Player(
            feed,
            Playback(start_ns=START_NS, until_ns=START_NS + int(seconds * SECOND_NS)),
            request_clock=self.hub.request,
            misbehaviour=misbehaviour,
            wall_ns=self.wall.read_ns,
        )

    def run(self, player: Player) -> None:
        player.run(self.deliver, Stop(self.wall))

    def deliver(self, snapshot: Snapshot) -> None:
        self.delivered.append((self.wall.now_ns, snapshot))

    @property
    def snapshots(self) -> list[Snapshot]:
        return [snapshot for _, snapshot in self.delivered]


def feed_of(*offsets_ns: int, symbol: str = "rb2612") -> Feed:
    made = [
        msgspec.structs.replace(EXAMPLE, made_ns=START_NS + offset_ns, symbol=symbol)
        for offset_ns in offsets_ns
    ]

    def feed(from_ns: int) -> Iterator[Snapshot]:
        return (snapshot for snapshot in made if snapshot.made_ns >= from_ns)

    return feed


def truth_of(seconds: float) -> list[Snapshot]:
    until_ns = START_NS + int(seconds * SECOND_NS)
    made: list[Snapshot] = []
    for snapshot in MARKET.snapshots():
        if snapshot.made_ns >= until_ns:
            return made
        made.append(snapshot)
    return made


@pytest.mark.parametrize("rate", [0.5, 1.0, 60.0])
def test_snapshot_is_sent_when_the_market_clock_reaches_it(rate: float) -> None:
    """Pacing is that of the exchange, at any rate."""
    stage = Stage()
    stage.play(MARKET.snapshots, seconds=20, rate=rate)
    assert stage.snapshots == truth_of(20)
    for wall_ns, snapshot in stage.delivered:
        due_ns = WALL_NS + int((snapshot.made_ns - START_NS) / rate)
        assert 0 <= wall_ns - due_ns <= 2 * MS_NS


def test_second_source_adopts_the_clock_of_the_first() -> None:
    """Whoever asks later plays at the rate and time already in force."""
    clock = MarketClock(START_NS, WALL_NS, 10.0)
    stage = Stage(now_ns=WALL_NS + 50 * MS_NS, clock=clock)
    stage.play(MARKET.snapshots, seconds=20, rate=1.0)
    assert stage.snapshots == truth_of(20)
    assert stage.wall.now_ns - WALL_NS == pytest.approx(2 * SECOND_NS, abs=0.1 * SECOND_NS)


@pytest.mark.parametrize("rate", [1.0, 5.0])
def test_restarted_source_begins_a_second_before_now(rate: float) -> None:
    """It pushes the last wall second's snapshots at once, then goes on at the market's pace."""
    now_ns = WALL_NS + 4 * SECOND_NS
    stage = Stage(now_ns=now_ns, clock=MarketClock(START_NS, WALL_NS, rate))
    stage.play(MARKET.snapshots, seconds=30)
    from_ns = START_NS + int(3 * SECOND_NS * rate)
    assert stage.snapshots == [s for s in truth_of(30) if s.made_ns >= from_ns]
    at_once = [s for wall_ns, s in stage.delivered if wall_ns < now_ns + MS_NS]
    assert at_once[-1].made_ns <= from_ns + int(1.01 * SECOND_NS * rate)
    assert len(at_once) > 50 * rate


def test_lag_delays_everything_and_keeps_the_order() -> None:
    """Each snapshot comes late by the lag, none overtakes another."""
    stage = Stage()
    stage.play(MARKET.snapshots, seconds=10, misbehaviour=Misbehaviour(lag_ms=(5, 30)))
    assert stage.snapshots == truth_of(10)
    lags = [wall_ns - WALL_NS - (s.made_ns - START_NS) for wall_ns, s in stage.delivered]
    assert min(lags) >= 5 * MS_NS
    assert max(lags) <= 32 * MS_NS


def test_end_waits_for_what_is_delayed() -> None:
    """At `until_ns` every snapshot made before it has been sent, late ones too."""
    stage = Stage()
    behaviour = Misbehaviour(delay=0.3, lag_ms=(5, 30), calm_s=0, seed=8)
    player = stage.play(MARKET.snapshots, seconds=10, misbehaviour=behaviour)
    sent = sorted(stage.snapshots, key=lambda s: (s.made_ns, s.symbol))
    assert sent == sorted(truth_of(10), key=lambda s: (s.made_ns, s.symbol))
    assert stage.snapshots != truth_of(10)
    assert player.counts["delayed"] > 50
    assert player.sent == len(stage.delivered)


def test_break_is_jumped_after_a_rest() -> None:
    """Beyond five market minutes the clock is asked to move, a second after the last snapshot."""
    stage = Stage()
    stage.play(feed_of(0, SECOND_NS, 20 * MINUTE_NS, 20 * MINUTE_NS + SECOND_NS))
    times = [wall_ns - WALL_NS for wall_ns, _ in stage.delivered]
    assert times == pytest.approx([0, SECOND_NS, 2 * SECOND_NS, 3 * SECOND_NS], abs=2 * MS_NS)
    assert stage.hub.asked == [(START_NS, 1.0), (START_NS + 20 * MINUTE_NS, 1.0)]


@pytest.mark.parametrize("minute", [35, 85, 165])
def test_synthetic_market_is_played_over_its_breaks(minute: int) -> None:
    """Noon and the weekend take a second of wall time, and nothing of either side is missed."""
    break_ns, after_ns = MARKET.time_after(minute * MINUTE_NS - 1) + 1, LIQUID.start_of(minute)
    begin_ns, end_ns = break_ns - 5 * SECOND_NS, after_ns + 5 * SECOND_NS
    stage = Stage(clock=MarketClock(begin_ns, WALL_NS, 1.0))
    stage.play(MARKET.snapshots, until_ns=end_ns)
    made = MARKET.snapshots(begin_ns - SECOND_NS)
    assert stage.snapshots == list(takewhile(lambda s: s.made_ns < end_ns, made))
    assert stage.hub.asked[0] == (START_NS, 1.0)
    assert 0 <= stage.hub.asked[1][0] - after_ns < SECOND_NS
    assert len(stage.hub.asked) == 2
    assert 9 * SECOND_NS < stage.wall.now_ns - WALL_NS < 12 * SECOND_NS


def test_pending_snapshots_are_sent_before_the_jump() -> None:
    """What is under way when a break begins is through before the clock moves."""
    stage = Stage()
    behaviour = Misbehaviour(delay=1.0, calm_s=0)
    stage.play(feed_of(0, 20 * MINUTE_NS), misbehaviour=behaviour)
    first, second = (wall_ns for wall_ns, _ in stage.delivered)
    assert second - first >= SECOND_NS


def test_short_pause_is_waited_for() -> None:
    """A quiet market is not a break: up to five minutes pass as they are."""
    stage = Stage()
    stage.play(feed_of(0, 4 * MINUTE_NS))
    assert stage.hub.asked == [(START_NS, 1.0)]
    assert stage.delivered[1][0] - WALL_NS == pytest.approx(4 * MINUTE_NS, abs=2 * MS_NS)


def test_unpaced_source_moves_the_clock_in_steps() -> None:
    """At full speed nothing waits, and the clock is moved every ten market minutes."""
    stage = Stage()
    minutes = [minute * MINUTE_NS for minute in range(35)]
    stage.play(feed_of(*minutes), rate=0.0)
    assert len(stage.delivered) == 35
    assert stage.wall.now_ns == WALL_NS
    assert [(at - START_NS) // MINUTE_NS for at, _ in stage.hub.asked] == [10, 20, 30, 40]


def test_unpaced_source_leaves_no_holes() -> None:
    """Without pacing there is no time to fill a hole in, so none is made."""
    stage = Stage()
    behaviour = Misbehaviour(lose=0.4, corrupt=0.3, delay=0.3, calm_s=0)
    stage.play(MARKET.snapshots, seconds=30, rate=0.0, misbehaviour=behaviour)
    assert stage.snapshots == truth_of(30)


def test_stop_ends_the_source_at_once() -> None:
    """A stopped source returns without sending the rest."""
    stage = Stage()
    stage.play(MARKET.snapshots, stop_at_ns=WALL_NS + 3 * SECOND_NS)
    assert stage.wall.now_ns - WALL_NS <= 3.2 * SECOND_NS
    assert 0 < len(stage.delivered) <= len(truth_of(3.2))


def test_repeat_is_the_last_snapshot_delivered() -> None:
    """A front pushes again what it delivered last of a contract, so repeats are adjacent."""
    stage = Stage()
    behaviour = Misbehaviour(repeat=0.1, lose=0.1, delay=0.1, lag_ms=(0, 5), calm_s=0, seed=2)
    player = stage.play(MARKET.snapshots, seconds=20, misbehaviour=behaviour)
    newest: dict[str, int] = {}
    repeats = 0
    for snapshot in stage.snapshots:
        if newest.get(snapshot.symbol, 0) == snapshot.made_ns:
            repeats += 1
        newest[snapshot.symbol] = max(newest.get(snapshot.symbol, 0), snapshot.made_ns)
    assert repeats == player.counts["repeated"] > 50


def test_calm_start_waits_for_the_other_source() -> None:
    """In the first seconds nothing is lost: the other source may not be up."""
    stage = Stage()
    behaviour = Misbehaviour(lose=1.0, calm_s=3)
    player = stage.play(MARKET.snapshots, seconds=10, misbehaviour=behaviour)
    early = [s for s in truth_of(10) if s.made_ns < START_NS + 3 * SECOND_NS]
    assert stage.snapshots[: len(early)] == early
    assert player.counts["lost"] > 100


def test_crash_comes_in_its_time() -> None:
    """The process is ended after the time drawn, with a code of its own."""
    stage = Stage()
    stage.play(feed_of(0, 8 * SECOND_NS), misbehaviour=Misbehaviour(crash_after_s=(4, 4)))
    assert stage.crashes[0] == 70
    assert stage.delivered[0][0] < WALL_NS + 4 * SECOND_NS


@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 10_000))
@pytest.mark.parametrize("rate", [1.0, 20.0])
def test_two_sources_deliver_everything_between_them(rate: float, seed: int) -> None:
    """Whatever one source does wrong, taking first good copies in order loses nothing."""
    bad = Misbehaviour(lose=0.2, corrupt=0.1, delay=0.1, repeat=0.1, calm_s=0, seed=seed)
    seconds = 5 * rate
    clock = MarketClock(START_NS, WALL_NS, rate)
    fast, slow = Stage(clock=clock), Stage(clock=clock)
    fast.play(MARKET.snapshots, seconds=seconds, misbehaviour=bad)
    slow.play(MARKET.snapshots, seconds=seconds, misbehaviour=Misbehaviour(lag_ms=(5, 200)))
    truth = truth_of(seconds)
    good = {id_of(snapshot): snapshot for snapshot in truth}
    marks: dict[str, int] = {}
    taken = []
    for _, s in sorted(fast.delivered + slow.delivered, key=lambda delivery: delivery[0]):
        if good.get(id_of(s)) == s and s.made_ns > marks.get(s.symbol, 0):
            marks[s.symbol] = s.made_ns
            taken.append(s)
    assert len(taken) == len(truth), f"seed {seed}"


def id_of(snapshot: Snapshot) -> tuple[str, int]:
    return snapshot.symbol, snapshot.made_ns


def test_sim_source_plays_its_market() -> None:
    """A synthetic source begins where its market begins and ends where it is told."""
    wall = Wall()
    hub = Hub(wall)
    source = sim_source(MARKET, request_clock=hub.request, rate=0.0, until_ns=START_NS + SECOND_NS)
    delivered: list[Snapshot] = []
    source.run(delivered.append, Stop(wall))
    assert delivered == truth_of(1)
    assert hub.asked == [(START_NS + 10 * MINUTE_NS, 0.0)]


def test_recording_source_plays_its_file(tmp_path: Path) -> None:
    """A file's source begins at the file's first time and ends with the file."""
    path = tmp_path / "ticks.csv"
    header = "TradingDay,ActionDay,InstrumentID,UpdateTime,UpdateMillisec,LastPrice,Volume"
    rows = [f"20261120,20261120,rb2612,09:00:{second:02},0,3100,{second}" for second in range(9)]
    path.write_text("\n".join([header, *rows]), encoding="utf-8")
    wall = Wall()
    delivered: list[Snapshot] = []
    source = recording_source(Playlist([path]), request_clock=Hub(wall).request, rate=0.0)
    source.run(delivered.append, Stop(wall))
    assert [snapshot.volume for snapshot in delivered] == list(range(9))
    assert all(a.made_ns < b.made_ns for a, b in pairwise(delivered))
