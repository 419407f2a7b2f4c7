"""Derived sources: one clean stream as several brokers' fronts deliver it.

No recording of a second account exists; what is derived here is called derived. Each feed keeps
the order of the exchange (TCP), lags, loses rows at random and pushes its last row again; some
fields differ by front (domain.md section 5).
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final, NamedTuple

from truth.stream import BOOK, Fact, Stream

__all__ = ["FEEDS", "Delivery", "Feed", "as_sent", "deliver"]

MS_NS: Final = 1_000_000


@dataclass(frozen=True)
class Feed:
    """One account at one front."""

    name: str
    lag_ms: tuple[float, float]
    """Every row lags between these, uniformly; rows never overtake each other."""
    loss: float = 0.0
    repush: float = 0.0
    differs: bool = False
    """Whether its front fills turnover, dates, exchange and book in the other known way."""


FEEDS: Final = (
    Feed("A", (1, 3), loss=0.002, repush=0.0005),
    Feed("B", (5, 50), loss=0.01, repush=0.0005, differs=True),
    Feed("C", (100, 300), loss=0.01, repush=0.0005),
)


class Delivery(NamedTuple):
    """One row as it arrives."""

    arrive_ns: int
    feed: int
    fact: int
    """Place in `Stream.facts`."""
    kind: str = ""
    """Kind of anomaly; `repush` for what feeds do anyway; empty for a plain row."""
    line: str | None = None
    """What is sent where that is not the fact as this feed sends it."""
    nulls: str = ""
    """Columns a repair must leave without value, separated by blanks."""


def deliver(stream: Stream, feeds: tuple[Feed, ...], seed: int) -> list[Delivery]:
    """Return what arrives from all feeds, in order of arrival."""
    deliveries: list[Delivery] = []
    for place, feed in enumerate(feeds):
        rng = Random(f"{seed}/{stream.name}/{feed.name}")
        deliveries.extend(_of_feed(stream.facts, place, feed, rng))
    deliveries.sort(key=lambda delivery: delivery.arrive_ns)
    return deliveries


def _of_feed(facts: list[Fact], place: int, feed: Feed, rng: Random) -> list[Delivery]:
    low_ns, high_ns = (int(ms * MS_NS) for ms in feed.lag_ms)
    arrived_ns = 0
    rows: list[Delivery] = []
    last: dict[str, int] = {}
    for number, fact in enumerate(facts):
        if fact.role == "tick" and rng.random() < feed.loss:
            continue
        lag_ns = low_ns + int(rng.random() * (high_ns - low_ns))
        arrived_ns = max(arrived_ns + 1, fact.made_ns + lag_ns)
        if rng.random() < feed.repush and fact.symbol in last:
            rows.append(Delivery(arrived_ns, place, last[fact.symbol], "repush"))
            arrived_ns += 1
        rows.append(Delivery(arrived_ns, place, number, fact.tag))
        last[fact.symbol] = number
    return rows


def as_sent(stream: Stream, fact: Fact, feed: Feed) -> str:
    """Return the line this feed's front sends for a fact."""
    if not feed.differs:
        return fact.line
    cells, at = fact.line.split(","), stream.at
    cells[at["ExchangeID"]] = ""
    if fact.exchange == "CZCE":
        # Backends before 6.7.1 leave the multiplier out; its UDP fronts send no trading day.
        cells[at["TradingDay"]] = ""
        turnover, multiplier = cells[at["Turnover"]], stream.contracts[fact.symbol].multiplier
        if turnover:
            cells[at["Turnover"]] = str(float(turnover) * multiplier)
        cells[at["AveragePrice"]] = ""
    for name in BOOK:
        if name in at:
            cells[at[name]] = ""
    return ",".join(cells)
