"""The checker finds each kind of fault, and only faults."""

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdhub.demo.checker import Report, check
from mdhub.market.dates import SECOND_NS
from mdhub.market.recorded import recorded_snapshots
from mdhub.market.snapshot import NO_VALUE, Snapshot
from mdhub.market.synthetic import SyntheticMarket
from mdhub.wire.ticks import CleanTick, Level
from tests.unit.market.recordings import recording_path

Mutation = Callable[[list[CleanTick], int], None]


@cache
def made_of_seed(seed: int) -> tuple[Snapshot, ...]:
    market = SyntheticMarket(seed=seed)
    made = []
    for snapshot in market.snapshots():
        if snapshot.made_ns >= market.start_ns + 10 * SECOND_NS:
            break
        made.append(snapshot)
    return tuple(made)


def clean(snapshot: Snapshot) -> CleanTick:
    """What a perfect hub makes of a snapshot; written without the checker."""
    prices = {
        name: no_value_to_nil(getattr(snapshot, name))
        for name in CleanTick.__struct_fields__[8:-2]
        if name != "volume"
    }
    return CleanTick(
        v=1,
        symbol=snapshot.symbol,
        exchange=snapshot.true_exchange,
        trading_day=snapshot.day,
        ts_ns=snapshot.exchange_ns,
        recv_ns=0,
        source="a",
        flags=0,
        volume=snapshot.volume,
        bids=clean_book(snapshot.bids),
        asks=clean_book(snapshot.asks),
        **prices,
    )


def no_value_to_nil(price: float | None) -> float | None:
    return None if price == NO_VALUE else price


def clean_book(levels: list[Level]) -> list[Level]:
    return [(no_value_to_nil(price), volume) for price, volume in levels]


def perfect(made: Iterable[Snapshot]) -> list[CleanTick]:
    return [clean(snapshot) for snapshot in made if not snapshot.repeat]


def verdict(report: Report) -> tuple[int, int, int, int]:
    return report.lost, report.duplicated, report.out_of_order, report.false


def test_perfect_strategy_gets_a_clean_report() -> None:
    """All that was made, once and in order, is judged and found right."""
    made = made_of_seed(1)
    report = check(made, perfect(made))
    assert report.clean
    assert report.made == report.received == len(made)


def remove(ticks: list[CleanTick], at: int) -> None:
    del ticks[at]


def double(ticks: list[CleanTick], at: int) -> None:
    ticks.insert(at, ticks[at])


def swap(ticks: list[CleanTick], at: int) -> None:
    later = next(i for i in range(at + 1, len(ticks)) if ticks[i].symbol == ticks[at].symbol)
    ticks[at], ticks[later] = ticks[later], ticks[at]


