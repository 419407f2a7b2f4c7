"""A row passes only if nothing at all was wrong."""

from __future__ import annotations

import re
from random import Random

import pytest
from msgspec.structs import replace

from mdhub.drill.evidence import CleanFacts, Evidence
from mdhub.drill.judge import judge
from mdhub.drill.port import Claim, Drill, Layout
from mdhub.drill.rig import Rig
from tests.unit.drill.scenes import GOOD, evidence


def no_fault(rig: Rig, random: Random) -> None:
    """Nobody runs it here."""


DRILL = Drill(
    id="T", title="t", fault="f", criterion="c", run=no_fault,
    layout=Layout(ticks_per_s=100.0), silence_p99_s=0.2, silence_max_s=0.4,
)  # fmt: skip


def reasons(found: Evidence, drill: Drill = DRILL, *claims: Claim) -> str:
    return " | ".join(judge(drill, found, list(claims)).reasons)


def test_a_clean_run_passes() -> None:
    """No reason, no fail."""
    assert reasons(evidence()) == ""


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (evidence(market=replace(GOOD, lost=1)), r"lost 1,"),
        (evidence(market=replace(GOOD, duplicated=1)), r"doubled 1,"),
        (evidence(market=replace(GOOD, out_of_order=1)), r"out of order 1,"),
        (evidence(market=replace(GOOD, false=1)), r"false 1 "),
        (evidence(market=replace(GOOD, received=0)), r"nothing was received"),
        (evidence(clean=CleanFacts(unseen=1)), r"not received 1,"),
        (evidence(clean=CleanFacts(phantom=1)), r"not in clean 1,"),
        (evidence(clean=CleanFacts(doubled=1)), r"doubled 1,"),
        (evidence(clean=CleanFacts(disordered=1)), r"disordered 1,"),
        (evidence(clean=CleanFacts(breaks=1)), r"breaks of n 1"),
        (evidence(verified=False), r"not f\(raw\): clean 5-0 differs"),
        (evidence(mismatches=1), r"standby computed something else .* 1 times"),
        (evidence(samples_s=(0.1, 0.3)), r"silence p99 0\.300 s, at most 0\.2"),
        (evidence(samples_s=(0.1, 0.5)), r"silence max 0\.500 s, at most 0\.4"),
        (evidence(samples_s=()), r"at least one fault"),
    ],
)
def test_each_thing_that_is_wrong_fails_the_row(found: Evidence, words: str) -> None:
    """And the reason says which."""
    assert re.search(words, reasons(found))


def test_a_claim_not_held_fails_the_row() -> None:
    """One of the row itself, said while the hub ran."""
    assert reasons(evidence(), DRILL, Claim("zombie writes 3", held=False)) == (
        "not held: zombie writes 3"
    )


def test_a_declared_loss_window_excuses_so_much_and_no_more() -> None:
    """Two seconds of a market of a hundred ticks a second."""
    sheds = Drill(
        id="T", title="t", fault="f", criterion="c", run=no_fault,
        layout=Layout(ticks_per_s=100.0), loss_window_s=2.0,
    )  # fmt: skip
    assert reasons(evidence(market=replace(GOOD, lost=200)), sheds) == ""
    assert "lost 201" in reasons(evidence(market=replace(GOOD, lost=201)), sheds)
