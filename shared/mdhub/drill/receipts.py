# HOT: `ReceiptWriter.tick` runs once per delivery.
"""What a recording client got, on disk, in order: ticks with their n and the moment of receipt.

Record: kind (1 byte), monotonic ns, n, epoch, size of the payload, payload. A tick's payload is the
tick as delivered; a notice's is JSON.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from enum import IntEnum
from pathlib import Path
from struct import Struct
from typing import Any, Final, NamedTuple

from mdhub.wire.codec import decode_clean_tick, encode
from mdhub.wire.ticks import CleanTick

__all__ = ["Kind", "Receipt", "ReceiptWriter", "read_receipts", "ticks_of"]

_head: Final = Struct("<BqqqI")


class Kind(IntEnum):
    """What a record is about."""

    LIVE = 0
    REPLAYED = 1
    NOTICE = 2
    """The SDK told something: a gap, an epoch, a stall."""


class Receipt(NamedTuple):
    """One record. `at_ns` is CLOCK_MONOTONIC, which all processes of a host share."""

    kind: int
    at_ns: int
    n: int
    epoch: int
    payload: bytes

    @property
    def is_tick(self) -> bool:
        return self.kind != Kind.NOTICE

    def tick(self) -> CleanTick:
        return decode_clean_tick(self.payload)

    def notice(self) -> dict[str, Any]:
        """What was told: `{"told": "gap" | "epoch" | "stall" | ..., ...}`."""
        told: dict[str, Any] = json.loads(self.payload)
        return told


class ReceiptWriter:
    """Appends records. Ticks come from one thread; `flush` may be called from another."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")

    def tick(self, tick: CleanTick, *, n: int, epoch: int, replayed: bool) -> None:
        payload = encode(tick)
        kind = Kind.REPLAYED if replayed else Kind.LIVE
        head = _head.pack(kind, time.monotonic_ns(), n, epoch, len(payload))
        self._file.write(head + payload)

    def notice(self, *, n: int = 0, epoch: int = 0, **facts: Any) -> None:
        payload = json.dumps(facts).encode()
        self._file.write(
            _head.pack(Kind.NOTICE, time.monotonic_ns(), n, epoch, len(payload)) + payload
        )

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self._file.close()


def read_receipts(path: Path) -> Iterator[Receipt]:
    """Records in order; one that is not whole yet ends the reading."""
    with path.open("rb") as file:
        while len(head := file.read(_head.size)) == _head.size:
            kind, at_ns, n, epoch, size = _head.unpack(head)
            payload = file.read(size)
            if len(payload) < size:
                return
            yield Receipt(kind, at_ns, n, epoch, payload)


def ticks_of(path: Path) -> Iterator[CleanTick]:
    """Ticks alone, in order of receipt."""
    return (receipt.tick() for receipt in read_receipts(path) if receipt.is_tick)
