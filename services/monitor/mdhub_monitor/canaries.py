"""Canaries: contracts so liquid that their silence means trouble, chosen day by day.

Per product the contract with most pre-open interest (open interest where a feed does not send it),
of ETF options the three with most. The choice grows with what is seen of the day and does not go
back within it. To these come the contracts that accounts ask for.
"""

from __future__ import annotations

from typing import Final

from mdhub.market.products import ETF_OPTION
from mdhub_monitor.facts import Contract, Facts, Product, canary_candidate

__all__ = ["choose_canaries"]

PER_PRODUCT: Final = 1
OF_OPTIONS: Final = 3


def choose_canaries(facts: Facts) -> None:
    """Give each product its canaries of its trading day of now. Cheap: about once a second."""
    best: dict[Product, list[Contract]] = {}
    asked: dict[Product, list[Contract]] = {}
    for contract in facts.contracts.values():
        product = contract.product
        if contract.day != product.stretch.trading_day:
            continue
        if canary_candidate(contract):
            best.setdefault(product, []).append(contract)
        if contract.name in facts.asked.sources:
            asked.setdefault(product, []).append(contract)
    for product in {**best, **asked, **_no_more_asked(facts)}:
        room = OF_OPTIONS if product.name.endswith(f".{ETF_OPTION}") else PER_PRODUCT
        found = sorted(best.get(product, ()), key=lambda each: (-each.score, each.symbol))[:room]
        _settle(product, list(dict.fromkeys([*found, *asked.get(product, ())])))


def _no_more_asked(facts: Facts) -> dict[Product, None]:
    """Products with a canary that was only asked for, and is no longer."""
    return {
        product: None
        for product in facts.products.values()
        if any(
            not canary_candidate(each) and each.name not in facts.asked.sources
            for each in product.canaries
        )
    }


def _settle(product: Product, chosen: list[Contract]) -> None:
    for contract in product.canaries:
        if contract not in chosen:
            contract.recent = None
    for contract in chosen:
        if contract.recent is None:
            contract.recent = {}
            for feed in contract.feeds.values():
                feed.number = contract.number
    product.canaries = chosen
