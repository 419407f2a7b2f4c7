"""Lines of a tick file, plain or compressed: bounded in length, whatever the bytes are."""

from __future__ import annotations

import gzip
import io
import stat
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, cast

import zstandard

from mdhub.market.errors import MarketError

__all__ = ["LINE_MAX", "Lines", "open_lines", "open_text"]

LINE_MAX: Final = 65_536
"""Bytes of a line; a row of ours has some hundred. What is longer is cut there."""
_CHUNK: Final = 16_384
_BROKEN: Final = (OSError, EOFError, zlib.error, zstandard.ZstdError)
_KINDS: Final = {b"\x1f\x8b": ".gz", b"\x28\xb5\x2f\xfd": ".zst"}


class Lines:
    """Iterates over lines with their end; `number` is that of the newest, from 1.

    A file that breaks off ends the iteration, and `cut` says why; None = it was read to its end.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self.number = 0
        self.cut: str | None = None
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        """Return the next line; one longer than LINE_MAX comes without its rest and end."""
        try:
            line = self._stream.readline(LINE_MAX + 1)
            rest = line
            while len(rest) > LINE_MAX and not rest.endswith(b"\n"):
                rest = self._stream.readline(LINE_MAX + 1)
        except _BROKEN as error:
            self.cut = str(error) or type(error).__name__
            raise StopIteration from None
        if not line:
            raise StopIteration
        self.number += 1
        return line


@contextmanager
def open_lines(path: Path) -> Iterator[Lines]:
    """Open a file by its suffix (.gz, .zst, else plain).

    Raises MarketError if it cannot be opened, is empty or is not what its name says.
    """
    try:
        with path.open("rb") as file:
            _check(path, file)
            yield Lines(_unpacked(path, file))
    except IsADirectoryError as error:
        raise MarketError(f"{path} is a folder, expected a tick file") from error
    except PermissionError as error:
        raise MarketError(f"{path} may not be read by this user: check its permissions") from error
    except OSError as error:
        raise MarketError(f"{path} cannot be read: {error.strerror or error}") from error


@contextmanager
def open_text(
    path: Path, *, opened: Callable[[BinaryIO], None] | None = None
) -> Iterator[io.TextIOWrapper]:
    """Open a table by its suffix; one that breaks off is a MarketError here.

    `opened` gets the file itself: its `tell` says how much has been read.
    """
    try:
        with path.open("rb") as file:
            _check(path, file)
            if opened is not None:
                opened(file)
            yield io.TextIOWrapper(_unpacked(path, file), "utf-8-sig", errors="replace", newline="")
    except _BROKEN as error:
        raise MarketError(f"{path} cannot be read: {error}") from error


def _check(path: Path, file: BinaryIO) -> None:
    if not stat.S_ISREG(path.stat().st_mode):
        raise MarketError(f"{path} is not a file, expected a tick file")
    begin = file.read(4)
    file.seek(0)
    if not begin:
        raise MarketError(f"{path} is empty (0 bytes), expected a line of column names and rows")
    found = next((kind for magic, kind in _KINDS.items() if begin.startswith(magic)), "")
    named = path.suffix if path.suffix in _KINDS.values() else ""
    if found != named:
        what = {".gz": "gzip data", ".zst": "zstd data", "": "not compressed data"}
        raise MarketError(
            f"{path} holds {what[found]} (it begins with {begin.hex(' ')}), but its name says "
            f"{what[named]}: rename it to end in {found or '.csv'}, or compress it anew"
        )


def _unpacked(path: Path, file: BinaryIO) -> BinaryIO:
    if path.suffix == ".gz":
        return cast("BinaryIO", gzip.GzipFile(fileobj=file))
    if path.suffix == ".zst":
        return cast("BinaryIO", io.BufferedReader(_Zst(file)))
    return file


class _Zst(io.RawIOBase):
    """zstd data of one or more frames; raises EOFError where a frame breaks off.

    The library's own stream reader takes a broken-off frame for the end.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._fed = False
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._ready:
            chunk = self._file.read(_CHUNK)
            if not chunk:
                if self._fed and not self._frame.eof:
                    raise EOFError("zstd data ended before the end of its frame")
                return 0
            self._ready = memoryview(self._unpack(chunk))
        size = min(len(buffer), len(self._ready))
        buffer[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size

    def _unpack(self, chunk: bytes) -> bytes:
        parts = []
        while chunk:
            if self._frame.eof:
                self._frame = zstandard.ZstdDecompressor().decompressobj()
            parts.append(self._frame.decompress(chunk))
            self._fed = True
            chunk = self._frame.unused_data if self._frame.eof else b""
        return b"".join(parts)
