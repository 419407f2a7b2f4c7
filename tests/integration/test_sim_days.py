"""The synthetic market through the arbiter's fold: whatever the hour, everything is accepted."""

from collections.abc import Iterator
from heapq import merge
from itertools import takewhile

import pytest

from mdhub.demo.checker import check
from mdhub.market.dates import SECOND_NS
from mdhub.market.sessions import DAY_MINUTES
from mdhub.market.snapshot import Snapshot, raw_tick
from mdhub.market.synthetic import SyntheticMarket
from mdhub.wire.codec import decode_clean_tick
from mdhub.wire.entries import MarketClock
from mdhub.wire.ticks import CleanTick
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
MARKET = SyntheticMarket(seed=6)
HOUR_NS = 3600 * SECOND_NS
MINUTE_NS = 60 * SECOND_NS
PLAYED_NS = 20 * SECOND_NS
BAD = "lose=0.02,repeat=0.02,corrupt=0.02,delay=0.02,calm_s=3,seed=1"


class Sources:
    """Two sources of one market that start when the hub's market clock has run for a while."""

    def __init__(self, *, now_ns: int) -> None:
        self.now_ns = now_ns
        minute_ns = _traded_by(now_ns)
        self.until_ns = MARKET.time_after(minute_ns + PLAYED_NS)
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
        self.hub = Hub(Wall(), MarketClock(self.now_ns, WALL_NS, 1.0, "sim-6"))

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

        playback = Playback(start_ns=MARKET.start_ns, until_ns=self.until_ns)
        player = Player(
            MARKET.snapshots,
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
        made = MARKET.snapshots(self.now_ns)
        return takewhile(lambda s: s.made_ns < self.until_ns, made)


def _at(timed: Timed) -> int:
    return timed[0]


def _traded_by(market_ns: int) -> int:
    """How long the market has traded at a moment."""
    low, high = 0, 100 * DAY_MINUTES * MINUTE_NS
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if MARKET.time_after(middle) >= market_ns else (middle + 1, high)
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
    return MARKET.time_after(minute * MINUTE_NS - 8 * SECOND_NS)


MOMENTS = [
    *(
        pytest.param(MARKET.start_ns + int(h * HOUR_NS), id=f"{h}h")
        for h in (0, 1.5, 2, 4.5, 6, 18, 24, 72, 76)
    ),
    *(pytest.param(before_break(m), id=f"break-{m}") for m in (35, 85, 165, 330, 6 * 165)),
]


@pytest.mark.parametrize("now_ns", MOMENTS)
def test_two_good_sources_are_accepted_at_any_hour(now_ns: int) -> None:
    """Nothing is late or refused, every snapshot comes once and on its trading day."""
    sources = Sources(now_ns=now_ns)
    a, b = sources.play(A="", B="lag_ms=5-30")
    ticks, refused = folded(merge(sources.clocks(), a, b, key=_at))
    report = check(sources.truth(), ticks)
    assert refused == []
    assert report.clean, report.examples
    assert report.made == report.received == len(a) == len(b) > 1_000


@pytest.mark.parametrize("now_ns", MOMENTS)
def test_bad_source_does_no_harm_at_any_hour(now_ns: int) -> None:
    """What one source breaks the other delivers, over every break."""
    sources = Sources(now_ns=now_ns)
    written = sources.play(A=BAD, B="lag_ms=5-30,repeat=0.01")
    ticks, refused = folded(merge(sources.clocks(), *written, key=_at))
    report = check(sources.truth(), ticks)
    assert refused
    assert report.clean, report.examples
    assert report.made == report.received > 1_000
