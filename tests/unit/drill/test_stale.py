"""Row G4 recomputes from raw when an instrument should be marked; `decide` marks it then."""

from __future__ import annotations

from collections.abc import Iterator

from mdhub.drill.stale import expected_marks, quality_marks
from mdhub.streams.port import Entry
from mdhub.wire.entries import RulesChange
from mdhub_arbiter.outputs import Clean
from tests.unit.arbiter.builders import (
    WEDNESDAY,
    Desk,
    china_ns,
    clock_entry,
    control_entry,
    lead_entry,
    raw,
    tick_entry,
)

START_NS = china_ns(WEDNESDAY)
STEP_NS = 100_000_000
STEPS = 600
SYMBOLS = ("rb2701", "cu2701")
FROZEN_FROM = 123
"""Step from which the second source delivers nothing."""


def raw_log() -> Iterator[Entry]:
    """A minute of two sources, of which one falls silent after 12.3 s."""
    fields = [lead_entry(START_NS), control_entry("rules", RulesChange(2))]
    for step in range(STEPS):
        now_ns = START_NS + step * STEP_NS
        fields.append(clock_entry(now_ns))
        second, tenth = divmod(step, 10)
        for symbol in SYMBOLS:
            time = f"10:00:{second:02}.{tenth * 100:03}"
            tick = raw(time, symbol=symbol, volume=100 + step, recv_ns=now_ns)
            fields.append(tick_entry(tick))
            if step < FROZEN_FROM:
                fields.append(tick_entry(raw(time, symbol=symbol, volume=100 + step, source="B")))
    return ((b"1-%d" % number, entry) for number, entry in enumerate(fields, start=1))


def clean_log() -> Iterator[Entry]:
    desk = Desk.bare()
    for _, fields in raw_log():
        for out in desk.folds(fields):
            if isinstance(out, Clean):
                yield out.about, [b"h", b"", out.field, out.payload]


def test_the_marker_stands_where_it_was_recomputed() -> None:
    """To the nanosecond of log time: both go by the same clock entries."""
    due = expected_marks(raw_log())
    marks = {each.symbol: each for each in quality_marks(clean_log())}
    assert due.keys() == set(SYMBOLS)
    assert {symbol: mark.log_ns for symbol, mark in marks.items()} == due
    assert {mark.quality for mark in marks.values()} == {"single_source"}


def test_it_is_due_at_the_first_look_after_thirty_seconds_alone() -> None:
    """Looks are 5 s apart, clock entries 0.1 s."""
    silent_since_ns = START_NS + (FROZEN_FROM - 1) * STEP_NS
    for at_ns in expected_marks(raw_log()).values():
        assert 30 <= (at_ns - silent_since_ns) / 1e9 <= 35.1
