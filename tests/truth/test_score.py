"""The scorer counts what it says it counts, on labels and verdicts written by hand."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from truth.corpus import Label
from truth.judge import JudgeError, Line
from truth.outages import Outage
from truth.score import Score, score

SECOND_NS = 1_000_000_000
DAY = 20261123


def label(snapshot: int, *, kind: str = "", expect: str = "pass", **changes: Any) -> Label:
    made = Label(
        0, "rb2701", "SHFE", snapshot, "tick", kind, expect, True, DAY,
        snapshot * SECOND_NS, snapshot * SECOND_NS, "",
    )  # fmt: skip
    return made._replace(**changes)


def verdicts(labels: list[Label], *words: str) -> list[Line]:
    return [
        Line(row, word, trading_day=of.day, ts_ns=of.ts_ns)
        for row, (of, word) in enumerate(zip(labels, words, strict=True), start=1)
    ]


def scored(labels: list[Label], *words: str) -> Score:
    return score(labels, verdicts(labels, *words))


def test_a_snapshot_nobody_emitted_is_lost() -> None:
    """It came in time, was refused, and the next one went out."""
    result = scored([label(1), label(2), label(3)], "accept", "reject", "accept")
    assert (result.total("lost"), result.total("late"), result.total("snapshots")) == (1, 0, 3)
    assert result.total("dropped", "") == 1


def test_a_copy_behind_a_later_snapshot_is_late_not_lost() -> None:
    """Nobody may emit it then: the order of the contract comes first."""
    result = scored([label(1), label(3), label(2)], "accept", "accept", "late")
    assert (result.total("lost"), result.total("late")) == (0, 1)


def test_a_late_copy_of_what_came_in_time_does_not_excuse_the_loss() -> None:
    """The first copy was in time."""
    labels = [label(1), label(2), label(3), label(2, feed=1)]
    assert scored(labels, "accept", "duplicate", "accept", "late").total("lost") == 1


def test_what_goes_out_twice_is_doubled() -> None:
    """Once too often, whichever source it came from."""
    result = scored([label(1), label(1, feed=1), label(2)], "accept", "accept", "accept")
    assert (result.total("doubled"), result.total("lost")) == (1, 0)


def test_what_goes_out_behind_a_later_one_is_backwards() -> None:
    """The order of emission is the order of the exchange."""
    assert scored([label(2), label(1)], "accept", "accept").total("backwards") == 1


@pytest.mark.parametrize(
    ("expect", "word", "caught"),
    [
        ("drop", "reject", 1),
        ("drop", "duplicate", 1),
        ("drop", "hold", 1),
        ("drop", "accept", 0),
        ("hold", "late", 1),
        ("hold", "accept", 0),
        ("repair", "accept", 1),
        ("repair", "duplicate", 1),
        ("repair", "reject", 0),
    ],
)
def test_caught_is_not_accepted_or_rightly_repaired(expect: str, word: str, caught: int) -> None:
    """The definition of issue 4."""
    bad = label(2, kind="A12", expect=expect, true_copy=False)
    result = scored([label(1), bad], "accept", word)
    assert (result.total("injected", "A12"), result.total("caught", "A12")) == (1, caught)


def test_a_repair_with_the_wrong_day_is_not_one() -> None:
    """A06 asks for the right trading day and exchange time."""
    bad = label(1, kind="A06", expect="repair", true_copy=False)
    lines = [Line(1, "accept", trading_day=DAY + 1, ts_ns=bad.ts_ns)]
    assert score([bad], lines).total("caught", "A06") == 0


def test_a_value_that_should_be_nil_is_looked_at_where_it_is_shown() -> None:
    """A09: the clean tick must not carry DBL_MAX; unseen values are said to be unseen."""
    bad = label(1, kind="A09", expect="repair", true_copy=False, nulls="OpenPrice")
    tick: list[Any] = [None] * 25
    seen = Line(1, "accept", trading_day=DAY, ts_ns=bad.ts_ns, tick=tick)
    assert score([bad], [seen]).total("caught", "A09") == 1
    tick[12] = 1.7e308
    assert score([bad], [seen]).total("caught", "A09") == 0
    assert scored([bad], "accept").values_shown is False


def test_a_held_anomaly_that_is_released_was_not_caught() -> None:
    """What counts is whether it went out in the end."""
    bad = label(2, kind="A14", expect="hold", true_copy=False)
    lines = verdicts([label(1), bad], "accept", "hold")
    released = msgspec.structs.replace(lines[1], verdict="accept", released_by=None)
    assert score([label(1), bad], lines).total("caught", "A14") == 1
    assert score([label(1), bad], [*lines, released]).total("caught", "A14") == 0


def test_a_good_row_released_after_a_hold_is_held_but_not_lost() -> None:
    """It went out, late in time but not behind a later one."""
    labels = [label(1), label(2)]
    lines = verdicts(labels, "accept", "hold")
    released = msgspec.structs.replace(lines[1], verdict="accept", released_by=None)
    result = score(labels, [*lines, released])
    assert (result.total("held", ""), result.total("lost"), result.total("dropped")) == (1, 0, 0)


def test_a_contract_that_stands_still_catches_nothing() -> None:
    """Refusing everything after a poisoned mark is no interception."""
    bad = label(3, kind="A12", expect="drop", true_copy=False)
    result = scored([label(1), label(2), bad], "accept", "reject", "reject")
    assert (result.total("caught", "A12"), result.total("blind", "A12")) == (0, 1)


def test_a_wrong_date_of_a_clean_row_is_counted() -> None:
    """An accepted row says the exchange time the exchange meant."""
    lines = [Line(1, "accept", trading_day=DAY, ts_ns=0)]
    assert score([label(1)], lines).total("misdated", "") == 1


def test_recovery_is_the_time_to_the_first_row_of_the_new_level() -> None:
    """By arrival times; a contract that never moves again has none."""
    labels = [label(n, kind="hold A13") for n in (1, 2, 3)]
    assert scored(labels, "hold", "hold", "accept").recoveries[0].seconds == 2.0
    assert scored(labels, "hold", "hold", "hold").recoveries[0].seconds is None


def test_an_outage_is_covered_if_the_other_feed_went_on() -> None:
    """A24: every snapshot the other feed brought was emitted."""
    labels = [label(1), label(2, feed=1), label(3, feed=1)]
    outage = (Outage(0, 2 * SECOND_NS, 4 * SECOND_NS),)
    covered = score(labels, verdicts(labels, *["accept"] * 3), outages=outage)
    torn = score(labels, verdicts(labels, "accept", "reject", "accept"), outages=outage)
    assert (covered.total("caught", "A24"), torn.total("caught", "A24")) == (1, 0)
    assert torn.total("injected", "A24") == 1


def test_rows_without_a_verdict_are_an_error() -> None:
    """A judge that says nothing of a row does not get away with it."""
    with pytest.raises(JudgeError, match="1 of 2 rows have no verdict"):
        score([label(1), label(2)], verdicts([label(1)], "accept"))


def test_a_verdict_on_no_row_is_an_error() -> None:
    """Lines and rows must be of the same corpus."""
    with pytest.raises(JudgeError, match="row 2 of 1"):
        score([label(1)], [Line(1, "accept"), Line(2, "accept")])
