"""Misbehaviour does what was asked, and never what nobody could repair."""

from math import isnan

import msgspec
import pytest

from mdhub.market.snapshot import NO_VALUE, Snapshot
from mdhub.market.synthetic import SyntheticMarket
from mdhub_ingest.sources.ahead import with_space
from mdhub_ingest.sources.misbehave import MISDEEDS, Fate, Misbehaver, Misbehaviour
from mdhub_ingest.sources.port import SourceError

SNAPSHOT = next(SyntheticMarket(seed=1).snapshots())


def fates(behaviour: Misbehaviour, *, size: int = 2_000, spaced: bool = True) -> list[Fate]:
    misbehaver = Misbehaver(behaviour)
    return [misbehaver.fate(SNAPSHOT, spaced=spaced, previous=SNAPSHOT) for _ in range(size)]


def test_settings_are_read_from_a_compact_text() -> None:
    """Shares are numbers, spans are low-high or one number."""
    text = "lose=0.01, repeat=0.005,lag_ms=5-30,crash_after_s=20,seed=7"
    assert Misbehaviour.parse(text) == Misbehaviour(
        lose=0.01, repeat=0.005, lag_ms=(5, 30), crash_after_s=(20, 20), seed=7
    )
    assert Misbehaviour.parse("") == Misbehaviour()


def test_every_problem_of_a_text_is_told_at_once() -> None:
    """Unknown names, numbers out of range and words are all in one message."""
    with pytest.raises(SourceError) as raised:
        Misbehaviour.parse("loose=1,lose=2,repeat=often,lag_ms=30-5,delay=0.1")
    for part in ("loose", "lose=2", "repeat=often", "lag_ms=30-5"):
        assert part in str(raised.value)
    assert "'delay=0.1'" not in str(raised.value).split(": ", 1)[1]


def test_good_source_changes_nothing() -> None:
    """Without settings every snapshot is sent as it is, at once and once."""
    assert set(map(repr, fates(Misbehaviour()))) == {repr(Fate(SNAPSHOT))}


def test_shares_are_kept() -> None:
    """What happens is as frequent as it was set."""
    misbehaver = Misbehaver(Misbehaviour(lose=0.1, corrupt=0.05, delay=0.2, repeat=0.3, seed=3))
    drawn = [misbehaver.fate(SNAPSHOT, spaced=True, previous=None) for _ in range(5_000)]
    assert shares_of(misbehaver, 5_000) == pytest.approx((0.1, 0.05, 0.2), abs=0.02)
    repeats = sum(fate.repeat_after_ns is not None for fate in drawn)
    assert repeats / 5_000 == pytest.approx(0.3, abs=0.03)
    assert all(0 <= fate.delay_ns <= 800_000_000 for fate in drawn)


def shares_of(misbehaver: Misbehaver, size: int) -> tuple[float, ...]:
    return tuple(misbehaver.counts[kind] / size for kind in ("lost", "corrupted", "delayed"))


@pytest.mark.parametrize("every", [2, 10, 20])
def test_shares_are_of_all_snapshots(every: int) -> None:
    """Where one of ten may be hit it is hit ten times as often."""
    misbehaver = Misbehaver(Misbehaviour(lose=0.02, corrupt=0.01, delay=0.015, seed=3))
    for place in range(20_000):
        misbehaver.fate(SNAPSHOT, spaced=place % every == 0, previous=None)
    assert shares_of(misbehaver, 20_000) == pytest.approx((0.02, 0.01, 0.015), rel=0.15)
    assert misbehaver.counts["eligible"] == 20_000 / every


def test_all_that_may_be_hit_is_hit_where_that_is_too_little() -> None:
    """One eligible snapshot of 200 cannot make 3 %: nearly each is hit, in the proportions set."""
    misbehaver = Misbehaver(Misbehaviour(lose=0.02, corrupt=0.01, seed=3))
    for place in range(20_000):
        misbehaver.fate(SNAPSHOT, spaced=place % 200 == 0, previous=None)
    lost, corrupted, delayed = (misbehaver.counts[k] for k in ("lost", "corrupted", "delayed"))
    assert lost + corrupted > 90
    assert lost > corrupted > 15
    assert delayed == 0


def test_calm_says_nothing_about_what_is_eligible() -> None:
    """After the calm start misbehaviour is as frequent as always, without a burst."""
    misbehaver = Misbehaver(Misbehaviour(lose=0.1, seed=3))
    for _ in range(5_000):
        assert misbehaver.fate(SNAPSHOT, spaced=True, previous=None, calm=True) == Fate(SNAPSHOT)
    for _ in range(5_000):
        misbehaver.fate(SNAPSHOT, spaced=True, previous=None)
    assert misbehaver.counts["lost"] / 5_000 == pytest.approx(0.1, abs=0.02)


