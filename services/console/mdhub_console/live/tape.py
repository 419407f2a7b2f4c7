"""One contract as it is looked at: newest tick of each source, prices, refusals, quality. Pure.

Fed with entries of its shard in order; what it has had already it passes over.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from mdhub.streams.ids import OUTPUTS_PER_ENTRY, clean_id, id_less
from mdhub.streams.port import FIRST_ID, Entry
from mdhub.wire.codec import DecodeError, decode_marker, decode_raw_tick, decoder
from mdhub.wire.entries import MarkerKind, Verdict
from mdhub.wire.entries import QualityMark as WireMark
from mdhub_console.live.named import QualityMark, named
from mdhub_console.live.rows import RejectedRow, rejected_row
from mdhub_console.read.verdicts import (
    UNDECIDED,
    CleanRow,
    RawRow,
    clean_rows,
    differing,
    is_of,
    raw_rows,
)

__all__ = ["NO_VALUE", "Dot", "QualityRow", "Snapshot", "Tape", "quality_row"]

PRICES: Final = 2_000
REFUSED: Final = 300
QUALITIES: Final = 50
SOURCES: Final = 64
"""Names of sources that are held; one more is passed over and counted."""
NO_VALUE: Final = 1e300
"""CTP's DBL_MAX stands for "no value"."""
_decode_quality: Final = decoder(WireMark)


class QualityRow(msgspec.Struct, frozen=True, kw_only=True):
    """How far a contract can be trusted."""

    id: str
    log_ns: int
    mark: QualityMark


