"""The monitor's fold over raw: what it must do per tick, on one core."""

from __future__ import annotations

from collections.abc import Sequence

from bench.model import Value
from bench.settings import Settings
from bench.stages.raw_log import recorded_log, synthetic_log
from bench.stages.timing import rate
from mdhub.calendar import Calendar
from mdhub.streams.port import Entry
from mdhub_monitor.watch import MarketWatch

LOG_RATE = 2_000.0
LOOK_EVERY = 2_500
"""Entries from one look to the next: as at 10,000 a second."""


def monitor(settings: Settings) -> list[Value]:
    """Fold a log and look now and then: the simulated market, a recorded day if there is one."""
    calendar = Calendar.load()
    entries = synthetic_log(settings.few(100_000), LOG_RATE)
    values = [rate("simulated", lambda: _fold(calendar, entries), len(entries), settings.rounds)]
    recorded = recorded_log(settings.few(100_000))
    if recorded:
        run = rate("recorded", lambda: _fold(calendar, recorded), len(recorded), settings.rounds)
        values.append(run)
    return values


def _fold(calendar: Calendar, entries: Sequence[Entry]) -> None:
    watch = MarketWatch(calendar)
    for i, entry in enumerate(entries):
        watch.fold(0, entry)
        if i % LOOK_EVERY == 0:
            watch.look()
