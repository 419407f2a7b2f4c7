"""What became of raw ticks of one contract: raw, clean and rejected entries put together. Pure.

A plain duplicate leaves no entry behind, so a raw tick that was decided on and has none is one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeVar

import msgspec

from mdhub.streams.ids import id_less, raw_id_of
from mdhub.streams.port import Entry
from mdhub.wire import ticks
from mdhub.wire.codec import (
    DecodeError,
    decode_clean_header,
    decode_clean_tick,
    decode_raw_tick,
    decode_rejected_header,
)
from mdhub.wire.entries import RejectedHeader
from mdhub.wire.ticks import Flag
from mdhub_console.live.named import CleanTick, RawTick, named

__all__ = ["CleanRow", "RawRow", "clean_rows", "differing", "is_of", "raw_rows"]

T = TypeVar("T")
UNDECIDED: Final = "undecided"
COMPARED: Final = tuple(
    name
    for name in ticks.RawTick.__struct_fields__
    if name not in {"v", "source", "session", "seq", "recv_ns"}
)


class RawRow(msgspec.Struct, frozen=True, kw_only=True):
    """A raw tick, and the verdict."""

    id: str
    verdict: str
    """`accept`, `duplicate`, `late`, `reject`, `hold`, `settlement`; `undecided` = not yet."""
    reason: str = ""
    clean_id: str = ""
    """Of the clean entry made of it."""
    tick: RawTick


class CleanRow(msgspec.Struct, frozen=True, kw_only=True):
    """A clean tick and its place in the shard."""

    id: str
    raw_id: str
    n: int
    k: int | None
    epoch: int
    arb_ns: int
    tick: CleanTick


def is_of(symbol: str, exchange: str, tick: ticks.RawTick | ticks.CleanTick) -> bool:
    """Whether a tick is of a contract; fronts often leave the exchange empty."""
    return tick.symbol == symbol and exchange in {"", tick.exchange or exchange}


def clean_rows(entries: Iterable[Entry], symbol: str, exchange: str) -> list[CleanRow]:
    """Clean ticks of a contract among entries of clean."""
    found: list[CleanRow] = []
    for entry_id, fields in entries:
        if fields[2:3] != [b"t"] or symbol.encode() not in fields[3]:
            continue
        head = _read(decode_clean_header, fields[1])
        tick = _read(decode_clean_tick, fields[3])
        if head is not None and tick is not None and is_of(symbol, exchange, tick):
            found.append(
                CleanRow(
                    id=entry_id.decode(),
                    raw_id=raw_id_of(entry_id).decode(),
                    n=head.n,
                    k=head.k,
                    epoch=head.epoch,
                    arb_ns=head.arb_ns,
                    tick=named(CleanTick, tick),
                )
            )
    return found


def raw_rows(
    entries: Iterable[Entry],
    symbol: str,
    exchange: str,
    *,
    clean: Sequence[CleanRow],
    rejected: Iterable[Entry],
    decided: bytes,
) -> list[RawRow]:
    """Raw ticks of a contract among entries of raw; `decided`: position of the arbiter."""
    accepted = {row.raw_id: row for row in clean}
    refused = {head.raw_id: head for _, f in rejected if (head := _head(f)) is not None}
    found: list[RawRow] = []
    for entry_id, fields in entries:
        if fields[0] != b"t" or symbol.encode() not in fields[1]:
            continue
        tick = _read(decode_raw_tick, fields[1])
        if tick is None or not is_of(symbol, exchange, tick):
            continue
        name = entry_id.decode()
        told = _verdict(accepted.get(name), refused.get(name), id_less(decided, entry_id))
        found.append(RawRow(id=name, tick=named(RawTick, tick), **told))
    return found


def differing(rows: Sequence[RawRow]) -> list[str]:
    """Fields in which the ticks are not all the same."""
    values = [[getattr(row.tick, name) for row in rows] for name in COMPARED]
    return [
        name
        for name, each in zip(COMPARED, values, strict=True)
        if any(value != each[0] for value in each)
    ]


def _verdict(
    clean: CleanRow | None,
    refused: RejectedHeader | None,
    undecided: bool,  # noqa: FBT001 - private
) -> dict[str, Any]:
    if refused is not None:
        return {"verdict": refused.verdict, "reason": refused.reason}
    if clean is not None:
        settlement = clean.tick.flags & Flag.SETTLEMENT
        return {"verdict": "settlement" if settlement else "accept", "clean_id": clean.id}
    return {"verdict": UNDECIDED if undecided else "duplicate"}


def _head(fields: list[bytes]) -> RejectedHeader | None:
    return _read(decode_rejected_header, fields[1])


def _read(decode: Callable[[bytes], T], payload: bytes) -> T | None:
    try:
        return decode(payload)
    except DecodeError:
        return None
