"""The report says what was found, and keeps what others wrote into the page."""

from __future__ import annotations

from truth.jobs import Job, Result
from truth.mutants import MUTANTS, Fate
from truth.report import Findings, as_json, as_markdown
from truth.score import Recovery, Score

SECTION = "## Recordings, row by row\n\nWritten by another program.\n\n| a |\n| --- |"


def findings(mutants: list[Fate]) -> Findings:
    mixed, held = Score(), Score()
    mixed.add("injected", "A11", "SHFE", 200)
    mixed.add("caught", "A11", "SHFE", 199)
    held.recoveries = [Recovery("hold A13", "rb2701", 3.5)]
    results = [
        Result(Job("sim", "mixed"), mixed, 1_000, 1.0),
        Result(Job("hold", "one feed"), held, 40, 1.0),
    ]
    return Findings("make truth", "2026-11-21", 1, results, mutants)


def test_a_miss_is_named_with_what_was_wanted() -> None:
    """One of two hundred is not 100 %, and rounding does not hide it."""
    checks = {check["name"]: check for check in findings([]).checks()}
    assert (checks["A11"]["met"], checks["A11"]["wanted"]) == (False, "100 %")
    assert checks["A11"]["found"] == "99.5 % (199 of 200) caught, 1 not"
    assert "| A11 | 100 % | 99.5 % (199 of 200) caught, 1 not |" in as_markdown(findings([]))


def test_what_was_not_measured_is_not_met() -> None:
    """An empty corpus proves nothing."""
    checks = {check["name"]: check for check in findings([]).checks()}
    assert checks["A01"]["met"] is checks["clean rows dropped"]["met"] is False


def test_a_hold_longer_than_three_seconds_is_missed() -> None:
    """By market time, the slowest contract counts."""
    checks = {check["name"]: check for check in findings([]).checks()}
    assert checks["permanent changes not accepted in 3 s"]["found"] == "1 of 1"


def test_a_mutant_that_survives_is_missed() -> None:
    """Every mutant must lower a score."""
    fates = [Fate(MUTANTS[0], ("sim mixed: A15 caught 9 -> 0",)), Fate(MUTANTS[1], ())]
    check = findings(fates).checks()[-1]
    assert (check["found"], check["met"]) == ("1 of 2", False)
    assert as_json(findings(fates))["mutants"][1]["lowered"] == []


def test_a_section_of_another_program_is_kept() -> None:
    """Both write one page, each its own part, in any order."""
    first = as_markdown(findings([]))
    assert "Not measured yet." in first
    page = as_markdown(findings([]), f"# Truth\n\n{SECTION}\n\n## Corpus\n\ngone-text\n")
    assert SECTION in page and "Not measured yet." not in page and "gone-text" not in page
    assert as_markdown(findings([]), page) == page