def test_counts_name_every_kind_from_the_start() -> None:
    """The heartbeat shows what did not happen, too."""
    assert Misbehaver(Misbehaviour()).counts == dict.fromkeys(("eligible", *MISDEEDS), 0)
    assert set(Misbehaver(Misbehaviour()).counts) >= {"lost", "repeated", "eligible"}


def test_same_seed_does_the_same() -> None:
    """Misbehaviour is repeatable, and each source can have its own."""
    behaviour = Misbehaviour(lose=0.2, corrupt=0.2, repeat=0.2)
    assert repr(fates(behaviour)) == repr(fates(behaviour))
    assert repr(fates(behaviour)) != repr(fates(msgspec.structs.replace(behaviour, seed=1)))


def test_hole_that_nobody_could_fill_is_never_made() -> None:
    """A snapshot followed too soon by the contract's next one is left alone."""
    drawn = fates(Misbehaviour(lose=0.4, corrupt=0.3, delay=0.3), spaced=False)
    assert all(fate == Fate(SNAPSHOT) for fate in drawn)


def test_corruption_is_always_visible() -> None:
    """A corrupted snapshot breaks a rule that can be checked without a second source."""
    seen = {visible_fault(fate.snapshot) for fate in fates(Misbehaviour(corrupt=1.0))}
    assert seen == {"time", "no last", "sign", "scale", "volume sign", "volume"}


def visible_fault(snapshot: Snapshot | None) -> str | None:
    assert snapshot is not None
    last, volume, limit_up = snapshot.last, snapshot.volume, snapshot.limit_up
    assert last is not None
    assert volume is not None
    assert limit_up is not None
    faults = {
        "time": snapshot.update_time == "24:61:00",
        "no last": isnan(last) or last == NO_VALUE,
        "sign": last < 0,
        "scale": not isnan(last) and limit_up < last < NO_VALUE,
        "volume sign": volume < 0,
        "volume": 0 <= volume < (SNAPSHOT.volume or 0),
    }
    return next((name for name, present in faults.items() if present), None)


@pytest.mark.parametrize("limit", [None, 0.0, NO_VALUE])
def test_corruption_without_limits_is_as_varied_as_it_can_be(limit: float | None) -> None:
    """A recorded file without limits is corrupted in every way but a price beyond them."""
    bare = msgspec.structs.replace(SNAPSHOT, limit_up=limit, limit_down=limit)
    misbehaver = Misbehaver(Misbehaviour(corrupt=1.0))
    drawn = [misbehaver.fate(bare, spaced=True, previous=bare).snapshot for _ in range(500)]
    seen = {fault_without_limits(snapshot) for snapshot in drawn}
    assert seen == {"time", "no last", "sign", "volume sign", "volume"}


def fault_without_limits(snapshot: Snapshot | None) -> str | None:
    assert snapshot is not None
    return visible_fault(msgspec.structs.replace(snapshot, limit_up=SNAPSHOT.limit_up))


def test_corruption_needs_fields_that_show_it() -> None:
    """Without limits, volume and predecessor only what still shows is chosen."""
    bare = msgspec.structs.replace(SNAPSHOT, limit_up=None, volume=None)
    misbehaver = Misbehaver(Misbehaviour(corrupt=1.0))
    drawn = [misbehaver.fate(bare, spaced=True, previous=None).snapshot for _ in range(50)]
    assert {snapshot.update_time for snapshot in drawn if snapshot} == {"24:61:00"}


def test_volume_does_not_fall_where_a_new_day_may_begin() -> None:
    """Beside a snapshot of another trading day a smaller volume would look right."""
    yesterday = msgspec.structs.replace(SNAPSHOT, day=SNAPSHOT.day - 1)
    misbehaver = Misbehaver(Misbehaviour(corrupt=1.0))
    for _ in range(200):
        snapshot = misbehaver.fate(SNAPSHOT, spaced=True, previous=yesterday).snapshot
        assert snapshot is not None
        assert snapshot.volume == SNAPSHOT.volume or (snapshot.volume or 0) < 0


def test_look_ahead_knows_how_long_a_contract_is_quiet() -> None:
    """Space is seen exactly at the bound, per contract, and the order stays."""
    made = [at(0, "a"), at(10, "b"), at(299, "a"), at(599, "a"), at(600, "b")]
    spaces = list(with_space(iter(made), 300))
    assert [snapshot for snapshot, _ in spaces] == made
    assert [spaced for _, spaced in spaces] == [False, True, True, True, True]


def at(made_ns: int, symbol: str) -> Snapshot:
    return msgspec.structs.replace(SNAPSHOT, made_ns=made_ns, symbol=symbol)
