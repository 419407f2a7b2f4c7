"""Recordings as one endless or repeated market: several files merged by time, looped, re-dated.

**A loop is the next trading day.** When everything has been played, it is played again with its
days moved on: a recording of one trading day becomes the next trading day's, one of three days the
next three; where the trading calendar ends, so does the play. So market time only ever grows
(within one run of a hub it may not go back), volumes restart as they do every day, and no tick of a
loop is older than the ones before it. The other way, setting the market clock back, would need a
new run of the hub and put each tick's exchange time into the log twice, and a strategy would see
time run backwards. Between two loops the players jump over the break as over any other.

Given `first_day` (or loops), days are moved as `mdhub.market.redate` says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from datetime import date
from heapq import merge
from operator import attrgetter
from pathlib import Path
from typing import Final, NamedTuple

from mdhub.market.days import check_covered, last_number, number_at, number_of
from mdhub.market.errors import MarketError
from mdhub.market.recorded import Recording
from mdhub.market.redate import Redate
from mdhub.market.skips import EXAMPLES_KEPT, FileReport, Skipped
from mdhub.market.snapshot import Snapshot

__all__ = ["BREAK_NS", "FOR_EVER", "Playlist", "Wrong"]

FOR_EVER: Final = 0
BREAK_NS: Final = 300_000_000_000
"""A market silent for longer is on a break, and players jump over it."""
_REST_S: Final = 1.2
"""Wall seconds a jump takes."""
_END_OF_TIME_NS: Final = 1 << 62
_by_made: Final = attrgetter("made_ns")


class Wrong(NamedTuple):
    """What could not be read."""

    skipped: Counter[str]
    """Rows by kind."""
    examples: list[Skipped]
    """The first ten different ones."""
    cuts: dict[str, str]
    """Where files broke off, by name."""


class Playlist:
    """Files played together, `loops` times (FOR_EVER = without end).

    A contract should stand in one file only at any time: equal rows of two files are two ticks.
    `on_read` is told of each file each time it has been read to its end; `wrong` sums up what was
    wrong so far over all loops. One reading at a time.
    """

    def __init__(
        self,
        files: Sequence[Path | str],
        *,
        loops: int = 1,
        first_day: date | None = None,
        on_read: Callable[[FileReport, int], object] = lambda _report, _loop: None,
        alive: Callable[[], object] = lambda: None,
    ) -> None:
        """Raises MarketError if the calendar does not cover `first_day`."""
        if first_day is not None:
            check_covered(first_day)
        self._skipped: Final[Counter[str]] = Counter()
        self._examples: Final[list[Skipped]] = []
        self._cuts: Final[dict[str, str]] = {}
        self.loop = 0
        """Number of the pass being read, from 0."""
        self._recordings = [Recording(file, alive=alive) for file in files]
        self._loops = loops
        self._first_day = first_day
        self._on_read = on_read
        self._reading = False
        self._first: int | None = None
        self._span: int | None = None

    def start_ns(self) -> int:
        """Return when the first snapshot is made. Raises MarketError if there is none."""
        first = min([recording.start_ns() for recording in self._recordings])
        if not self._moves():
            return first
        for snapshot in self._pass(0, None):
            return snapshot.made_ns
        raise MarketError(f"{self._names()} has no snapshot inside any session, to be moved")

    def snapshots(self, from_ns: int | None = None) -> Iterator[Snapshot]:
        """Yield what is made at or after `from_ns`, in order of `made_ns`; see the class.

        Raises MarketError if a file cannot be opened or nothing in it can be played.
        """
        number = self._loop_at(from_ns)
        while self._goes_on(number):
            self.loop, self._reading = number, True
            yield from self._pass(number, from_ns)
            self._reading = False
            self._sum_up(number)
            if self._span is None:
                raise MarketError(f"{self._names()} has no row that can be played")
            number += 1

    def wrong(self) -> Wrong:
        """What could not be read so far, the pass under way included; from any thread."""
        reports = [recording.report for recording in self._recordings if self._reading]
        skipped = Counter(dict(self._skipped))
        for report in reports:
            skipped.update(dict(report.skipped))
        examples = [*self._examples, *(e for report in reports for e in report.examples)]
        return Wrong(skipped, list(dict.fromkeys(examples))[:EXAMPLES_KEPT], dict(self._cuts))

    def time_after(self, played_s: float, rate: float) -> int:
        """Return the market time after so many wall seconds of play; breaks take a moment each."""
        last_ns, left_s = self._walk(0, played_s, rate)
        if left_s <= 0 or self._loops == 1:
            return last_ns + int(left_s * rate * 1e9)
        pass_s = played_s - left_s + _REST_S
        left_s -= _REST_S
        passes = 1 + max(0, int(left_s // pass_s))
        if self._loops != FOR_EVER:
            passes = min(passes, self._loops - 1)
        last_ns, left_s = self._walk(passes, left_s - (passes - 1) * pass_s, rate)
        return last_ns + int(left_s * rate * 1e9)

    def _walk(self, number: int, left_s: float, rate: float) -> tuple[int, float]:
        """Play a pass for so long; return the last time reached and what is left of the time."""
        last_ns: int | None = None
        for snapshot in self._pass(number, None):
            if last_ns is not None:
                gap_ns = snapshot.made_ns - last_ns
                left_s -= _REST_S if gap_ns > BREAK_NS else gap_ns / rate / 1e9
            last_ns = snapshot.made_ns
            if left_s <= 0:
                return last_ns, left_s
        if last_ns is None:
            raise MarketError(f"{self._names()} has no row that can be played")
        self._learn_span()
        return last_ns, left_s

    def _goes_on(self, number: int) -> bool:
        """Tell whether there is a pass with this number: not beyond the end of the calendar."""
        if number and self._span is not None:
            return (self._loops == FOR_EVER or number < self._loops) and (
                self._onto() + (number + 1) * self._span - 1 <= last_number()
            )
        return self._loops == FOR_EVER or number < self._loops

    def _moves(self) -> bool:
        return self._loops != 1 or self._first_day is not None

    def _pass(self, number: int, from_ns: int | None) -> Iterator[Snapshot]:
        redate = self._redate(number) if self._moves() else None
        with ExitStack() as opened:
            readings = [
                opened.enter_context(closing(recording.snapshots(from_ns, redate=redate)))
                for recording in self._recordings
            ]
            yield from merge(*readings, key=_by_made)

    def _redate(self, number: int) -> Redate:
        first = self._first_number()
        return Redate(first, self._onto() + number * (self._span or 0))

    def _onto(self) -> int:
        return self._first_number() if self._first_day is None else number_of(self._first_day)

    def _first_number(self) -> int:
        if self._first is None:
            self._first = min(_first_number(recording) for recording in self._recordings)
        return self._first

    def _loop_at(self, from_ns: int | None) -> int:
        """Return the pass that a moment falls into; learns the length of one if it must."""
        if from_ns is None or self._loops == 1 or from_ns < 0:
            return 0
        days = number_at(from_ns) - self._onto()
        if days <= 0:
            return 0
        if self._span is None:
            for _ in self._pass(0, _END_OF_TIME_NS):
                pass
            self._learn_span()
        return days // (self._span or 1)

    def _learn_span(self) -> None:
        """After a whole pass: how many trading days it takes."""
        lasts = [number_of(r.last_day) for r in self._recordings if r.last_day is not None]
        if lasts:
            self._span = max(1, max(lasts) - self._first_number() + 1)

    def _sum_up(self, number: int) -> None:
        self._learn_span()
        for recording in self._recordings:
            report = recording.report
            self._skipped.update(report.skipped)
            self._examples.extend(e for e in report.examples if e not in self._examples)
            del self._examples[EXAMPLES_KEPT:]
            if report.cut is not None:
                self._cuts[report.path.name] = report.cut
            self._on_read(report, number)

    def _names(self) -> str:
        return ", ".join(str(recording.path) for recording in self._recordings)


def _first_number(recording: Recording) -> int:
    reading = Recording(recording.path)
    next(reading.snapshots(), None)
    if reading.first_day is None:
        recording.start_ns()  # says what is wrong
        raise MarketError(f"{recording.path} has no snapshot")
    return number_of(reading.first_day)
