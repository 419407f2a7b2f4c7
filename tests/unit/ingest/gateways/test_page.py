"""`docs/gateways.md` says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mdhub_ingest.gateways.codes import markdown
from mdhub_ingest.gateways.deadlines import Deadlines
from mdhub_ingest.gateways.life import State
from mdhub_ingest.gateways.rules import parse_rules

PAGE = (Path(__file__).parents[4] / "docs" / "gateways.md").read_text(encoding="utf-8")


def block(name: str) -> str:
    """What stands between two marks of the page."""
    return PAGE.partition(f"<!-- {name}: begin -->\n")[2].partition(f"<!-- {name}: end -->")[0]


def test_the_table_of_codes_is_the_one_the_code_prints() -> None:
    """A code that means something else now does not pass."""
    assert block("codes") == markdown() + "\n", (
        "docs/gateways.md is old: put the output of `python -m mdhub_ingest.gateways.codes` "
        "between the marks"
    )


@pytest.mark.parametrize(
    "rule", [r for r in re.findall(r"`([^`]+)`", block("rules")) if r[0].islower() and " " not in r]
)
def test_every_rule_of_the_page_can_be_written(rule: str) -> None:
    """What a reader copies is taken."""
    if rule not in {"future", "option", "combination", "symbol.EXCHANGE"}:
        assert parse_rules([rule])


def test_every_state_of_the_page_exists() -> None:
    """And every state there is stands in the page."""
    table = PAGE.partition("| state | means | the hub |")[2].partition("\n\n")[0]
    named = {
        name
        for row in table.splitlines()
        for name in re.findall(r"`(\w+)`", row.split("|")[1] if row else "")
    }
    assert named == set(State)


def test_the_deadlines_of_the_page_are_the_defaults() -> None:
    """Seconds as the page names them."""
    own = Deadlines()
    same = {own.md_front_s, own.td_front_s, own.md_login_s, own.td_login_s}
    assert same == {20.0}
    assert "`td_login`: 20 s; `contracts`: 60 s; `first_tick` while a session is open: 30 s" in PAGE
    assert (own.contracts_s, own.first_tick_s, own.closed_front_s) == (60.0, 30.0, 600.0)
