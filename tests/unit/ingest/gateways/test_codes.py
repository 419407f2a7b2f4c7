"""Error codes: each known one says what it means and what to do."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mdhub_ingest.gateways.codes import (
    DISCONNECTS,
    ERRORS,
    Action,
    disconnect,
    error,
    markdown,
)

STOPS = {9, 11, 12, 48, 49, 63, 64, 75, 131, 137, 138, 140, 141, 143, 144}
WAITS = {5, 7, 8, 60, 90, 6_000}
BANS = {75, 143, 144}


def test_every_code_speaks_both_languages() -> None:
    """Meaning and what to do."""
    for code in [*ERRORS.values(), *DISCONNECTS.values()]:
        assert code.en and code.zh and code.todo and code.todo_zh


def test_codes_do_what_the_market_asks_for() -> None:
    """Stop where trying again does harm, wait where it is only early, ban for all of a broker."""
    assert {n for n, code in ERRORS.items() if code.action is Action.STOP} >= STOPS
    assert {n for n, code in ERRORS.items() if code.action is Action.WAIT} >= WAITS
    assert {n for n, code in ERRORS.items() if code.broker} >= BANS
    assert all(ERRORS[number].wait_s >= 30.0 for number in WAITS)


def test_wrong_credentials_are_never_taken_for_something_that_passes() -> None:
    """Whatever counts as a wrong login stops, or is tried once more (3)."""
    assert {n for n, c in ERRORS.items() if c.wrong and c.action is not Action.STOP} == {3}


@pytest.mark.parametrize(("number", "kind"), [(7_777, "ctp"), (3, "ib"), (3, "vnpy")])
def test_what_is_not_known_is_alarmed_and_tried_again(number: int, kind: str) -> None:
    """Codes of other gateways mean other things."""
    assert error(number, kind).action is Action.ALARM
    assert error(number, kind).number == number


def test_an_unknown_reason_of_a_disconnection_is_a_lost_connection() -> None:
    """And the known ones are named."""
    assert disconnect(1).en == "connection lost"
    assert disconnect(0x2001).en == "nothing heard for 120 s"


def test_the_tables_print_themselves() -> None:
    """For the documentation."""
    command = [sys.executable, "-m", "mdhub_ingest.gateways.codes"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout == markdown() + "\n"
    for number in [*ERRORS, *DISCONNECTS]:
        assert f"\n| {number} " in done.stdout
