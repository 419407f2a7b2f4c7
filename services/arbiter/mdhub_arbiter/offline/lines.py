"""Outcomes as lines of output: one per row, and one more for each row that had been held."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from mdhub.market.products import exchange_of
from mdhub.wire.codec import decode_clean_tick, decode_rejected_header
from mdhub.wire.entries import Verdict
from mdhub.wire.ticks import CleanTick, Flag
from mdhub_arbiter.decide import Clean, Rejected
from mdhub_arbiter.offline.arrivals import Arrival
from mdhub_arbiter.offline.desk import Outcome

__all__ = ["MALFORMED", "Line", "Lines"]

MALFORMED: Final = "malformed"
WAITS: Final = "waits"
"""Reason of a hold that the arbiter does not write down: another source has the say."""
WAITING_MAX: Final = 100_000


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """Verdict on a row; what makes no sense for a verdict is null."""

    file: str | UnsetType = UNSET
    """Only if several files are arbitrated."""
    row: int
    """1 = first row after the header of its file."""
    source: str
    instrument: str
    """`symbol.EXCHANGE`, or the symbol alone if it is listed nowhere."""
    verdict: str
    """A Verdict, or `malformed`."""
    reason: str | None = None
    n: int | None = None
    trading_day: int | None = None
    ts_ns: int | None = None
    flags: int | None = None
    released_by: int | UnsetType | None = UNSET
    """Second line of a row that had been held: the row that ended the hold, null = time did."""
    tick: CleanTick | UnsetType = UNSET
    """The clean tick, if a value of it was repaired and that is asked for."""


class Lines:
    """Turns outcomes into lines; remembers the newest rows that wait."""

    def __init__(self, files: list[str], *, repaired: bool = False) -> None:
        self._files = files
        self._repaired = repaired
        self._waiting: dict[bytes, Arrival] = {}

    def of(self, outcome: Outcome) -> Iterator[Line]:
        """Lines of one outcome: of the row itself first, then of rows it released."""
        arrival = outcome.arrival
        first = None
        if arrival is not None:
            first = _first_about(outcome)
            yield self._own(arrival, outcome, first)
        for out in outcome.outputs:
            if out is not first and _is_of_a_tick(out) and out.about in self._waiting:
                line = self._of_output(self._waiting.pop(out.about), out)
                by = None if arrival is None else arrival.row
                yield msgspec.structs.replace(line, released_by=by)

    def _own(self, arrival: Arrival, outcome: Outcome, first: Clean | Rejected | None) -> Line:
        if not outcome.entry_id:
            return self._line(arrival, MALFORMED, arrival.malformed)
        if first is None and outcome.duplicate:
            return self._line(arrival, Verdict.DUPLICATE)
        if first is None:
            self._wait(outcome.entry_id, arrival)
            return self._line(arrival, Verdict.HOLD, WAITS)
        line = self._of_output(arrival, first)
        if line.verdict == Verdict.HOLD:
            self._wait(outcome.entry_id, arrival)
        return line

    def _wait(self, raw_id: bytes, arrival: Arrival) -> None:
        """Remember a row; most of those that wait are never heard of again."""
        if len(self._waiting) >= WAITING_MAX:
            del self._waiting[next(iter(self._waiting))]
        self._waiting[raw_id] = arrival

    def _of_output(self, arrival: Arrival, out: Clean | Rejected) -> Line:
        if isinstance(out, Rejected):
            header = decode_rejected_header(out.header)
            return self._line(arrival, header.verdict, header.reason)
        tick = decode_clean_tick(out.payload)
        settled = tick.flags & Flag.SETTLEMENT
        return msgspec.structs.replace(
            self._line(arrival, Verdict.SETTLEMENT if settled else Verdict.ACCEPT),
            n=out.n,
            trading_day=tick.trading_day,
            ts_ns=tick.ts_ns,
            flags=tick.flags,
            tick=tick if self._repaired and tick.flags & Flag.VALUE_REPAIRED else UNSET,
        )

    def _line(self, arrival: Arrival, verdict: str, reason: str | None = None) -> Line:
        return Line(
            file=self._files[arrival.file] if len(self._files) > 1 else UNSET,
            row=arrival.row,
            source=arrival.source,
            instrument=_instrument(arrival.symbol, arrival.exchange),
            verdict=verdict,
            reason=reason,
        )


def _first_about(outcome: Outcome) -> Clean | Rejected | None:
    """What was said first of the row itself: it may be held and released by one entry."""
    for out in outcome.outputs:
        if out.about == outcome.entry_id and _is_of_a_tick(out):
            return out
    return None


def _is_of_a_tick(out: Clean | Rejected) -> bool:
    return isinstance(out, Rejected) or out.field == b"t"


@lru_cache(maxsize=65_536)
def _instrument(symbol: str, exchange: str) -> str:
    listed = exchange or exchange_of(symbol)
    return f"{symbol}.{listed}" if listed else symbol
