# HOT: `_true_content` and `_clean_content` run once per snapshot and tick.
"""The independent checker: what the market made against what a strategy received.

It recomputes the market (from seed or file), compares whole contents, shares no code with arbiter,
publisher or SDK (the exchange of a contract is what the market says) and never looks at n or k.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable
from typing import Final

import msgspec

from mdhub.market.snapshot import Snapshot
from mdhub.wire.ticks import CleanTick, Level

__all__ = ["Report", "check"]

_EXAMPLES_KEPT: Final = 10
_STAMP_SLACK_NS: Final = 2_000_000_000
"""A snapshot is made at most a second after its stamp, unless it is an old row whose closing prices
were filled in later; the truth is read that much farther."""
_HUGE: Final = 1e300
"""Beyond it a number is DBL_MAX or infinite: no value."""
_NEVER: Final = -1


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What the checker found, over all contracts."""

    made: int
    """Snapshots the market made in the judged span."""
    received: int
    lost: int
    """Made in the judged span and not received."""
    duplicated: int
    """Received more often than made."""
    out_of_order: int
    """Received after a later snapshot of the same contract."""
    false: int
    """Received, but never made like this."""
    examples: dict[str, list[str]]
    """The first ten of each kind, in words."""

    @property
    def clean(self) -> bool:
        """Tell whether nothing at all was wrong."""
        return not (self.lost or self.duplicated or self.out_of_order or self.false)


def check(
    truth: Iterable[Snapshot],
    received: Iterable[CleanTick],
    *,
    until_ns: int | None = None,
    margin_ns: int = 0,
) -> Report:
    """Compare what the market made with what one strategy received, in order of receipt.

    Judged is the span from when the first tick received was made to when the latest one was, both
    included, less `margin_ns` at each end (contracts may overtake each other by the difference of
    the sources' lags), and not beyond `until_ns`. Truth that ends by itself needs no `until_ns`;
    an endless one does. Memory: about 200 bytes for each snapshot made.
    """
    made = _Made()
    for snapshot in truth:
        if until_ns is not None and snapshot.made_ns > until_ns + _STAMP_SLACK_NS:
            break
        if not snapshot.repeat:
            made.add(snapshot)
    receipts = _Receipts(made, until_ns)
    for tick in received:
        receipts.add(tick)
    return receipts.report(margin_ns)


class _Made:
    """The truth: every snapshot by content, in the order it was made."""

    def __init__(self) -> None:
        self.made_ns = array("q")
        self.stamps_ns = array("q")
        self.volumes = array("q")
        self.contracts = array("l")
        self.symbols: dict[str, int] = {}
        self.first_with: dict[int, int] = {}
        self.others_with: dict[int, list[int]] = {}

    def add(self, snapshot: Snapshot) -> None:
        symbol, place = snapshot.symbol, len(self.made_ns)
        content = _true_content(snapshot)
        if self.first_with.setdefault(content, place) != place:
            self.others_with.setdefault(content, []).append(place)
        self.made_ns.append(snapshot.made_ns)
        self.stamps_ns.append(snapshot.exchange_ns)
        self.volumes.append(_NEVER if snapshot.volume is None else snapshot.volume)
        self.contracts.append(self.symbols.setdefault(symbol, len(self.symbols)))

    def places(self, content: int) -> list[int]:
        first = self.first_with.get(content)
        return [] if first is None else [first, *self.others_with.get(content, ())]