class Dot(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One price in the chart; with a verdict, one that was refused."""

    id: str
    recv_ns: int
    last: float
    source: str
    verdict: str = ""
    reason: str = ""


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """One contract now."""

    symbol: str
    exchange: str
    shard: int
    sources: list[RawRow]
    """The newest raw tick of each source, by name, with its verdict."""
    differs: list[str]
    """Fields in which these are not all the same."""
    clean: CleanRow | None
    """The newest clean tick."""
    rejected: list[RejectedRow]
    """The newest refusals, newest first."""
    quality: list[QualityRow]
    """The newest changes of its quality, newest first."""
    skipped: int = 0
    """Times that ticks came faster than is read here: those between are not shown."""


class Tape:
    """Take entries of one shard from one thread; look from any."""

    def __init__(self, symbol: str, exchange: str, shard: int) -> None:
        self.symbol, self.exchange, self.shard = symbol, exchange, shard
        self.version = 0
        """Grows with everything that is new of this contract."""
        self.skipped = 0
        self.sources_over = 0
        self.cursors: dict[str, bytes] = {}
        """By name of the stream: the newest entry it has had."""
        self._word = symbol.encode()
        self._lock = threading.Lock()
        self._told: dict[str, RawRow] = {}
        self._open: dict[str, Entry] = {}
        """Newest raw entry of a source that has no verdict yet."""
        self._clean: deque[CleanRow] = deque(maxlen=PRICES)
        self._refused: deque[tuple[Entry, RejectedRow]] = deque(maxlen=REFUSED)
        self._quality: deque[QualityRow] = deque(maxlen=QUALITIES)

    def take(
        self,
        *,
        raw: Iterable[Entry] = (),
        clean: Iterable[Entry] = (),
        rejected: Iterable[Entry] = (),
        decided: bytes,
    ) -> None:
        """Take what is new. `decided`: position of the arbiter, read after raw, before the rest."""
        with self._lock:
            news = self._take_raw(self._new("raw", raw))
            until = clean_id(decided, OUTPUTS_PER_ENTRY - 1)
            news |= self._take_clean(self._new("clean", clean, until))
            news |= self._take_rejected(self._new("rejected", rejected, until))
            news |= self._judge(decided)
            self.version += news

    def begin(self, decided: bytes) -> None:
        """Go on behind a position of the arbiter: what was up to there has been taken."""
        outputs = clean_id(decided, OUTPUTS_PER_ENTRY - 1)
        for stream, at in (("raw", decided), ("clean", outputs), ("rejected", outputs)):
            if id_less(self.cursors.get(stream, FIRST_ID), at):
                self.cursors[stream] = at

    def missed(self) -> None:
        """Entries were passed over: more came than is read."""
        self.skipped += 1

    def look(self) -> Snapshot:
        """What there is now."""
        with self._lock:
            sources = [self._told[name] for name in sorted(self._told)]
            newest = self._clean[-1] if self._clean else None
            return Snapshot(
                symbol=self.symbol,
                exchange=self.exchange or (newest.tick.exchange if newest else ""),
                shard=self.shard,
                sources=sources,
                differs=differing(sources),
                clean=newest,
                rejected=[row for _, row in reversed(self._refused)],
                quality=list(reversed(self._quality)),
                skipped=self.skipped,
            )

    def dots(self, after: str = "") -> list[Dot]:
        """Prices of clean, rejected and held ticks behind an id, in order; late ones are none."""
        with self._lock:
            prices = [_priced(row) for row in self._clean]
            prices += [_refusal(row, entry) for entry, row in self._refused]
        found = [dot for dot in prices if dot is not None]
        if after:
            found = [dot for dot in found if id_less(after.encode(), dot.id.encode())]
        return sorted(found, key=lambda dot: tuple(map(int, dot.id.split("-"))))

    def _new(self, stream: str, entries: Iterable[Entry], until: bytes = b"") -> list[Entry]:
        """What was not had yet, up to where clean and rejected are both complete."""
        at = self.cursors.get(stream, FIRST_ID)
        fresh = [entry for entry in entries if id_less(at, entry[0])]
        if until:
            fresh = [entry for entry in fresh if not id_less(until, entry[0])]
        if fresh:
            self.cursors[stream] = fresh[-1][0]
        return [entry for entry in fresh if self._word in entry[1][-1]]

    def _take_raw(self, entries: Sequence[Entry]) -> bool:
        news = False
        for entry in entries:
            if entry[1][0] != b"t":
                continue
            try:
                tick = decode_raw_tick(entry[1][1])
            except DecodeError:
                continue  # it names this contract, and stands among the rejected ones
            if not is_of(self.symbol, self.exchange, tick):
                continue
            if tick.source not in self._told and len(self._told) >= SOURCES:
                self.sources_over += 1
                continue
            self._open[tick.source] = entry
            news = True
        return news

    def _take_clean(self, entries: Sequence[Entry]) -> bool:
        rows = clean_rows(entries, self.symbol, self.exchange)
        marks = [mark for entry in entries if (mark := quality_row(entry)) is not None]
        mine = [mark for mark in marks if mark.mark.symbol == self.symbol]
        self._clean.extend(rows)
        self._quality.extend(mine)
        return bool(rows or mine)

    def _take_rejected(self, entries: Sequence[Entry]) -> bool:
        before = len(self._refused), self._refused[-1][1].id if self._refused else ""
        for entry in entries:
            row = rejected_row(self.shard, entry)
            if row is not None and row.symbol == self.symbol:
                self._refused.append((entry, row))
        return before != (len(self._refused), self._refused[-1][1].id if self._refused else "")

    def _judge(self, decided: bytes) -> bool:
        """Say what became of the newest ticks; one without a verdict is looked at again."""
        rows = raw_rows(
            self._open.values(), self.symbol, self.exchange, clean=list(self._clean),
            rejected=[entry for entry, _ in self._refused], decided=decided,
        )  # fmt: skip
        news = False
        for row in rows:
            news |= self._told.get(row.tick.source) != row
            self._told[row.tick.source] = row
            if row.verdict != UNDECIDED:
                self._open.pop(row.tick.source, None)
        return news


def quality_row(entry: Entry) -> QualityRow | None:
    """A change of quality; None = another entry of clean."""
    entry_id, fields = entry
    if fields[2:3] != [b"m"]:
        return None
    try:
        marker = decode_marker(fields[3])
        if marker.kind != MarkerKind.QUALITY:
            return None
        mark = _decode_quality(bytes(marker.body))
    except DecodeError:
        return None
    return QualityRow(id=entry_id.decode(), log_ns=marker.log_ns, mark=named(QualityMark, mark))


def _priced(row: CleanRow) -> Dot | None:
    tick = row.tick
    if tick.last is None:
        return None
    return Dot(id=row.id, recv_ns=tick.recv_ns, last=tick.last, source=tick.source)


def _refusal(row: RejectedRow, entry: Entry) -> Dot | None:
    try:
        recv_ns = decode_raw_tick(entry[1][3]).recv_ns
    except (DecodeError, IndexError):
        return None
    if row.verdict == Verdict.LATE or row.last is None or not abs(row.last) < NO_VALUE:
        return None
    return Dot(
        id=row.id, recv_ns=recv_ns, last=row.last, source=row.source,
        verdict=row.verdict, reason=row.reason,
    )  # fmt: skip
