"""Raw logs to work on: two sources that deliver one market, B after A."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from functools import cache
from itertools import islice
from pathlib import Path

import msgspec

from bench.load import SEED
from mdhub.calendar import Calendar
from mdhub.market.recorded import Recording
from mdhub.market.snapshot import Snapshot, raw_tick
from mdhub.market.synthetic import SyntheticMarket
from mdhub.streams.port import Entry
from mdhub.wire.codec import control, encode
from mdhub.wire.entries import Clock, ConfigChange, ControlKind, Lead, MarketClock, RulesChange
from mdhub_arbiter.settings import RULES_VERSION

CLOCK_NS = 100_000_000
ROOT = Path(__file__).resolve().parents[2]
RECORDING = "20171113-market.csv.zst"


@cache
def synthetic_log(amount: int, ticks_per_s: float, contracts: int | None = None) -> list[Entry]:
    """At least `amount` raw ticks of the simulated market, all exchanges mixed."""
    market = SyntheticMarket(seed=SEED, ticks_per_s=ticks_per_s, contracts=contracts)
    return raw_log(islice(market.snapshots(), amount // 2), market.start_ns)


def recorded_log(amount: int) -> list[Entry]:
    """The same of a recorded day; empty where there is no recording."""
    folder = Path(os.environ.get("MDHUB_RECORDINGS", ROOT / "../shared/data/recordings"))
    path = folder / RECORDING
    if not path.is_file():
        return []
    recording = Recording(path)
    start_ns = recording.start_ns()
    return raw_log(islice(recording.snapshots(), amount // 2), start_ns)


def raw_log(snapshots: Iterable[Snapshot], start_ns: int) -> list[Entry]:
    """What a leader begins with, then each snapshot from both sources; a clock every 100 ms."""
    wall_ns = time.time_ns()
    setting = ConfigChange(
        "market_clock", msgspec.Raw(encode(MarketClock(start_ns, wall_ns, 1.0, "bench")))
    )
    begin: list[tuple[str, object]] = [
        (ControlKind.LEAD, Lead(1, "bench", "0-0", 0, 1, wall_ns)),
        (ControlKind.RULES, RulesChange(RULES_VERSION)),
        *((ControlKind.CALENDAR, msgspec.Raw(part)) for part in Calendar.load(None).parts),
        (ControlKind.CONFIG, setting),
    ]
    entries = [_control(number, kind, body) for number, (kind, body) in enumerate(begin)]
    clock_ns = 0
    for seq, snapshot in enumerate(snapshots, start=1):
        at_ns = wall_ns + snapshot.made_ns - start_ns
        if at_ns - clock_ns > CLOCK_NS:
            clock_ns = at_ns
            entries.append(_control(len(entries), ControlKind.CLOCK, Clock(at_ns)))
        for source in ("A", "B"):
            tick = raw_tick(snapshot, source=source, session=1, seq=seq, recv_ns=at_ns)
            entries.append((b"1-%d" % len(entries), [b"t", encode(tick)]))
    return entries


def payloads_of(entries: list[Entry]) -> list[bytes]:
    """The raw ticks alone."""
    return [fields[1] for _, fields in entries if fields[0] == b"t"]


def _control(number: int, kind: str, body: object) -> Entry:
    return (b"1-%d" % number, [b"c", control(kind, "arbiter", 1, number + 1, 0, body)])
