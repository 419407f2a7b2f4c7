"""Rows of tick files in the order in which they arrived, as raw entries to decide.

Several files are merged by arrival time (equal times: in the order the files were given). Without
`ReceiveTime` a row arrives at its exchange time, never before the row ahead of it; a stamp that
none of the next rows reaches is believed no further than these are.
"""

from __future__ import annotations

import csv
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from heapq import merge
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, Self

from mdhub.market.errors import MarketError
from mdhub.market.recorded import open_text
from mdhub.market.skips import MalformedRowError
from mdhub.wire.codec import encode
from mdhub_arbiter.offline.columns import Columns, Stamp

__all__ = ["Arrival", "TickFiles"]

LOOK_AHEAD: Final = 10
"""Rows that vouch for a stamp where nobody wrote down when a row arrived."""


class Arrival(NamedTuple):
    """One row of input. `payload` is empty where the row is malformed."""

    recv_ns: int
    file: int
    row: int
    """1 = the first row after the header."""
    source: str
    symbol: str
    exchange: str
    """As the contract table says it; empty without one."""
    payload: bytes
    malformed: str = ""


class TickFiles:
    """Context manager: files opened together. Memory is bounded by ten rows a file."""

    def __init__(self, paths: Sequence[Path], exchanges: Mapping[str, str]) -> None:
        self._paths = paths
        self._exchanges = exchanges
        self._open = ExitStack()
        self._opened: list[BinaryIO] = []
        self._files: list[_TickFile] = []
        self.has_receive_time = False

    def __enter__(self) -> Self:
        """Open all and read their headers. Raises MarketError."""
        with ExitStack() as stack:
            for number, path in enumerate(self._paths):
                text = stack.enter_context(open_text(path, opened=self._opened.append))
                self._files.append(_TickFile(path, number, text, self._exchanges))
            self._open = stack.pop_all()
        captures = [file.columns.has_receive_time for file in self._files]
        self.has_receive_time = all(captures)
        if any(captures) and not all(captures):
            without = self._paths[captures.index(False)]
            raise MarketError(
                f"{without} has no ReceiveTime although another file has: arrival times cannot be "
                "compared; give all files the column, or arbitrate them one by one"
            )
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def arrivals(self) -> Iterator[Arrival]:
        """Every row once. Raises MarketError if a file cannot be read on."""
        return merge(*(file.arrivals() for file in self._files), key=_arrived)

    def fraction_read(self) -> float:
        """How much of all bytes has been read."""
        whole = sum(path.stat().st_size for path in self._paths)
        return sum(file.tell() for file in self._opened) / whole if whole else 1.0


def _arrived(arrival: Arrival) -> int:
    return arrival.recv_ns


class _Read(NamedTuple):
    """A row as read; `at_ns` is its own receive or exchange time, None if it has none."""

    row: int
    cells: list[str]
    at_ns: int | None
    malformed: str


class _TickFile:
    """One file: its columns, and its rows as the messages of its sources."""

    def __init__(
        self, path: Path, number: int, text: TextIOWrapper, exchanges: Mapping[str, str]
    ) -> None:
        self._lines = csv.reader(text)
        self._number = number
        self._name = path.name.partition(".")[0]
        self._exchanges = exchanges
        self._seqs: Counter[str] = Counter()
        try:
            header = next(self._lines, [])
        except csv.Error as error:
            raise MarketError(f"{path} cannot be read: {error}") from error
        self.columns: Final = Columns(header, path)

    def arrivals(self) -> Iterator[Arrival]:
        rows = self._rows()
        timed = _as_received(rows) if self.columns.has_receive_time else _by_exchange_time(rows)
        for recv_ns, read in timed:
            yield self._arrival(recv_ns, read)

    def _rows(self) -> Iterator[_Read]:
        columns = self.columns
        time_of: Callable[[list[str]], int | None]
        time_of = columns.receive_ns if columns.has_receive_time else columns.exchange_ns
        row = 0
        while True:
            row += 1
            cells: list[str] = []
            try:
                cells = columns.padded(next(self._lines))
                yield _Read(row, cells, time_of(cells), "")
            except StopIteration:
                return
            except (csv.Error, MalformedRowError) as error:
                yield _Read(row, cells, None, str(error))

    def _arrival(self, recv_ns: int, read: _Read) -> Arrival:
        columns, cells = self.columns, read.cells
        if not cells:
            return Arrival(recv_ns, self._number, read.row, self._name, "", "", b"", read.malformed)
        source, symbol = columns.source(cells) or self._name, columns.symbol(cells)
        known = self._exchanges.get(symbol, "")
        payload, malformed = b"", read.malformed
        if not malformed:
            self._seqs[source] += 1
            stamp = Stamp(
                source=source, session=self._number + 1, seq=self._seqs[source], recv_ns=recv_ns
            )
            try:
                payload = encode(columns.tick(cells, stamp))
            except MalformedRowError as error:
                malformed = str(error)
        return Arrival(recv_ns, self._number, read.row, source, symbol, known, payload, malformed)


def _as_received(rows: Iterator[_Read]) -> Iterator[tuple[int, _Read]]:
    last_ns = 0
    for read in rows:
        last_ns = last_ns if read.at_ns is None else read.at_ns
        yield last_ns, read


def _by_exchange_time(rows: Iterator[_Read]) -> Iterator[tuple[int, _Read]]:
    """Arrival times that never fall and that no single wild stamp moves."""
    ahead: deque[_Read] = deque()
    reached_ns = 0
    more = True
    while more or ahead:
        while more and len(ahead) <= LOOK_AHEAD:
            read = next(rows, None)
            more = read is not None
            if read is not None:
                ahead.append(read)
        if ahead:
            read = ahead.popleft()
            reached_ns = max(reached_ns, _vouched_ns(read, ahead))
            yield reached_ns, read


def _vouched_ns(read: _Read, ahead: deque[_Read]) -> int:
    if read.at_ns is None:
        return 0
    others = [other.at_ns for other in ahead if other.at_ns is not None]
    return min(read.at_ns, max(others)) if others else read.at_ns
