"""The running judge finds what the whole check finds; the whole check owes the tail as well."""

from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import pytest
from msgspec.structs import replace

from mdhub.demo.checker import Report, check
from mdhub.demo.judge import RunningJudge, judge_whole
from mdhub.demo.progress import LiveChecker, Progress
from mdhub.demo.receipts import ReceiptReader, ReceiptWriter
from mdhub.demo.show import _checked
from mdhub.market.dates import SECOND_NS, midnight_ns
from mdhub.market.snapshot import Snapshot
from mdhub.market.synthetic import SyntheticMarket
from mdhub.wire.ticks import CleanTick
from tests.support.wait import until
from tests.unit.demo.test_checker import made_of_seed, perfect, verdict

FAULTS = {
    "none": (0, 0, 0, 0),
    "removed": (1, 0, 0, 0),
    "doubled": (0, 1, 0, 0),
    "false": (0, 0, 0, 1),
    "late": (0, 0, 1, 0),
}


def with_fault(ticks: list[CleanTick], kind: str, at: int) -> list[CleanTick]:
    ticks = list(ticks)
    match kind:
        case "removed":
            del ticks[at]
        case "doubled":
            ticks.insert(at + 5, ticks[at])
        case "false":
            ticks.insert(at, replace(ticks[at], last=-1.0, symbol="xx1"))
        case "late":
            at, following = next(
                (place, after)
                for place in range(at, len(ticks))
                for after in range(place + 1, len(ticks))
                if ticks[after].symbol == ticks[place].symbol
                and ticks[after].ts_ns - ticks[place].ts_ns < SECOND_NS
            )
            ticks[at], ticks[following] = ticks[following], ticks[at]
        case _:
            pass
    return ticks


def judged_in_looks(path: Path, truth: Iterator[Snapshot], ticks: list[CleanTick]) -> Report:
    judge = RunningJudge(truth, path, margin_ns=SECOND_NS)
    with ReceiptWriter(path) as receipts:
        for place, tick in enumerate(ticks):
            receipts.write(tick)
            if place % 97 == 0:
                receipts.flush()
                judge.look()
        receipts.flush()
        return judge.settle(5.0)


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("at", [*range(95, 101), *range(190, 420, 10)])
def test_each_fault_is_found_across_chunks(tmp_path: Path, kind: str, at: int) -> None:
    """Wherever the boundaries of the looks fall, each fault is counted once and as what it is."""
    ticks = with_fault(perfect(made_of_seed(1)), kind, at)

    report = judged_in_looks(tmp_path / "receipts", SyntheticMarket(seed=1).snapshots(), ticks)

    assert verdict(report) == FAULTS[kind], report.examples
    assert report.received == report.made - report.lost + report.duplicated + report.false
    assert report.made > 500


def test_rows_settled_with_an_old_time_are_judged_once(tmp_path: Path) -> None:
    """From 14:59 to 15:44, settlement rows and closing rows pushed twice: nothing is wrong."""
    market = SyntheticMarket(seed=1, ticks_per_s=20, sessions="full")
    from_ns = midnight_ns("20250620") + (14 * 60 + 59) * 60 * SECOND_NS
    until_ns = from_ns + 46 * 60 * SECOND_NS
    made = list(takewhile(lambda s: s.made_ns < until_ns, market.snapshots(from_ns)))
    ticks = perfect(made)

    report = judged_in_looks(tmp_path / "receipts", market.snapshots(from_ns), ticks)
    whole = judge_whole(made, ticks, ticks)

    assert report.clean, report.examples
    assert whole.clean, whole.examples
    assert whole.made == len(ticks) > report.made > 800
    assert any(s.made_ns - s.exchange_ns > 60 * SECOND_NS and not s.repeat for s in made)


def test_one_false_stamp_does_not_move_the_market(tmp_path: Path) -> None:
    """A tick from the far future is false; the truth is not read until then."""
    ticks = perfect(made_of_seed(1))
    wrong = replace(ticks[300], ts_ns=ticks[300].ts_ns + 10**18)
    ticks.insert(300, wrong)

    report = judged_in_looks(tmp_path / "receipts", SyntheticMarket(seed=1).snapshots(), ticks)

    assert (report.lost, report.duplicated, report.out_of_order) == (0, 0, 0)


def test_the_running_judge_keeps_only_what_is_open(tmp_path: Path) -> None:
    """What was judged is forgotten: memory and the last word do not grow with the demo."""
    ticks = perfect(made_of_seed(1))
    path = tmp_path / "receipts"
    judge = RunningJudge(SyntheticMarket(seed=1).snapshots(), path, margin_ns=SECOND_NS)
    with ReceiptWriter(path) as receipts:
        for place, tick in enumerate(ticks):
            receipts.write(tick)
            if place % 50 == 0:
                receipts.flush()
                judge.look()

    held = len(judge._pending) + len(judge._before.received) + len(judge._open.made)
    assert held < len(ticks) / 2


def test_what_was_made_after_the_last_receipt_is_lost() -> None:
    """The market's end is known, so a strategy that stops receiving half-way is not clean."""
    made = made_of_seed(1)
    half = perfect(made)[:400]

    assert check(made, half).clean
    report = judge_whole(made, half, half)

    assert report.lost == len(made) - 400
    assert report.made == len(made)
    assert "after the last receipt" in report.examples["lost"][0]


def test_a_run_received_to_its_end_owes_nothing() -> None:
    """A hole in the middle is counted once, a complete run not at all."""
    made = made_of_seed(1)
    ticks = perfect(made)
    assert judge_whole(made, ticks, ticks).clean
    del ticks[100]
    assert verdict(judge_whole(made, ticks, ticks)) == (1, 0, 0, 0)


def test_a_judge_that_fails_is_shown_and_its_old_verdict_is_not() -> None:
    """After a failure there is no verdict, only the reason."""
    looks = 0

    def look(_: object) -> Report:
        nonlocal looks
        looks += 1
        raise ValueError("no such market")

    checker = LiveChecker(look, every_s=0.01)
    until(lambda: checker.error is not None, "the checker to fail")
    checker.stop()

    assert checker.newest is None
    assert looks == 1
    progress = Progress(0.0, checker_error=checker.error)
    assert _checked(progress, None) == "checker failed: no such market"


def test_receipts_are_read_on_from_where_reading_stopped(tmp_path: Path) -> None:
    """No file, half a record and a bound are all no reason to lose a receipt."""
    path, ticks = tmp_path / "receipts", perfect(made_of_seed(1))[:10]
    reader = ReceiptReader(path)
    assert reader.read(5) == []
    with ReceiptWriter(path) as receipts:
        for tick in ticks:
            receipts.write(tick)
    whole = path.read_bytes()
    path.write_bytes(whole[:-3])
    assert reader.read(5) == ticks[:5]
    assert reader.read(50) == ticks[5:9]
    path.write_bytes(whole)
    assert reader.read(50) == ticks[9:]
