# HOT: once per raw tick; 40,000 a second must leave most of a core free.
"""Facts folded from raw: per source, per contract, per source and contract.

All times are market time of the log (`market_ns`): newest clock entry of the shard. So the same raw
gives the same facts, at any speed of the market, and a hub that stands still makes nobody silent.

A tick is *fresh* if its product is not closed and its session clock, or its volume at the same
clock, is above what its source sent before of the contract. A snapshot is *new* if it is so for the
contract as a whole. Of canaries the newest snapshots are kept with who had them first: lag and
missing snapshots follow from it.
"""

from __future__ import annotations

from collections import deque
from functools import lru_cache
from typing import Final

import msgspec

from mdhub.calendar import Phase
from mdhub.market.products import ETF_OPTION, exchange_of, is_option, product_of
from mdhub.wire.codec import DecodeError, decode_raw_tick, decoder
from mdhub_monitor.asked import NOTHING, Asked
from mdhub_monitor.hours import Hours, Stretch
from mdhub_monitor.learn import Habit

__all__ = ["Contract", "Facts", "Feed", "Product", "ShardClock", "SourceSeen"]

SECOND_NS: Final = 1_000_000_000
MS_NS: Final = 1_000_000
DAY_MS: Final = 86_400_000
EVENING_MS: Final = 20 * 3_600_000
CHINA_MS: Final = 8 * 3_600_000
AHEAD_MS: Final = 60_000
"""A stamp so far ahead of market time is a wrong clock: it proves nothing."""
MAX_SOURCES: Final = 256
MAX_CONTRACTS: Final = 60_000
MAX_NAME: Final = 32
RING: Final = 256
"""Snapshots of a canary that are remembered, with who had them first."""
LAGS: Final = 4_096
_TEXT_LENGTH: Final = 8


class _Glance(msgspec.Struct, array_like=True, gc=False):
    """The first fields of a RawTick; the rest is passed over."""

    v: int
    source: str
    session: int
    seq: int
    recv_ns: int
    symbol: str
    exchange: str
    trading_day: str
    action_day: str
    update_time: str
    update_ms: int
    last: float | None
    volume: int | None


_glance: Final = decoder(_Glance)


class ShardClock:
    """Log time and market time of one shard."""

    __slots__ = ("log_ns", "market_ns", "rate")

    def __init__(self) -> None:
        self.log_ns = 0
        self.market_ns = 0
        """0 = not known yet."""
        self.rate = 1.0


class Feed:
    """What one source delivers of one contract."""

    __slots__ = ("clock_ms", "day", "fresh_ns", "last_ns", "number", "owes_ns", "volume")

    def __init__(self, number: int) -> None:
        self.number = number
        """Newest snapshot of the contract that it has delivered, by the contract's count."""
        self.day = 0
        self.clock_ms = -1
        self.volume = -1
        self.last_ns = 0
        self.fresh_ns = 0
        self.owes_ns = 0
        """Since when others have had snapshots that it has not; 0 = it owes none."""


class Product:
    """A product's hours of now, and its canaries."""

    __slots__ = ("canaries", "exchange", "name", "stretch")

    def __init__(self, name: str) -> None:
        self.name = name
        """`SHFE.rb`."""
        self.exchange = name.partition(".")[0]
        self.stretch = Stretch(Phase.CLOSED, 0, 0, 0)
        self.canaries: list[Contract] = []


class Contract:
    """One contract, over all sources."""

    __slots__ = (
        "clock_ms", "day", "feeds", "fresh_ns", "habit", "name", "number", "option", "product",
        "recent", "score", "shard", "symbol", "volume",
    )  # fmt: skip

    def __init__(self, symbol: str, product: Product, shard: int, habit: Habit) -> None:
        self.symbol = symbol
        self.product = product
        self.name = f"{symbol}.{product.exchange}"
        self.shard = shard
        self.habit = habit
        self.feeds: dict[str, Feed] = {}
        self.number = 0
        self.clock_ms = -1
        self.volume = -1
        self.fresh_ns = 0
        self.day = 0
        """Trading day of which `score` is."""
        self.score = 0.0
        """Pre-open interest of the day; open interest where it is not sent."""
        self.option = is_option(symbol)
        self.recent: dict[tuple[int, int], tuple[int, int]] | None = None
        """Canaries: (clock, volume) -> number and first receive time of the newest snapshots."""


