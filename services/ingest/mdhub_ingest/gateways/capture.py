# HOT: once per tick, on a thread of the vendor's library.
"""Turns what a gateway delivers into the fields of a RawTick, `symbol` to `asks`.

CTP and its kin: the dict of `onRtnDepthMarketData`, before vnpy's own callback, which would bend
milliseconds and dates and drop what it knows no contract of. Others: vnpy's TickData.
Text stays as sent, DBL_MAX, nan and infinities stay what they are.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from operator import itemgetter
from time import time_ns
from typing import Any, Final

from mdhub.market.snapshot import NO_VALUE
from mdhub.wire.ticks import CHINA_TIME, Level
from mdhub_ingest.gateways.port import First, Take
from mdhub_ingest.gateways.told import NONE_FROM, number

__all__ = ["Capture"]

# In the order of RawTick.
_TEXT: Final = ("InstrumentID", "ExchangeID", "TradingDay", "ActionDay", "UpdateTime")
_NUMBERS: Final = (
    "UpdateMillisec", "LastPrice", "Volume", "Turnover", "OpenInterest", "OpenPrice",
    "HighestPrice", "LowestPrice", "ClosePrice", "SettlementPrice", "PreClosePrice",
    "PreSettlementPrice", "PreOpenInterest", "UpperLimitPrice", "LowerLimitPrice", "AveragePrice",
)  # fmt: skip
_BIDS: Final = tuple(f"Bid{what}{level}" for level in range(1, 6) for what in ("Price", "Volume"))
_ASKS: Final = tuple(f"Ask{what}{level}" for level in range(1, 6) for what in ("Price", "Volume"))
_plain: Final = itemgetter(*_TEXT, *_NUMBERS)
_bids: Final = itemgetter(*_BIDS)
_asks: Final = itemgetter(*_ASKS)

_SECOND_NS: Final = 1_000_000_000
_DAY_MS: Final = 86_400_000
_CHINA_MS: Final = 28_800_000
_AHEAD_MS: Final = 60_000
"""The exchange's clock may be this far ahead of ours; beyond it the tick is of another day."""


class Capture:
    """Reads ticks in the gateway's thread and gives them to `take`; nothing ever raises."""

    __slots__ = (
        "_before", "_clock", "_clock_ms", "_firsts", "_newest", "_none", "_seen", "last_recv_ns",
        "take", "ticks", "unread",
    )  # fmt: skip

    def __init__(self, *, none: frozenset[float] = frozenset()) -> None:
        """`none`: numbers that mean "no value" in this gateway's TickData."""
        self.take: Take = _nowhere
        self.ticks = 0
        self.last_recv_ns = 0
        self.unread: Counter[str] = Counter()
        """What could not be read as it should, by reason."""
        self._none = none
        self._firsts: deque[First] = deque()
        self._seen: set[str] = set()
        self._clock = ""
        self._clock_ms: int | None = None
        self._newest = self._before = (0, 0)
        """Second of receipt, and the smallest age (ms) in it."""

    def on_depth(self, data: Mapping[str, Any]) -> None:
        """Take a CTP snapshot."""
        recv_ns = time_ns()
        try:
            try:
                plain, bids, asks = _plain(data), _bids(data), _asks(data)
            except KeyError:
                plain, bids, asks = self._patched(data)
            if type(plain[5]) is not int:
                plain = self._with_whole_ms(plain)
            self._deliver(recv_ns, (*plain, _levels(bids), _levels(asks)))
        except Exception as fault:  # noqa: BLE001 - it would end on the vendor's stdout
            self.unread[f"tick_fault:{type(fault).__name__}"] += 1

    def on_tick(self, tick: Any) -> None:
        """Take vnpy's TickData."""
        recv_ns = time_ns()
        try:
            self._deliver(recv_ns, _fields_of(tick, self._none))
        except Exception as fault:  # noqa: BLE001 - it would end in the gateway's thread
            self.unread[f"tick_fault:{type(fault).__name__}"] += 1

    def firsts(self) -> list[First]:
        """Return instruments whose first tick came since the last call."""
        waiting = self._firsts
        return [waiting.popleft() for _ in range(len(waiting))]

    def forget_firsts(self) -> None:
        """The next tick of each instrument counts as its first."""
        self._seen = set()

    def forget(self, symbols: Iterable[str]) -> None:
        """The next tick of these counts as their first."""
        self._seen.difference_update(symbols)

    def age_ms(self) -> int | None:
        """Return the smallest age of the ticks of this second and the one before; None = none came.

        A snapshot after a subscription may be hours old, but what a queue delays is all ticks: so
        the smallest tells.
        """
        since = time_ns() // _SECOND_NS - 1
        ages = [age_ms for second, age_ms in (self._before, self._newest) if second >= since]
        return min(ages, default=None)

    def _deliver(self, recv_ns: int, fields: tuple[Any, ...]) -> None:
        symbol = fields[0]
        if not symbol:
            self.unread["tick_no_symbol"] += 1
            return
        self.take(recv_ns, fields)
        self.ticks += 1
        self.last_recv_ns = recv_ns
        if symbol not in self._seen:
            self._seen.add(symbol)
            self._firsts.append(First(symbol, *map(number, (fields[17], fields[6], fields[16]))))
        if fields[4] != self._clock:
            self._clock = fields[4]
            self._clock_ms = _ms_of(fields[4])
        if self._clock_ms is not None:
            behind_ms = recv_ns // 1_000_000 + _CHINA_MS - self._clock_ms - fields[5]
            age_ms = (behind_ms + _AHEAD_MS) % _DAY_MS - _AHEAD_MS
            second = recv_ns // _SECOND_NS
            newest_second, least_ms = self._newest
            if second != newest_second:
                self._before = self._newest
                self._newest = (second, age_ms)
            elif age_ms < least_ms:
                self._newest = (second, age_ms)

    def _patched(
        self, data: Mapping[str, Any]
    ) -> tuple[tuple[Any, ...], tuple[Any, ...], tuple[Any, ...]]:
        """Read a snapshot that lacks fields: numbers become None, levels empty."""
        known = {*_TEXT, *_NUMBERS, *_BIDS, *_ASKS}
        for name in known - data.keys():
            self.unread[f"tick_lacks:{name}"] += 1
        empty = (NO_VALUE, 0) * 5
        return (
            (*(data.get(k, "") for k in _TEXT), *(data.get(k) for k in _NUMBERS)),
            tuple(data.get(k, lack) for k, lack in zip(_BIDS, empty, strict=True)),
            tuple(data.get(k, lack) for k, lack in zip(_ASKS, empty, strict=True)),
        )

    def _with_whole_ms(self, plain: tuple[Any, ...]) -> tuple[Any, ...]:
        self.unread["tick_odd:UpdateMillisec"] += 1
        try:
            whole_ms = int(plain[5])
        except (TypeError, ValueError, OverflowError):
            whole_ms = 0
        return (*plain[:5], whole_ms, *plain[6:])


