"""Who asks the checker, about what: everything at a clean end, closed chunks while it runs."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count
from operator import attrgetter
from pathlib import Path
from typing import Final, NamedTuple

from msgspec.structs import replace

from mdhub.demo.checker import Report, check
from mdhub.demo.receipts import ReceiptReader
from mdhub.market.snapshot import Snapshot
from mdhub.wire.errors import MdhubError
from mdhub.wire.ticks import CleanTick

__all__ = ["CheckerError", "RunningJudge", "judge_whole"]

SECOND_NS: Final = 1_000_000_000
STEP_RECEIPTS: Final = 5_000
"""Receipts judged at once: some 0.2 s of work."""
NEWEST_OF: Final = 21
"""The market is where the median of so many receipts is: one false stamp moves nothing."""
EXAMPLES_KEPT: Final = 10
NOTHING: Final = Report(
    made=0, received=0, lost=0, duplicated=0, out_of_order=0, false=0, examples={}
)
_by_number: Final = attrgetter("number")
COUNTS: Final = ("made", "received", "lost", "duplicated", "out_of_order", "false")


class CheckerError(MdhubError):
    """The checker itself failed: there is no verdict."""


def judge_whole(
    truth: Iterable[Snapshot], received: Iterable[CleanTick], stamps: Iterable[CleanTick]
) -> Report:
    """Judge a run that came to its end: what was made after the last receipt is lost as well.

    `stamps` are the receipts once more (`received` may be shown a progress bar).
    """
    owed = _Owed(stamps)
    report = check(owed.watch(truth), received)
    lost = [*report.examples.get("lost", ()), *owed.examples]
    return replace(
        report,
        made=report.made + owed.missing,
        lost=report.lost + owed.missing,
        examples=report.examples | ({"lost": lost[:EXAMPLES_KEPT]} if lost else {}),
    )


class _Owed:
    """Counts what the market made after the last snapshot that was received."""

    def __init__(self, received: Iterable[CleanTick]) -> None:
        self.missing = 0
        self.examples: list[str] = []
        self._received = Counter((t.symbol, t.ts_ns, t.volume) for t in received)

    def watch(self, truth: Iterable[Snapshot]) -> Iterator[Snapshot]:
        reached_ns = -1
        for snapshot in truth:
            yield snapshot
            key = (snapshot.symbol, snapshot.exchange_ns, snapshot.volume)
            if snapshot.repeat:
                continue
            if self._received[key] > 0:
                self._received[key] -= 1
                reached_ns, self.missing = snapshot.made_ns, 0
                self.examples.clear()
            elif snapshot.made_ns > reached_ns:
                self._miss(snapshot)

    def _miss(self, snapshot: Snapshot) -> None:
        self.missing += 1
        if len(self.examples) < EXAMPLES_KEPT:
            self.examples.append(
                f"{snapshot.symbol} ts_ns={snapshot.exchange_ns} volume={snapshot.volume} "
                f"made_ns={snapshot.made_ns}, after the last receipt"
            )


class _Receipt(NamedTuple):
    """Sorts by its number: the order of receipt holds over the boundary of two chunks."""

    number: int
    made_by_ns: int
    """Market time by which it must have been made."""
    tick: CleanTick


class _Chunk:
    """What was made between two whole market seconds, and what was received of it."""

    def __init__(self) -> None:
        self.made: list[Snapshot] = []
        self.received: list[_Receipt] = []
        self.stamps: set[tuple[str, int]] = set()

    def add(self, snapshot: Snapshot) -> None:
        self.made.append(snapshot)
        self.stamps.add((snapshot.symbol, snapshot.exchange_ns))


class RunningJudge:
    """Judges in chunks while the market goes on; `total` is the verdict on the span judged.

    A chunk is closed when the newest receipt is `margin_ns` of market time past its end. It is
    judged together with the one before it, whose own verdict is subtracted: so what a boundary
    divides is found too. Memory: two chunks and what came since, whatever the demo's length.
    One thread at a time.
    """

    def __init__(self, truth: Iterator[Snapshot], receipts: Path, *, margin_ns: int) -> None:
        self.total = NOTHING
        self._truth = truth
        self._ahead: Snapshot | None = None
        self._reader = ReceiptReader(receipts)
        self._margin_ns = max(margin_ns, SECOND_NS)
        self._pending: list[_Receipt] = []
        self._number = count()
        self._newest: deque[int] = deque(maxlen=NEWEST_OF)
        self._before = _Chunk()
        self._open = _Chunk()

    def look(self, go_on: Callable[[], bool] = lambda: True) -> Report:
        """Judge what can be judged, in small steps, until done or told otherwise."""
        while self._step() and go_on():
            pass
        return self.total

    def settle(self, budget_s: float) -> Report:
        """Say the last word within a time; what does not fit in is not in the span judged."""
        deadline_s = time.monotonic() + budget_s
        return self.look(lambda: time.monotonic() < deadline_s)

    def _step(self) -> bool:
        """Read and judge some; tell whether there may be more."""
        ticks = self._reader.read(STEP_RECEIPTS)
        self._newest.extend(tick.ts_ns for tick in ticks)
        if self._newest:
            newest_ns = sorted(self._newest)[len(self._newest) // 2]
            self._pending += [
                _Receipt(next(self._number), max(tick.ts_ns, newest_ns), tick) for tick in ticks
            ]
            self._advance((newest_ns - self._margin_ns) // SECOND_NS * SECOND_NS)
        return len(ticks) == STEP_RECEIPTS

    def _advance(self, until_ns: int) -> None:
        for snapshot in self._made_before(until_ns):
            self._open.add(snapshot)
        known = self._open.stamps | self._before.stamps
        still: list[_Receipt] = []
        for receipt in self._pending:
            tick = receipt.tick
            if (tick.symbol, tick.ts_ns) in known or receipt.made_by_ns < until_ns:
                self._open.received.append(receipt)
            else:
                still.append(receipt)
        self._pending = still
        if self._open.made and self._open.received:
            self._close()

    def _made_before(self, until_ns: int) -> Iterator[Snapshot]:
        while True:
            snapshot = self._ahead or next(self._truth, None)
            self._ahead = snapshot
            if snapshot is None or snapshot.made_ns >= until_ns:
                return
            self._ahead = None
            yield snapshot

    def _close(self) -> None:
        before, chunk = self._before, self._open
        received = sorted([*before.received, *chunk.received], key=_by_number)
        alone = check(before.made, _ticks(before.received))
        both = check([*before.made, *chunk.made], _ticks(received))
        counts = {
            name: getattr(self.total, name) + getattr(both, name) - getattr(alone, name)
            for name in COUNTS
        }
        self.total = Report(**counts, examples=_more(self.total.examples, both, alone))
        self._before, self._open = chunk, _Chunk()


def _ticks(receipts: Iterable[_Receipt]) -> Iterator[CleanTick]:
    return (receipt.tick for receipt in receipts)


def _more(known: dict[str, list[str]], both: Report, alone: Report) -> dict[str, list[str]]:
    examples = {kind: list(words) for kind, words in known.items()}
    for kind, words in both.examples.items():
        old: Sequence[str] = alone.examples.get(kind, ())
        kept = examples.setdefault(kind, [])
        kept += [word for word in words if word not in old]
        del kept[EXAMPLES_KEPT:]
    return examples
