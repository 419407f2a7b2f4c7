"""The scorer: verdicts against labels, as counts. Knows nothing of how verdicts are made.

Caught = not accepted, or accepted with the right repair. A snapshot is lost if a copy arrived
before any later snapshot of its contract was emitted, and it was never emitted; if every copy
came behind a later one, it is late. It is doubled if it was emitted more than once. Where the good
row before an anomaly had been refused, the contract stood still (an earlier anomaly poisoned its
mark): what is not accepted then does not count as caught.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any, Final, NamedTuple

from truth.corpus import Label
from truth.judge import JudgeError, Line
from truth.outages import Outage

__all__ = ["Key", "Recovery", "Score", "score"]

_TICK_AT: Final = {
    "Turnover": 10, "OpenPrice": 12, "HighestPrice": 13, "LowestPrice": 14, "ClosePrice": 15,
    "SettlementPrice": 16, "PreClosePrice": 17, "AveragePrice": 22,
}  # fmt: skip
"""Places of CTP fields in a clean tick (docs/wire.md)."""
_BOOK_AT: Final = {
    "BidPrice1": (23, 0), "BidVolume1": (23, 1), "AskPrice1": (24, 0), "AskVolume1": (24, 1),
}  # fmt: skip
_SETTLEMENT: Final = 16
_TOLD_NS: Final = 36_000_000_000
"""Time to tell that a contract has one feed left, or both again (30 s and a look every 5 s)."""
_LIQUID_NS: Final = 5_000_000_000
"""Only contracts whose other feed delivers at least so often are expected to be told at once."""
_REFUSED: Final = frozenset({"reject", "hold", "malformed"})


class Key(NamedTuple):
    """What is counted."""

    measure: str
    kind: str
    exchange: str


class Recovery(NamedTuple):
    """How long a contract stood still after a true change of level."""

    kind: str
    symbol: str
    seconds: float | None
    """None: it never moved again."""


class Score:
    """Counts of one corpus; those of several add up."""

    def __init__(self) -> None:
        self.counts: Counter[Key] = Counter()
        self.reasons: Counter[tuple[str, str]] = Counter()
        """(kind, verdict and reason) of every labelled or refused row."""
        self.recoveries: list[Recovery] = []
        self.values_shown = True
        """Whether repaired values could be compared; else the verdict alone was judged."""

    def add(self, measure: str, kind: str, exchange: str, amount: int = 1) -> None:
        self.counts[Key(measure, kind, exchange)] += amount

    def total(self, measure: str, kind: str | None = None, exchange: str | None = None) -> int:
        """Return the sum over what is not named."""
        return sum(
            amount
            for key, amount in self.counts.items()
            if key.measure == measure
            and kind in {None, key.kind}
            and exchange in {None, key.exchange}
        )

    def merge(self, other: Score) -> None:
        """Add the counts of another corpus."""
        self.counts += other.counts
        self.reasons += other.reasons
        self.recoveries += other.recoveries
        self.values_shown &= other.values_shown


class _Contract:
    """What has been emitted of one contract."""

    def __init__(self) -> None:
        self.newest = -1
        self.stands_still = False
        self.in_time: set[int] = set()
        self.delivered: set[int] = set()
        self.emitted: Counter[int] = Counter()


def score(
    labels: Iterable[Label], lines: Iterable[Line], *, outages: tuple[Outage, ...] = ()
) -> Score:
    """Compare. Raises JudgeError if the lines do not fit the rows."""
    return _Scorer(list(labels), outages).run(lines)


class _Scorer:
    def __init__(self, labels: list[Label], outages: tuple[Outage, ...]) -> None:
        self.labels = labels
        self.score = Score()
        self.outages = outages
        self.contracts: dict[str, _Contract] = defaultdict(_Contract)
        self.fates: list[str] = [""] * len(labels)
        """accepted, settlement, or the verdict that kept the row back."""
        self.right: list[bool] = [True] * len(labels)
        self.held: set[int] = set()
        self.blind: set[int] = set()
        self.waiting: dict[tuple[str, str], int] = {}
        self.recovered: dict[tuple[str, str], float] = {}
        self.unshown: list[int] = []
        self.shows_values = False
        self.qualities: dict[str, list[tuple[int, str]]] = defaultdict(list)

    def run(self, lines: Iterable[Line]) -> Score:
        reached = 0
        for line in lines:
            if line.marker:
                self._marked(line)
                continue
            number = line.row - 1
            if not 0 <= number < len(self.labels):
                raise JudgeError(f"row {line.row} of {len(self.labels)} was judged")
            first = not self.fates[number]
            if first:
                reached = max(reached, number)
                self._arrives(number, self.labels[number])
            self._judge(number, line, self.labels[reached].arrive_ns)
        unjudged = self.fates.count("")
        if unjudged:
            raise JudgeError(f"{unjudged} of {len(self.labels)} rows have no verdict, expected one")
        self._count_values()
        self._count_rows()
        self._count_snapshots()
        self._count_told()
        self._count_outages()
        self._count_recoveries()
        return self.score

    def _arrives(self, number: int, label: Label) -> None:
        contract = self.contracts[label.symbol]
        if label.expect != "pass" and contract.stands_still:
            self.blind.add(number)
        if _is_good(label):
            contract.delivered.add(label.snapshot)
            if label.snapshot > contract.newest:
                contract.in_time.add(label.snapshot)
        if label.kind.startswith("hold"):
            self.waiting.setdefault((label.kind, label.symbol), label.arrive_ns)

    def _judge(self, number: int, line: Line, now_ns: int) -> None:
        label = self.labels[number]
        verdict = line.verdict
        if verdict == "hold":
            self.held.add(number)
        if verdict == "accept" and (line.flags or 0) & _SETTLEMENT:
            verdict = "settlement"
        self.fates[number] = verdict
        if label.kind or verdict in _REFUSED:
            self.score.reasons[label.kind or label.role, f"{verdict} {line.reason or ''}"] += 1
        if _is_good(label) and label.snapshot > self.contracts[label.symbol].newest:
            self.contracts[label.symbol].stands_still = verdict in _REFUSED
        if verdict not in {"accept", "settlement"}:
            return
        dated = line.trading_day == label.day and line.ts_ns == label.ts_ns
        self.right[number] = dated and self._nulls_right(number, label, line)
        if verdict == "accept":
            self._emitted(label, now_ns)

    def _marked(self, line: Line) -> None:
        if line.marker == "quality":
            symbol, _, exchange = line.instrument.rpartition(".")
            self.qualities[symbol].append((line.log_ns, line.quality))
            self.score.add(f"marked {line.quality or 'good'}", "", exchange)

    def _nulls_right(self, number: int, label: Label, line: Line) -> bool:
        self.shows_values |= line.tick is not None
        if not label.nulls:
            return True
        if line.tick is None:
            self.unshown.append(number)
            return True
        return all(_is_null(line.tick, name) for name in label.nulls.split())

    def _emitted(self, label: Label, now_ns: int) -> None:
        contract = self.contracts[label.symbol]
        if label.true_copy or label.expect == "repair":
            if label.snapshot < contract.newest:
                self.score.add("backwards", "", label.exchange)
            contract.emitted[label.snapshot] += 1
            contract.newest = max(contract.newest, label.snapshot)
        since_ns = self.waiting.get((label.kind, label.symbol))
        if since_ns is not None:
            key = (label.kind, label.symbol)
            self.recovered.setdefault(key, (now_ns - since_ns) / 1e9)

    def _count_values(self) -> None:
        """A repaired tick is shown, if any is: what is not, was not repaired."""
        if not self.shows_values:
            self.score.values_shown = not self.unshown
            return
        for number in self.unshown:
            self.right[number] = False

    def _count_rows(self) -> None:
        add = self.score.add
        for number, label in enumerate(self.labels):
            fate, kind, exchange = self.fates[number], label.kind, label.exchange
            if label.expect != "pass":
                add("injected", kind, exchange)
                if number in self.blind:
                    add("blind", kind, exchange)
                elif self._is_caught(label, fate, right=self.right[number]):
                    add("caught", kind, exchange)
                continue
            if label.role == "outside":
                add(f"outside {fate}", kind, exchange)
                continue
            add("rows", kind, exchange)
            if fate in {"reject", "malformed"}:
                add("dropped", kind, exchange)
            if number in self.held:
                add("held", kind, exchange)
            if fate in {"accept", "settlement"} and not self.right[number]:
                add("misdated", kind, exchange)

    @staticmethod
    def _is_caught(label: Label, fate: str, *, right: bool) -> bool:
        if label.expect == "repair":
            return fate == "duplicate" or (fate in {"accept", "settlement"} and right)
        return fate not in {"accept", "settlement"}

    def _count_snapshots(self) -> None:
        exchanges = {label.symbol: label.exchange for label in self.labels}
        for symbol, contract in self.contracts.items():
            exchange = exchanges[symbol]
            emitted = contract.emitted
            in_time = contract.in_time | {s for s in contract.delivered if emitted[s]}
            late = contract.delivered - in_time
            self.score.add("snapshots", "", exchange, len(contract.delivered))
            self.score.add("lost", "", exchange, sum(1 for s in in_time if not emitted[s]))
            self.score.add("late", "", exchange, len(late))
            self.score.add("doubled", "", exchange, sum(n - 1 for n in emitted.values() if n > 1))

    def _count_outages(self) -> None:
        """A24: one injection per outage and contract that moved meanwhile on another feed."""
        exchanges = {label.symbol: label.exchange for label in self.labels}
        for outage in self.outages:
            if outage.kind != "A24":
                continue
            moved: dict[str, set[int]] = defaultdict(set)
            for label in _during(self.labels, outage):
                contract = self.contracts[label.symbol]
                if _is_good(label) and label.snapshot in contract.in_time:
                    moved[label.symbol].add(label.snapshot)
            for symbol, snapshots in moved.items():
                exchange = exchanges[symbol]
                emitted = self.contracts[symbol].emitted
                self.score.add("injected", "A24", exchange)
                self.score.add("caught", "A24", exchange, int(all(emitted[s] for s in snapshots)))

    def _count_told(self) -> None:
        """Of two feeds one fails: one marker `single_source` in time, good again in time."""
        exchanges = {label.symbol: label.exchange for label in self.labels}
        for outage in self.outages:
            if not outage.kind.endswith(" told"):
                continue
            moved: dict[str, list[int]] = defaultdict(list)
            for label in _during(self.labels, outage):
                moved[label.symbol].append(label.arrive_ns)
            for symbol, at_ns in moved.items():
                if _is_liquid(at_ns, outage):
                    told = self._is_told(self.qualities.get(symbol, []), outage)
                    self.score.add("injected", outage.kind, exchanges[symbol])
                    self.score.add("caught", outage.kind, exchanges[symbol], int(told))

    @staticmethod
    def _is_told(marks: list[tuple[int, str]], outage: Outage) -> bool:
        until_ns = outage.end_ns + _TOLD_NS
        said = [(ns, quality) for ns, quality in marks if outage.start_ns <= ns <= until_ns]
        if [quality for _, quality in said] != ["single_source", ""]:
            return False
        return said[0][0] <= outage.start_ns + _TOLD_NS and said[1][0] >= outage.end_ns

    def _count_recoveries(self) -> None:
        for kind, symbol in self.waiting:
            seconds = self.recovered.get((kind, symbol))
            self.score.recoveries.append(Recovery(kind, symbol, seconds))


def _is_good(label: Label) -> bool:
    """Whether a row says what the exchange said and was not sent again to provoke."""
    return label.true_copy and label.role == "tick" and not label.kind.startswith("A")


def _during(labels: list[Label], outage: Outage) -> Iterator[Label]:
    """Yield what the other feeds delivered; labels are in order of arrival."""
    start, end = (
        bisect_left(labels, ns, key=lambda label: label.arrive_ns)
        for ns in (outage.start_ns, outage.end_ns)
    )
    yield from (label for label in labels[start:end] if label.feed != outage.feed)


def _is_liquid(at_ns: list[int], outage: Outage) -> bool:
    moments = [outage.start_ns, *at_ns, outage.end_ns]
    return all(b - a <= _LIQUID_NS for a, b in pairwise(moments))


def _is_null(tick: list[Any], name: str) -> bool:
    place = _TICK_AT.get(name)
    if place is not None:
        return tick[place] is None
    side, part = _BOOK_AT[name]
    levels = tick[side]
    return not levels or levels[0][part] is None or levels[0][0] is None
