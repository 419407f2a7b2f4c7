"""The synthetic market through the arbiter's fold: whatever the hour, everything is accepted."""

from collections.abc import Iterator
from heapq import merge
from itertools import takewhile

import pytest

from mdhub.demo.checker import check
from mdhub.market.dates import DAY_NS, SECOND_NS, midnight_ns
from mdhub.market.snapshot import Snapshot, raw_tick
from mdhub.market.synthetic import SyntheticMarket
from mdhub.wire.codec import decode_clean_tick
from mdhub.wire.entries import MarketClock
from mdhub.wire.ticks import CleanTick, Flag
from mdhub_arbiter.decide import Rejected, decide
from mdhub_arbiter.state import State
from mdhub_ingest.sources.misbehave import Misbehaviour
from mdhub_ingest.sources.playback import Playback, Player
from tests.unit.arbiter.builders import (
    clock_entry,
    lead_entry,
    market_clock_entry,
    rejected_header,
    tick_entry,
)
from tests.unit.ingest.clocks import WALL_NS, Hub, Stop, Wall

Timed = tuple[int, list[bytes]]
LIQUID = SyntheticMarket(seed=6)
FULL = SyntheticMarket(seed=6, sessions="full", ticks_per_s=2)
FULL_RATE = 60.0
HOUR_NS = 3600 * SECOND_NS
MINUTE_NS = 60 * SECOND_NS
PLAYED_NS = 20 * SECOND_NS
BAD = "lose=0.02,repeat=0.02,corrupt=0.02,delay=0.02,calm_s=3,seed=1"


class Sources:
    """Two sources of one market that start when the hub's market clock has run for a while."""

    def __init__(self, market: SyntheticMarket, *, now_ns: int, rate: float = 1.0) -> None:
        self.market, self.now_ns, self.rate = market, now_ns, rate
        played_ns = int(PLAYED_NS * rate)
        self.until_ns = market.time_after(_traded_by(market, now_ns) + played_ns)
        self._reset()

    def play(self, **misbehave: str) -> list[list[Timed]]:
        """Return what each source writes, by wall time; whoever jumps first sets the clock."""
        jumps: dict[str, int] = {}
        for source, text in misbehave.items():
            self._reset()
            self._play(source, text)
            jumps[source] = self.hub.clocks[-1].log_ns
        self._reset()
        return [
            self._play(source, misbehave[source]) for source in sorted(jumps, key=jumps.__getitem__)
        ]

    def _reset(self) -> None:
        self.hub = Hub(Wall(), MarketClock(self.now_ns, WALL_NS, self.rate, "sim-6"))

    def _play(self, source: str, misbehave: str) -> list[Timed]:
        """Play one source; what it overlaps with its earlier life is not written."""
        wall = self.hub.wall = Wall()
        written: list[Timed] = []

        def write(snapshot: Snapshot) -> None:
            if snapshot.made_ns < self.now_ns:
                return
            now_ns = wall.now_ns
            tick = raw_tick(
                snapshot, source=source, session=1, seq=len(written) + 1, recv_ns=now_ns
            )
            written.append((now_ns, tick_entry(tick)))

        playback = Playback(start_ns=self.market.start_ns, until_ns=self.until_ns, rate=self.rate)
        player = Player(
            self.market.snapshots,
            playback,
            request_clock=self.hub.request,
            misbehaviour=Misbehaviour.parse(misbehave),
            wall_ns=wall.read_ns,
        )
        player.run(write, Stop(wall))
        return written

    def clocks(self) -> list[Timed]:
        """What leaders write: who leads, the market clock when it is moved, the time each second.

        The market clock was set and a leader elected long before.
        """
        first, *moved = self.hub.clocks
        begun = [
            (WALL_NS, market_clock_entry(first.market_ns, first.log_ns, first.rate)),
            (WALL_NS, lead_entry(WALL_NS)),
        ]
        jumps = [(c.log_ns, market_clock_entry(c.market_ns, c.log_ns, c.rate)) for c in moved]
        seconds = [
            (WALL_NS + s * SECOND_NS, clock_entry(WALL_NS + s * SECOND_NS)) for s in range(1, 60)
        ]
        return begun + list(merge(jumps, seconds, key=_at))

    def truth(self) -> Iterator[Snapshot]:
        made = self.market.snapshots(self.now_ns)
        return takewhile(lambda s: s.made_ns < self.until_ns, made)


def _at(timed: Timed) -> int:
    return timed[0]


def _traded_by(market: SyntheticMarket, market_ns: int) -> int:
    """How long the market has traded at a moment."""
    low, high = 0, 100 * DAY_NS
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if market.time_after(middle) >= market_ns else (middle + 1, high)
    return low


def folded(entries: Iterator[Timed]) -> tuple[list[CleanTick], list[str]]:
    """Return the clean ticks, and why others were refused."""
    state, ticks, refused = State(), [], []
    for place, (_, fields) in enumerate(entries, start=1):
        for out in decide(state, b"1-%d" % place, fields):
            if isinstance(out, Rejected):
                refused.append(rejected_header(out).reason)
            elif out.field == b"t":
                ticks.append(decode_clean_tick(out.payload))
    return ticks, refused


