"""Canaries against their own learned habits, all sources together.

The more canaries there are, the less likely it is that all rest at once. With four or more all must
be silent for four seconds, and two of them for more than is usual for them (all but one gap in a
thousand are shorter); with two or three each for 2.5 times that, a single one for 5 times.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from mdhub.wire.ops import Severity
from mdhub_monitor.facts import Contract
from mdhub_monitor.rules.problem import Problem
from mdhub_monitor.rules.view import PATIENCE_NS, SECOND_NS, View

__all__ = [
    "HUB",
    "all_silent",
    "canary_limit_ns",
    "canary_problems",
    "is_shown",
    "lively",
    "stated_ns",
]

MS_NS: Final = 1_000_000
LIVELY_MS: Final = 12_000
"""A contract with longer usual gaps proves nothing by its silence."""
MANY: Final = 4
WITNESSES: Final = 2
FACTOR_OF_FEW: Final = 2.5
FACTOR_OF_ONE: Final = 5.0
FACTOR_ALONE: Final = 8.0
"""For a canary that is silent, whatever the others do."""
FACTOR_BESIDE: Final = 4.0
"""For one that is silent while others of its exchange move."""
BESIDE_NS: Final = 2 * SECOND_NS
"""So much later than it another must have moved: when all stop, none does."""
LEAST_NS: Final = 5 * SECOND_NS
LEAST_BESIDE_NS: Final = 4_500_000_000
MOST_NS: Final = 120 * SECOND_NS
HUB: Final = ""
"""Subject: every exchange that trades now."""


def lively(contract: Contract) -> bool:
    """Whether its habits are known and it seldom rests."""
    return contract.habit.known and contract.habit.usual_ms() <= LIVELY_MS


def is_shown(view: View, contract: Contract) -> bool:
    """Whether a canary's silence says something: its habits are lively, or somebody asked."""
    return lively(contract) or contract.name in view.facts.asked.sources


def stated_ns(view: View, contract: Contract, limit_ms: int) -> int:
    """Return a limit that a person gave, as market time."""
    return limit_ms * MS_NS * view.patience_ns(contract) // PATIENCE_NS


def canary_limit_ns(view: View, contract: Contract) -> int:
    """Silent for longer it is a finding, whatever the others do."""
    return _limit_ns(view, contract, FACTOR_ALONE, LEAST_NS)


def _limit_ns(view: View, contract: Contract, factor: float, least_ns: int) -> int:
    limit_ms = view.facts.asked.limits_ms.get(contract.name)
    if limit_ms is not None:
        return stated_ns(view, contract, limit_ms)
    learned_ns = int(factor * contract.habit.usual_ms() * MS_NS)
    return max(view.patience_ns(contract), min(max(learned_ns, least_ns), MOST_NS))


def _limits_ns(view: View) -> dict[str, int]:
    """Limit of each canary that is due; a shorter one where others of its exchange went on."""
    newest: dict[str, int] = {}
    for contract in view.canaries():
        exchange = contract.product.exchange
        newest[exchange] = max(newest.get(exchange, 0), contract.fresh_ns)

    def limit_ns(contract: Contract) -> int:
        ahead_ns = newest[contract.product.exchange] - contract.fresh_ns
        if ahead_ns < max(BESIDE_NS, view.patience_ns(contract) // 2):
            return canary_limit_ns(view, contract)
        return _limit_ns(view, contract, FACTOR_BESIDE, LEAST_BESIDE_NS)

    return {contract.name: limit_ns(contract) for contract in view.canaries()}


def all_silent(view: View) -> dict[str, int]:
    """Exchange -> ms of silence; the one key `HUB` if all that trade are silent."""
    by_exchange: dict[str, list[Contract]] = {}
    for contract in view.canaries():
        if lively(contract):
            by_exchange.setdefault(contract.product.exchange, []).append(contract)
    everybody = [contract for held in by_exchange.values() for contract in held]
    if everybody and _rest(view, everybody):
        return {HUB: _youngest_ms(view, everybody)}
    return {
        exchange: _youngest_ms(view, held)
        for exchange, held in by_exchange.items()
        if _rest(view, held)
    }


def canary_problems(view: View, silent: dict[str, int]) -> Iterator[Problem]:
    """All silent is an error; a single canary a warning."""
    for subject, silent_ms in silent.items():
        sources = len(view.facts.sources) - len(view.unwanted & view.facts.sources.keys())
        facts = {"silent_ms": silent_ms, "sources": sources}
        yield Problem("all_sources_silent", subject, Severity.ERROR, facts)
    if HUB in silent:
        return
    limits_ns = _limits_ns(view)
    for contract in view.canaries():
        settled = lively(contract) and contract.habit.settled
        known = settled or contract.name in view.facts.asked.limits_ms
        if contract.product.exchange in silent or not known:
            continue
        age_ns, limit_ns = view.age_ns(contract), limits_ns[contract.name]
        if age_ns > limit_ns:
            facts = {"silent_ms": age_ns // MS_NS, "limit_ms": limit_ns // MS_NS}
            yield Problem("canary_silent", contract.name, Severity.WARNING, facts)


def _rest(view: View, canaries: list[Contract]) -> bool:
    """Whether canaries rest together, and longer than chance explains."""
    ages_ns = [view.age_ns(contract) for contract in canaries]
    if any(a <= view.patience_ns(c) for a, c in zip(ages_ns, canaries, strict=True)):
        return False
    if len(canaries) >= MANY:
        factor, needed = 1.0, WITNESSES
    else:
        factor = FACTOR_OF_ONE if len(canaries) == 1 else FACTOR_OF_FEW
        needed = len(canaries)
    usual_ns = [contract.habit.usual_ms() * MS_NS for contract in canaries]
    return sum(a > factor * u for a, u in zip(ages_ns, usual_ns, strict=True)) >= needed


def _youngest_ms(view: View, canaries: Iterable[Contract]) -> int:
    return min(view.age_ns(contract) for contract in canaries) // MS_NS
