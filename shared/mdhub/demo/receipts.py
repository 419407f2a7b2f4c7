"""What the demo's strategy received, on disk: length-prefixed clean ticks, in order of receipt."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from struct import Struct
from types import TracebackType
from typing import BinaryIO, Final, Self

from mdhub.wire.codec import decode_clean_tick, encode
from mdhub.wire.ticks import CleanTick

__all__ = ["ReceiptReader", "ReceiptWriter", "read_receipts"]

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


class ReceiptReader:
    """Reads on where it stopped; a record that is not whole yet is left for the next time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def read(self, at_most: int) -> list[CleanTick]:
        """Return the next ticks in order of receipt; none if there is no file yet."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                payloads = list(islice(_payloads(file), at_most))
        except FileNotFoundError:
            return []
        self._offset += sum(_length.size + len(payload) for payload in payloads)
        return [decode_clean_tick(payload) for payload in payloads]


def read_receipts(path: Path) -> Iterator[CleanTick]:
    """Ticks in order of receipt; a record that is not whole yet ends the reading."""
    with path.open("rb") as file:
        yield from map(decode_clean_tick, _payloads(file))


def _payloads(file: BinaryIO) -> Iterator[bytes]:
    while len(head := file.read(_length.size)) == _length.size:
        (size,) = _length.unpack(head)
        payload = file.read(size)
        if len(payload) < size:
            return
        yield payload