def before_break(minute: int) -> int:
    """The moment eight seconds before that many minutes have been traded."""
    return LIQUID.time_after(minute * MINUTE_NS - 8 * SECOND_NS)


MOMENTS = [
    *(
        pytest.param(LIQUID.start_ns + int(h * HOUR_NS), id=f"{h}h")
        for h in (0, 1.5, 2, 4.5, 6, 18, 24, 72, 76)
    ),
    *(pytest.param(before_break(m), id=f"break-{m}") for m in (35, 85, 165, 330, 6 * 165)),
]


@pytest.mark.parametrize("now_ns", MOMENTS)
def test_two_good_sources_are_accepted_at_any_hour(now_ns: int) -> None:
    """Nothing is late or refused, every snapshot comes once and on its trading day."""
    sources = Sources(LIQUID, now_ns=now_ns)
    a, b = sources.play(A="", B="lag_ms=5-30")
    ticks, refused = folded(merge(sources.clocks(), a, b, key=_at))
    report = check(sources.truth(), ticks)
    assert refused == []
    assert report.clean, report.examples
    assert report.made == report.received == len(a) == len(b) > 1_000


@pytest.mark.parametrize("now_ns", MOMENTS)
def test_bad_source_does_no_harm_at_any_hour(now_ns: int) -> None:
    """What one source breaks the other delivers, over every break."""
    sources = Sources(LIQUID, now_ns=now_ns)
    written = sources.play(A=BAD, B="lag_ms=5-30,repeat=0.01")
    ticks, refused = folded(merge(sources.clocks(), *written, key=_at))
    report = check(sources.truth(), ticks)
    assert refused
    assert report.clean, report.examples
    assert report.made == report.received > 1_000


def eve(hour: int, minute: int) -> int:
    """A moment of the trading day of Monday 2025-06-23, which begins on Friday evening."""
    return midnight_ns("20250620") + (hour * 60 + minute) * MINUTE_NS


WHOLE_DAYS = {
    "night opens": eve(20, 50),
    "most nights end": eve(22, 52),
    "Saturday 00:50": eve(24, 50),
    "last night ends": eve(26, 22),
    "weekend": eve(60, 0),
    "Monday opens": eve(72 + 8, 50),
    "breaks": eve(72 + 10, 8),
    "lunch": eve(72 + 11, 25),
    "close": eve(72 + 14, 52),
    "settlement": eve(72 + 15, 5),
}


@pytest.mark.parametrize("moment", WHOLE_DAYS)
def test_two_good_sources_are_accepted_around_every_bell(moment: str) -> None:
    """A whole trading day at x60: what two sources deliver is accepted once, nothing refused."""
    sources = Sources(FULL, now_ns=WHOLE_DAYS[moment], rate=FULL_RATE)
    a, b = sources.play(A="", B="lag_ms=0.1-0.5")
    ticks, refused = folded(merge(sources.clocks(), a, b, key=_at))
    report = check(sources.truth(), ticks)
    assert refused == []
    assert report.clean, report.examples
    assert report.made == report.received > 50


@pytest.mark.parametrize("moment", WHOLE_DAYS)
def test_bad_source_does_no_harm_around_bells(moment: str) -> None:
    """What one source breaks at x60 the other delivers, over every jump."""
    sources = Sources(FULL, now_ns=WHOLE_DAYS[moment], rate=FULL_RATE)
    written = sources.play(A=BAD, B="lag_ms=0.1-0.5,repeat=0.01")
    ticks, _ = folded(merge(sources.clocks(), *written, key=_at))
    report = check(sources.truth(), ticks)
    assert report.clean, report.examples
    assert report.made == report.received > 50


def test_whole_trading_day_of_two_sources_is_accepted_once() -> None:
    """All exchanges from Thursday's night to Friday's settlement: nothing late, nothing refused."""
    made = list(takewhile(lambda s: s.day == 20250620, FULL.snapshots()))
    entries = merge(_identity_clocks(made), _identical(made, "A", 0), _identical(made, "B", 13))
    ticks, refused = folded(entries)
    report = check(iter(made), ticks)
    assert refused == []
    assert report.clean, report.examples
    assert report.made == report.received == sum(not s.repeat for s in made) > 20_000
    settled = {t.symbol: t for t in ticks if t.settlement}
    assert settled.keys() == {c.symbol for c in FULL.contracts_on(0)}
    same_stamp = {t.symbol for t in ticks if t.flags & Flag.SETTLEMENT}
    assert same_stamp == {s for s, t in settled.items() if t.exchange == "CZCE"}


def _identical(made: list[Snapshot], source: str, lag_ms: int) -> Iterator[Timed]:
    for seq, snapshot in enumerate(made, start=1):
        at_ns = snapshot.made_ns + lag_ms * 1_000_000
        tick = raw_tick(snapshot, source=source, session=1, seq=seq, recv_ns=at_ns)
        yield at_ns, tick_entry(tick)


def _identity_clocks(made: list[Snapshot]) -> Iterator[Timed]:
    """Log time is market time."""
    newest_ns = 0
    for snapshot in made:
        if snapshot.made_ns - newest_ns >= SECOND_NS // 10:
            newest_ns = snapshot.made_ns
            yield newest_ns, clock_entry(newest_ns)
