"""A front that answers subscriptions on simulated time."""

from __future__ import annotations

from collections import Counter
from random import Random

from mdhub_ingest.gateways.port import First, Instrument
from mdhub_ingest.gateways.rules import parse_rules
from mdhub_ingest.gateways.subscriptions import Subscriptions
from mdhub_ingest.gateways.universe import Knowledge
from tests.unit.ingest.gateways.listings import MIXED

TURN_S = 0.1


def many(amount: int) -> list[Instrument]:
    """As many futures on four exchanges, in no order."""
    listed = [
        Instrument(
            symbol=f"{product}{number}", exchange=exchange, product=product, product_class="1"
        )
        for number in range(1_000, 1_000 + -(-amount // 4))
        for exchange, product in (("SHFE", "rb"), ("DCE", "m"), ("INE", "sc"), ("GFEX", "si"))
    ]
    Random(3).shuffle(listed)
    return listed[:amount]


class Front:
    """Answers subscriptions on simulated time, like `Connection` with its first ticks."""

    def __init__(self, subscriptions: Subscriptions, *, lose: float = 0.0, seed: int = 1) -> None:
        self.subscriptions = subscriptions
        self.now_s = 0.0
        self.lose = lose
        self.random = Random(seed)
        self.mute: set[str] = set()
        self.asked: Counter[str] = Counter()
        self.batches: list[tuple[float, list[str]]] = []
        self.told: set[str] = set()

    def turn(self) -> list[str]:
        """A turn of the source's loop: what was asked for is answered before the next one."""
        symbols = [i.symbol for i in self.subscriptions.due(self.now_s)]
        if symbols:
            self.batches.append((self.now_s, symbols))
        self.asked.update(symbols)
        heard = [
            s
            for s in symbols
            if s not in self.mute and s not in self.told and self.random.random() >= self.lose
        ]
        self.tell(*heard)
        self.now_s += TURN_S
        return symbols

    def tell(self, *symbols: str) -> None:
        """First ticks come in."""
        self.told.update(symbols)
        self.subscriptions.first(First(symbol, 1.0, None, None) for symbol in symbols)

    def pass_s(self, seconds: float) -> None:
        end_s = self.now_s + seconds
        while self.now_s < end_s:
            self.turn()

    def release(self) -> list[Instrument]:
        """What is unsubscribed streams no longer; its next tick is a first one."""
        released = self.subscriptions.release(self.now_s)
        self.told.difference_update(i.symbol for i in released)
        return released

    def reconnect(self) -> None:
        """A new connection: firsts are forgotten."""
        self.told.clear()
        self.asked.clear()
        self.batches.clear()
        self.subscriptions.reconnected(self.now_s)


def subscriptions(
    *texts: str,
    listed: list[Instrument] | None = None,
    limit: int | None = None,
    releases: bool = False,
    day: int = 20261001,
    known: Knowledge | None = None,
) -> Subscriptions:
    made = Subscriptions(
        parse_rules(texts or ["all"]),
        limit,
        day=day,
        releases=releases,
        known=known or Knowledge(0),
    )
    made.learn(MIXED if listed is None else listed)
    return made
