"""What a client is owed where no source lived for a while: what raw has and was not too late.

Two sources that start again at once resend from different moments; what the second one has older
than what the first one sent already is refused as `late` (docs/decisions/007).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mdhub.market.snapshot import Snapshot
from mdhub.streams.port import Entry
from mdhub.wire.codec import decode_raw_tick, decode_rejected_header
from mdhub.wire.ticks import CleanTick, RawTick

__all__ = ["Owed"]

LATE = "late"


class Owed:
    """Filters the market; counts what it leaves out between the first and the last owed."""

    def __init__(
        self, raw: Iterable[Entry], rejected: Iterable[Entry], received: Iterable[CleanTick]
    ) -> None:
        """`received` is owed in any case: whether it is true, the checker says."""
        self._in_raw = {
            _content(decode_raw_tick(fields[1])) for _, fields in raw if fields[0] == b"t"
        }
        self._late = {
            _content(decode_raw_tick(fields[3]))
            for _, fields in rejected
            if decode_rejected_header(fields[1]).reason == LATE
        }
        self._received = {(tick.symbol, tick.ts_ns, tick.volume) for tick in received}
        self.unreached = 0
        """Snapshots that reached no source."""
        self.late = 0
        """Snapshots that were refused as late from every source that had them."""

    def of(self, truth: Iterable[Snapshot]) -> Iterator[Snapshot]:
        """The market's snapshots that are owed."""
        begun, unreached, late = False, 0, 0
        for snapshot in truth:
            content = _content(snapshot)
            got = (snapshot.symbol, snapshot.exchange_ns, snapshot.volume) in self._received
            if got or (content in self._in_raw and content not in self._late):
                self.unreached += unreached if begun else 0
                self.late += late if begun else 0
                begun, unreached, late = True, 0, 0
                yield snapshot
            elif content in self._in_raw:
                late += 1
            else:
                unreached += 1


def _content(tick: Snapshot | RawTick) -> int:
    return hash(
        (
            tick.symbol, tick.trading_day, tick.action_day, tick.update_time, tick.update_ms,
            tick.volume, tick.turnover, tick.last, repr(tick.bids), repr(tick.asks),
        )
    )  # fmt: skip