def alter(field: str, value: object) -> Mutation:
    def mutate(ticks: list[CleanTick], at: int) -> None:
        ticks[at] = msgspec.structs.replace(ticks[at], **{field: value})

    mutate.__name__ = f"alter_{field}"
    return mutate


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(1, 3), draw=st.integers(0, 10_000))
@pytest.mark.parametrize(
    ("mutate", "expected"),
    [
        (remove, (1, 0, 0, 0)),
        (double, (0, 1, 0, 0)),
        (swap, (0, 0, 1, 0)),
        (alter("last", -1.0), (1, 0, 0, 1)),
        (alter("volume", 999_999_937), (1, 0, 0, 1)),
        (alter("trading_day", 20250621), (1, 0, 0, 1)),
        (alter("ts_ns", 1_795_138_500_123_000_000), (1, 0, 0, 1)),
        (alter("exchange", ""), (1, 0, 0, 1)),
        (alter("limit_up", None), (1, 0, 0, 1)),
        (alter("bids", []), (1, 0, 0, 1)),
    ],
)
def test_one_fault_is_found(
    mutate: Mutation, expected: tuple[int, int, int, int], seed: int, draw: int
) -> None:
    """One tick removed, doubled, swapped or altered is reported as exactly that."""
    made = made_of_seed(seed)
    ticks = perfect(made)
    # Not at the ends, which define what is judged, and with room for a later one to swap with.
    at = 1 + draw % (len(ticks) // 2)
    mutate(ticks, at)
    assert verdict(check(made, ticks)) == expected, f"seed {seed}, tick {at}"


def test_faults_add_up_and_examples_are_few() -> None:
    """Every fault is counted, ten of a kind are told."""
    made = made_of_seed(1)
    ticks = perfect(made)
    kept = [tick for place, tick in enumerate(ticks) if place % 10 or not place]
    report = check(made, kept)
    assert report.lost == len(ticks) - len(kept) - (len(ticks) % 10 == 1)
    assert len(report.examples["lost"]) == 10
    assert "ts_ns=" in report.examples["lost"][0]


def test_contracts_may_overtake_each_other() -> None:
    """Order is judged per contract: another contract's delay is no fault."""
    made = made_of_seed(1)
    ends, middle = perfect(made), perfect(made)[1:-1]
    middle.sort(key=lambda tick: tick.symbol)
    assert check(made, [ends[0], *middle, ends[-1]]).clean


def test_only_the_time_of_the_subscription_is_judged() -> None:
    """What was made before the first and after the last receipt was not to be received."""
    made = made_of_seed(1)
    ticks = perfect(made)[100:300]
    report = check(made, ticks)
    assert report.clean
    assert report.made == 200


def test_margin_spares_what_was_under_way_at_the_ends() -> None:
    """A tick that was in flight when the strategy came is not judged within the margin."""
    made = made_of_seed(1)
    ticks = perfect(made)
    del ticks[2]
    assert check(made, ticks).lost == 1
    assert check(made, ticks, margin_ns=SECOND_NS).clean


def test_endless_truth_is_judged_up_to_a_time() -> None:
    """With `until_ns` the market may go on for ever, and so may the strategy."""
    market = SyntheticMarket(seed=1)
    ticks = perfect(made_of_seed(1))
    report = check(market.snapshots(), ticks, until_ns=market.start_ns + 4 * SECOND_NS)
    assert report.clean
    assert 0 < report.made < len(ticks) == report.received


def test_repeats_are_not_truth() -> None:
    """An adjacent repeat in a file need not arrive, and is a duplicate if it does."""
    made = list(made_of_seed(1))
    again = msgspec.structs.replace(made[50], repeat=True)
    made.insert(51, again)
    assert check(made, perfect(made)).clean
    assert verdict(check(made, [clean(snapshot) for snapshot in made])) == (0, 1, 0, 0)


def test_equal_snapshots_are_each_owed_once() -> None:
    """If a CZCE book goes A, B, A within a second, both A are truth."""
    first, other = made_of_seed(1)[0], made_of_seed(1)[1]
    changed = msgspec.structs.replace(first, volume=(first.volume or 0) + 1)
    made = [first, changed, first, other]
    assert check(made, perfect(made)).clean
    assert verdict(check(made, perfect([first, changed, other]))) == (1, 0, 0, 0)
    assert verdict(check(made, perfect([*made, first]))) == (0, 1, 0, 0)


def test_no_receipt_means_nothing_to_judge() -> None:
    """A strategy that received nothing has a report without a span."""
    report = check(made_of_seed(1), [])
    assert (report.made, report.received) == (0, 0)


def test_exchange_is_what_the_market_says() -> None:
    """A symbol of no known product is judged by the exchange its market lists it at."""
    made = [msgspec.structs.replace(s, symbol="zz2507") for s in made_of_seed(1)[:1]]
    (tick,) = perfect(made)
    assert check(made, [tick]).clean
    assert not check(made, [msgspec.structs.replace(tick, exchange="DCE ")]).clean


@pytest.mark.recordings
def test_real_recording_is_judged(tmp_path: Path) -> None:
    """Stale rows, repeats and settlement updates of a real day are no faults; a hole is."""
    for name in ("AP010_20200803", "IF2101_20210104"):
        made = list(recorded_snapshots(recording_path(f"{name}.csv.zst")))
        ticks = perfect(made)
        assert check(made, ticks).clean
        del ticks[Random(1).randrange(1, len(ticks) - 1)]
        assert verdict(check(made, ticks)) == (1, 0, 0, 0)