class _Receipts:
    """Matches ticks to the truth as they come."""

    def __init__(self, made: _Made, until_ns: int | None) -> None:
        self._made = made
        self._until_ns = until_ns
        self._seen = bytearray(len(made.made_ns))
        self._latest: dict[str, int] = {}
        self._first_ns: int | None = None
        self._last_ns = _NEVER
        self._counts: Counter[str] = Counter()
        self._examples: dict[str, list[str]] = {}

    def add(self, tick: CleanTick) -> None:
        self._counts["received"] += 1
        places = self._made.places(_clean_content(tick))
        if not places:
            self._add_unknown(tick)
            return
        latest = self._latest.get(tick.symbol, _NEVER)
        unseen = [place for place in places if not self._seen[place]]
        if not unseen:
            self._note("duplicated", _words(tick))
            return
        place = next((place for place in unseen if place > latest), unseen[0])
        if place < latest:
            self._note("out_of_order", _words(tick))
        self._match(tick.symbol, place, max(place, latest))

    def report(self, margin_ns: int) -> Report:
        span = self._judged_span(margin_ns)
        judged = 0
        for place, made_ns in enumerate(self._made.made_ns):
            if span[0] <= made_ns <= span[1]:
                judged += 1
                if not self._seen[place]:
                    self._note("lost", self._true_words(place))
        return Report(
            made=judged,
            received=self._counts["received"],
            lost=self._counts["lost"],
            duplicated=self._counts["duplicated"],
            out_of_order=self._counts["out_of_order"],
            false=self._counts["false"],
            examples=self._examples,
        )

    def _match(self, symbol: str, place: int, latest: int) -> None:
        made_ns = self._made.made_ns[place]
        self._seen[place] = 1
        self._latest[symbol] = latest
        self._last_ns = max(self._last_ns, made_ns)
        if self._first_ns is None:
            self._first_ns = made_ns

    def _add_unknown(self, tick: CleanTick) -> None:
        """Call it false, unless the truth was not read that far."""
        if self._until_ns is None or tick.ts_ns <= self._until_ns:
            self._note("false", _words(tick))

    def _judged_span(self, margin_ns: int) -> tuple[int, int]:
        if self._first_ns is None:
            return 0, _NEVER
        end_ns = self._last_ns - margin_ns
        if self._until_ns is not None:
            end_ns = min(end_ns, self._until_ns)
        return self._first_ns + margin_ns, end_ns

    def _note(self, kind: str, words: str) -> None:
        self._counts[kind] += 1
        examples = self._examples.setdefault(kind, [])
        if len(examples) < _EXAMPLES_KEPT:
            examples.append(words)

    def _true_words(self, place: int) -> str:
        made = self._made
        symbol = list(made.symbols)[made.contracts[place]]
        stamp_ns, volume = made.stamps_ns[place], made.volumes[place]
        return f"{symbol} ts_ns={stamp_ns} volume={volume} made_ns={made.made_ns[place]}"


def _words(tick: CleanTick) -> str:
    return f"{tick.symbol} ts_ns={tick.ts_ns} volume={tick.volume} last={tick.last} {tick.source}"


def _true_content(snapshot: Snapshot) -> int:
    return _content(snapshot, snapshot.true_exchange, snapshot.day, snapshot.exchange_ns)


def _clean_content(tick: CleanTick) -> int:
    return _content(tick, tick.exchange, tick.trading_day, tick.ts_ns)


def _content(fields: Snapshot | CleanTick, exchange: str, day: int, ts_ns: int) -> int:
    """Return 64 bits that stand for everything a strategy can see of a snapshot."""
    return hash(
        (
            fields.symbol,
            exchange,
            day,
            ts_ns,
            fields.volume,
            _value(fields.last),
            _value(fields.turnover),
            _value(fields.open_interest),
            _value(fields.open),
            _value(fields.high),
            _value(fields.low),
            _value(fields.close),
            _value(fields.settlement),
            _value(fields.pre_close),
            _value(fields.pre_settlement),
            _value(fields.pre_open_interest),
            _value(fields.limit_up),
            _value(fields.limit_down),
            _value(fields.average),
            _book(fields.bids),
            _book(fields.asks),
        )
    )


def _value(number: float | None) -> float | None:
    return number if number is not None and -_HUGE < number < _HUGE else None


def _book(levels: list[Level]) -> tuple[tuple[float | None, int | None], ...]:
    return tuple([(_value(price), volume) for price, volume in levels])