class SourceSeen:
    """One source, over all contracts. Counts only grow."""

    __slots__ = ("lags", "last_ns", "lost", "missed", "name", "repeats", "session", "ticks")

    def __init__(self, name: str) -> None:
        self.name = name
        self.ticks = 0
        self.session = 0
        self.last_ns = 0
        self.repeats = 0
        """Ticks that say what the same source said before (CZCE: not told apart, not counted)."""
        self.missed = 0
        """Snapshots of canaries that others delivered and it did not."""
        self.lost = 0
        """Ticks its own writer had to drop."""
        self.lags: deque[tuple[int, float]] = deque(maxlen=LAGS)
        """(log time, ms behind the first) of canaries' snapshots; -1 = it was the first."""


class Facts:
    """The fold. One instance for all shards; `contracts` and `sources` are bounded."""

    def __init__(self, hours: Hours) -> None:
        self.hours = hours
        self.clocks: dict[int, ShardClock] = {}
        self.sources: dict[str, SourceSeen] = {}
        self.products: dict[str, Product] = {}
        self.contracts: dict[str, Contract] = {}
        self.undecodable = 0
        self.strangers = 0
        """Ticks of sources beyond the bound, or with a name that no source can have."""
        self.unknown = 0
        """Ticks of symbols that fit no product, or beyond the bound of contracts."""
        self.asked: Asked = NOTHING
        """What accounts ask for."""
        self.kept: dict[str, Habit] = {}
        """Habits of an earlier run; taken when the contract shows up."""

    def clock(self, shard: int) -> ShardClock:
        found = self.clocks.get(shard)
        if found is None:
            found = self.clocks[shard] = ShardClock()
        return found

    def tick(self, shard: int, payload: bytes) -> None:
        """Fold one raw tick."""
        try:
            glance = _glance(payload)
        except DecodeError:
            self.undecodable += 1
            return
        source = self.sources.get(glance.source) or self._new_source(glance.source)
        if source is None:
            return
        clock = self.clock(shard)
        now_ns = clock.market_ns
        source.ticks += 1
        source.last_ns = now_ns
        source.session = max(source.session, glance.session)
        contract = self.contracts.get(glance.symbol) or self._new_contract(glance, shard)
        if contract is None or not now_ns:
            return
        if contract.day != contract.product.stretch.trading_day:
            _begin_day(contract, payload)
        feed = contract.feeds.get(source.name)
        if feed is None:
            feed = contract.feeds[source.name] = Feed(contract.number)
        feed.last_ns = now_ns
        at_ms = _session_ms(glance.update_time)
        if at_ms < 0:
            return
        self._deliver(contract, feed, source, glance, at_ms + glance.update_ms, clock)

    def _deliver(
        self,
        contract: Contract,
        feed: Feed,
        source: SourceSeen,
        glance: _Glance,
        at_ms: int,
        clock: ShardClock,
    ) -> None:
        now_ns, volume = clock.market_ns, glance.volume or 0
        if feed.day != contract.day:
            feed.day, feed.clock_ms, feed.volume = contract.day, -1, -1
        if at_ms < feed.clock_ms or (at_ms == feed.clock_ms and volume <= feed.volume):
            if at_ms == feed.clock_ms and contract.product.exchange != "CZCE":
                source.repeats += 1
            return
        if (
            contract.product.stretch.phase is Phase.CLOSED
            or at_ms - market_clock_ms(now_ns) > AHEAD_MS
        ):
            return  # a snapshot of another day, or a wrong clock: it proves nothing
        feed.clock_ms, feed.volume, feed.fresh_ns = at_ms, volume, now_ns
        if at_ms > contract.clock_ms or (at_ms == contract.clock_ms and volume > contract.volume):
            self._new_snapshot(contract, feed, source, glance, at_ms, clock)
        elif contract.recent is not None:
            known = contract.recent.get((at_ms, volume))
            if known is not None and known[0] > feed.number:
                if contract.product.stretch.open:
                    source.missed += known[0] - feed.number - 1
                    lag_ms = (glance.recv_ns - known[1]) / MS_NS
                    source.lags.append((clock.log_ns, max(0.0, lag_ms)))
                feed.number = known[0]
        elif at_ms == contract.clock_ms:
            feed.number = contract.number

    @staticmethod
    def _new_snapshot(
        contract: Contract,
        feed: Feed,
        source: SourceSeen,
        glance: _Glance,
        at_ms: int,
        clock: ShardClock,
    ) -> None:
        stretch = contract.product.stretch
        if stretch.open and contract.fresh_ns >= stretch.start_ns:
            contract.habit.learn(at_ms - contract.clock_ms)
        contract.number += 1
        contract.clock_ms, contract.volume = at_ms, glance.volume or 0
        contract.fresh_ns = clock.market_ns
        recent = contract.recent
        if recent is not None:
            if stretch.open:
                source.missed += contract.number - feed.number - 1
                source.lags.append((clock.log_ns, -1.0))
            recent[at_ms, contract.volume] = (contract.number, glance.recv_ns)
            if len(recent) > RING:
                del recent[next(iter(recent))]
        feed.number = contract.number

    def _new_source(self, name: str) -> SourceSeen | None:
        fits = 0 < len(name) <= MAX_NAME and name.isprintable()
        if len(self.sources) >= MAX_SOURCES or not fits:
            self.strangers += 1
            return None
        found = self.sources[name] = SourceSeen(name)
        return found

    def _new_contract(self, glance: _Glance, shard: int) -> Contract | None:
        exchange, product = exchange_of(glance.symbol), product_of(glance.symbol)
        if exchange is None or product is None or len(self.contracts) >= MAX_CONTRACTS:
            self.unknown += 1
            return None
        name = f"{exchange}.{product}"
        held = self.products.get(name)
        if held is None:
            held = self.products[name] = Product(name)
            held.stretch = self.hours.at(name, self.clock(shard).market_ns)
        habit = self.kept.pop(glance.symbol, None) or Habit()
        contract = self.contracts[glance.symbol] = Contract(glance.symbol, held, shard, habit)
        contract.day = -1
        return contract