def _nowhere(recv_ns: int, fields: tuple[Any, ...]) -> None:
    """Before `connect` there is nobody to take a tick."""


def _levels(flat: tuple[Any, ...]) -> list[Level]:
    """Pair prices and volumes; level 1 always, deeper ones as far as the front fills them.

    An unfilled level has volume 0 and DBL_MAX (some fronts: 0) for a price.
    """
    end = 10
    while end > 2 and not flat[end - 1] and (flat[end - 2] >= NONE_FROM or not flat[end - 2]):  # noqa: PLR2004
        end -= 2
    if end == 2:  # noqa: PLR2004 - one level
        return [(flat[0], flat[1])]
    return [(flat[i], flat[i + 1]) for i in range(0, end, 2)]


def _ms_of(clock: str) -> int | None:
    """Milliseconds of `HH:MM:SS` since midnight; None = not readable."""
    try:
        hours, minutes, seconds = clock.split(":")
        return (int(hours) * 3600 + int(minutes) * 60 + int(seconds)) * 1000
    except ValueError:
        return None


def _fields_of(tick: Any, none: frozenset[float]) -> tuple[Any, ...]:
    """Read a TickData now: some gateways use one object for every tick.

    It has no trading day, settlement or average; its moment is told in China time.
    """

    def told(name: str) -> float | None:
        value = getattr(tick, name)
        return None if value in none else value

    moment = tick.datetime
    if moment is not None and moment.tzinfo is not None:
        moment = moment.astimezone(CHINA_TIME)
    volume = told("volume")
    return (
        tick.symbol,
        tick.exchange.value,
        "",
        f"{moment:%Y%m%d}" if moment else "",
        f"{moment:%H:%M:%S}" if moment else "",
        moment.microsecond // 1000 if moment else 0,
        told("last_price"),
        None if volume is None else int(volume),
        told("turnover"),
        told("open_interest"),
        told("open_price"),
        told("high_price"),
        told("low_price"),
        None,
        None,
        told("pre_close"),
        None,
        None,
        told("limit_up"),
        told("limit_down"),
        None,
        _side(tick, "bid", none),
        _side(tick, "ask", none),
    )


def _side(tick: Any, side: str, none: frozenset[float]) -> list[Level]:
    levels: list[Level] = []
    for level in range(1, 6):
        price = getattr(tick, f"{side}_price_{level}")
        volume = getattr(tick, f"{side}_volume_{level}")
        if level > 1 and not volume and (not price or price in none):
            break
        size = None if volume in none and volume < 0 else int(volume)
        levels.append((None if price in none else price, size))
    return levels
