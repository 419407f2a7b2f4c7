"""Every contract against its own learned rate; one finding per product."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from mdhub.wire.ops import Severity
from mdhub_monitor.facts import Contract
from mdhub_monitor.rules.canaries import HUB
from mdhub_monitor.rules.problem import Problem
from mdhub_monitor.rules.view import SECOND_NS, View

__all__ = ["Seen", "contract_problems", "contracts_seen"]

MS_NS: Final = 1_000_000
FACTOR: Final = 20
RESTING_MS: Final = 120_000
"""A contract with longer usual gaps is never called silent."""
LEAST_NS: Final = 60 * SECOND_NS
MOST_NS: Final = 1_800 * SECOND_NS
EXAMPLES: Final = 10
CLEAR_NS: Final = 12 * SECOND_NS
"""Looked at every five seconds, so one look without it is not enough."""


class Seen(NamedTuple):
    """What a look at all contracts found."""

    seen: int = 0
    """Contracts with a tick in their trading day of now."""
    silent: tuple[Contract, ...] = ()


def contracts_seen(view: View) -> Seen:
    """Look at all contracts: some ms with 25,000, so not at every look."""
    silent: list[Contract] = []
    seen = 0
    for contract in view.facts.contracts.values():
        product = contract.product
        if contract.day != product.stretch.trading_day:
            continue
        seen += 1
        usual_ms = contract.habit.usual_ms()
        if product.stretch.open and contract.habit.settled and usual_ms <= RESTING_MS:
            learned_ns = min(FACTOR * usual_ms * MS_NS, MOST_NS)
            limit_ns = max(learned_ns, LEAST_NS, view.patience_ns(contract))
            if view.age_ns(contract) > limit_ns:
                silent.append(contract)
    return Seen(seen, tuple(silent))


def contract_problems(view: View, seen: Seen, silent: dict[str, int]) -> Iterator[Problem]:
    """What `all_silent` tells is not told again."""
    by_product: dict[str, list[Contract]] = {}
    for contract in seen.silent:
        if HUB not in silent and contract.product.exchange not in silent:
            by_product.setdefault(contract.product.name, []).append(contract)
    for product, held in by_product.items():
        longest = max(held, key=view.age_ns)
        facts: dict[str, int | float | str] = {
            "contracts": len(held),
            "example": longest.name,
            "silent_ms": view.age_ns(longest) // MS_NS,
        }
        yield Problem("contract_silent", product, Severity.INFO, facts, CLEAR_NS)
