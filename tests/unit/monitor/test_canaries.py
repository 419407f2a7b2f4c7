"""One canary alone: how long it may be silent, and when the others' going on shortens that."""

from __future__ import annotations

import pytest

from mdhub.calendar import Calendar, Phase
from mdhub_monitor.facts import Contract, Facts, Product
from mdhub_monitor.hours import Hours, Stretch
from mdhub_monitor.learn import Habit
from mdhub_monitor.rules.canaries import canary_problems
from mdhub_monitor.rules.view import View

SECOND_NS = 1_000_000_000
NOW_NS = 10_000 * SECOND_NS


def market(ages_s: dict[str, float]) -> View:
    """One canary per product, each with a snapshot every half second for half an hour before."""
    facts = Facts(Hours(Calendar.load()))
    facts.clock(0).market_ns = NOW_NS
    for name, age_s in ages_s.items():
        _, _, letters = name.partition(".")
        product = facts.products[name] = Product(name)
        product.stretch = Stretch(Phase.CONTINUOUS, 0, 2 * NOW_NS, 20261123)
        habit = Habit()
        for _ in range(4_000):
            habit.learn(500)
        contract = Contract(f"{letters}2701", product, 0, habit)
        contract.fresh_ns = NOW_NS - int(age_s * SECOND_NS)
        product.canaries = [contract]
    return View(facts, {})


@pytest.mark.parametrize(
    ("ages_s", "subjects"),
    [
        ({"SHFE.rb": 4.4, "SHFE.ni": 0.1}, []),
        ({"SHFE.rb": 4.6, "SHFE.ni": 0.1}, ["rb2701.SHFE"]),
        ({"SHFE.rb": 4.6, "SHFE.ni": 4.1}, []),
        ({"SHFE.rb": 4.6, "DCE.i": 0.1}, []),
        ({"SHFE.rb": 4.9}, []),
        ({"SHFE.rb": 5.1}, ["rb2701.SHFE"]),
    ],
)
def test_a_canary_is_found_soon_while_others_of_its_exchange_go_on(
    ages_s: dict[str, float], subjects: list[str]
) -> None:
    """When all stop, or another exchange alone goes on, it needs five seconds at least."""
    found = canary_problems(market(ages_s), {})
    assert [problem.subject for problem in found] == subjects
