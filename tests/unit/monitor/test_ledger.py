"""Findings begin once, end once and do not flap."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mdhub.wire.ops import Severity
from mdhub_monitor.rules.problem import (
    BEGAN,
    CHANGED,
    CLEAR_NS,
    ENDED,
    MAX_FINDINGS,
    RESTLESS_CLEAR_NS,
    Ledger,
    Problem,
)

SECOND_NS = 1_000_000_000
SILENT = Problem("source_silent", "A", Severity.WARNING)


@given(st.lists(st.booleans(), max_size=200))
def test_changes_alternate_whatever_comes(looks: list[bool]) -> None:
    """Began, ended, began, ...: never twice the same, and the end is never early."""
    ledger, said, last_ns = Ledger(), [], 0
    for i, wrong in enumerate(looks):
        now_ns = i * SECOND_NS // 2
        changes = [each.change for each in ledger.look([SILENT] if wrong else [], now_ns)]
        if wrong:
            last_ns = now_ns
        if changes == [ENDED]:
            assert now_ns - last_ns >= CLEAR_NS
        said += changes
    assert said == [BEGAN if i % 2 == 0 else ENDED for i in range(len(said))]
    assert len(ledger.findings()) == len(said) % 2


def test_one_that_comes_and_goes_must_stay_away_for_longer() -> None:
    """The third time within ten minutes it ends only after a minute."""
    ledger, now_ns = Ledger(), 0
    for _ in range(2):
        ledger.look([SILENT], now_ns)
        now_ns += CLEAR_NS
        assert [each.change for each in ledger.look([], now_ns)] == [ENDED]
        now_ns += SECOND_NS
    ledger.look([SILENT], now_ns)
    assert ledger.look([], now_ns + RESTLESS_CLEAR_NS - 1) == []
    assert [each.change for each in ledger.look([], now_ns + RESTLESS_CLEAR_NS)] == [ENDED]


def test_a_finding_keeps_when_it_began_and_says_what_was_done() -> None:
    """A change is one of severity or of what the hub did; figures alone are no event."""
    ledger = Ledger()
    ledger.look([SILENT], 5)
    assert ledger.look([SILENT._replace(facts={"silent_ms": 7})], 6) == []
    (said,) = ledger.look([SILENT], 7, {SILENT.key: "restarted"})
    assert (said.change, said.finding.done, said.finding.since_ns) == (CHANGED, "restarted", 5)
    (said,) = ledger.look([SILENT._replace(severity=Severity.ERROR)], 8)
    assert (said.change, said.finding.severity) == (CHANGED, "error")


def test_findings_are_bounded() -> None:
    """What is beyond the bound is counted."""
    ledger = Ledger()
    many = [Problem("contract_silent", str(i), Severity.INFO) for i in range(MAX_FINDINGS + 7)]
    assert len(ledger.look(many, 1)) == MAX_FINDINGS
    assert ledger.dropped == 7
