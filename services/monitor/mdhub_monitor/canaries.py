"""Canaries: contracts so liquid that their silence means trouble, chosen day by day.

Per product the contract with most pre-open interest (open interest where a feed does not send it),
of ETF options the three with most. The choice grows with what is seen of the day and does not go
back within it.
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
    for contract in facts.contracts.values():
        product = contract.product
        if contract.day == product.stretch.trading_day and canary_candidate(contract):
            best.setdefault(product, []).append(contract)
    for product, found in best.items():
        room = OF_OPTIONS if product.name.endswith(f".{ETF_OPTION}") else PER_PRODUCT
        found.sort(key=lambda each: (-each.score, each.symbol))
        _settle(product, found[:room])


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
