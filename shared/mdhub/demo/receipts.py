"""What the demo's strategy received, on disk: length-prefixed clean ticks, in order of receipt."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from struct import Struct
from types import TracebackType
from typing import Final, Self

from mdhub.wire.codec import decode_clean_tick, encode
from mdhub.wire.ticks import CleanTick

__all__ = ["ReceiptWriter", "read_receipts"]

_length: Final = Struct("<I")


class ReceiptWriter:
    """Appends ticks to a file; `flush` makes whole records visible to a reader."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")

    def write(self, tick: CleanTick) -> None:
        payload = encode(tick)
        self._file.write(_length.pack(len(payload)) + payload)

    def flush(self) -> None:
        self._file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()


def read_receipts(path: Path) -> Iterator[CleanTick]:
    """Ticks in order of receipt; a record that is not whole yet ends the reading."""
    with path.open("rb") as file:
        while len(head := file.read(_length.size)) == _length.size:
            payload = file.read(_length.unpack(head)[0])
            if len(payload) < _length.unpack(head)[0]:
                return
            yield decode_clean_tick(payload)