def _begin_day(contract: Contract, payload: bytes) -> None:
    """Once per contract and trading day: read the whole tick for its pre-open interest."""
    contract.day = contract.product.stretch.trading_day
    contract.clock_ms = contract.volume = -1
    try:
        tick = decode_raw_tick(payload)
    except DecodeError:
        return
    score = tick.pre_open_interest or tick.open_interest or 0.0
    contract.score = score if 0.0 < score < 1e15 else 0.0  # noqa: PLR2004 - DBL_MAX is no value


def market_clock_ms(market_ns: int) -> int:
    """Ms since 20:00 China time."""
    return (market_ns // MS_NS + CHINA_MS - EVENING_MS) % DAY_MS


@lru_cache(maxsize=128)  # the ticks of one second share their text
def _session_ms(text: str) -> int:
    """`"21:00:05"` -> ms since 20:00; -1 if it is no time of day."""
    if len(text) != _TEXT_LENGTH or text[2] != ":" or text[5] != ":":
        return -1
    digits = text[0:2] + text[3:5] + text[6:8]
    if not (digits.isascii() and digits.isdigit()):
        return -1
    seconds = (int(text[0:2]) * 60 + int(text[3:5])) * 60 + int(text[6:8])
    return (seconds * 1_000 - EVENING_MS) % DAY_MS


def canary_candidate(contract: Contract) -> bool:
    """Options are too quiet, but for those on ETFs."""
    return not contract.option or contract.product.name.endswith(f".{ETF_OPTION}")
