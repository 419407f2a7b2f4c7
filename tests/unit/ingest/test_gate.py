"""A source that is frozen, stuck or disconnected for a while, beside a good one."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdhub.market.dates import SECOND_NS
from mdhub.market.snapshot import Snapshot
from mdhub.wire.entries import MarketClock
from mdhub_ingest.sources.misbehave import Misbehaviour
from mdhub_ingest.sources.port import SourceError
from tests.unit.ingest.clocks import WALL_NS
from tests.unit.ingest.test_playback import (
    MARKET,
    MINUTE_NS,
    MS_NS,
    START_NS,
    Stage,
    feed_of,
    id_of,
    truth_of,
)

FREEZES = "freeze_every_s=3,freeze_s=2,calm_s=0"
STICKS = "stuck_every_s=3,stuck_s=2,calm_s=0"
DISCONNECTS = "disconnect_every_s=3,disconnect_s=2,calm_s=0"


def played(knobs: str, seconds: float = 8.0) -> tuple[Stage, Counter[str]]:
    stage = Stage()
    counts = stage.play(
        MARKET.snapshots, seconds=seconds, misbehaviour=Misbehaviour.parse(knobs)
    ).counts
    return stage, counts


def test_frozen_source_is_silent_and_loses_all_but_the_last_second() -> None:
    """From the 3rd second on nothing comes for 2 s; then the last second comes at once."""
    stage, counts = played(FREEZES, 6.0)
    missing = [s for s in truth_of(6) if s not in stage.snapshots]
    assert all(3 <= (s.made_ns - START_NS) / SECOND_NS < 4.01 for s in missing)
    assert counts["frozen"] == 1
    assert counts["withheld"] == len(missing) > 50
    times = [wall_ns for wall_ns, _ in stage.delivered]
    assert max(b - a for a, b in pairwise(times)) == pytest.approx(2 * SECOND_NS, rel=0.15)
    assert stage.snapshots == [s for s in truth_of(6) if s not in missing], "the order stays"


def test_stuck_source_pushes_old_snapshots_in_place_of_new_ones() -> None:
    """In the span only what was delivered before comes again, with its old time."""
    stage, counts = played(STICKS, 6.0)
    span = [s for at_ns, s in stage.delivered if 3.01 < (at_ns - WALL_NS) / SECOND_NS < 4.99]
    assert counts["stuck"] == 1
    assert len(span) > 20
    assert all(s.made_ns <= START_NS + 3.01 * SECOND_NS for s in span)


def test_reconnected_source_pushes_the_last_snapshot_of_every_contract_again() -> None:
    """With their old times, then the last second, then live."""
    stage, counts = played(DISCONNECTS, 6.0)
    return_ns = min(at_ns for at_ns, _ in stage.delivered if at_ns >= WALL_NS + 5 * SECOND_NS)
    assert return_ns - WALL_NS - 5 * SECOND_NS < 10 * MS_NS
    at_return = [s for at_ns, s in stage.delivered if at_ns == return_ns]
    contracts = {s.symbol for s in truth_of(4)}
    pushed = at_return[: len(contracts)]
    newest = {s.symbol: s for s in truth_of(4)}
    assert {s.symbol for s in pushed} == contracts
    assert sum(newest[s.symbol] == s for s in pushed) >= len(contracts) - 2
    assert counts["pushed_again"] == len(contracts)


def test_disconnection_is_told_and_silence_is_not() -> None:
    """A front says that it is gone; a frozen one does not."""
    assert told_by(DISCONNECTS) == ["disconnected", "connected"]
    assert told_by(FREEZES) == []


def told_by(knobs: str) -> list[str]:
    stage = Stage()
    told: list[str] = []
    player = stage.player(MARKET.snapshots, 6.0, Misbehaviour.parse(knobs))
    player.attend(alive=lambda: None, on_change=lambda what, _facts: told.append(what))
    stage.run(player)
    return told


def test_break_ends_an_outage() -> None:
    """Before the clock jumps everything of the last second is through."""
    stage = Stage()
    offsets = [int(second * SECOND_NS) for second in (0, 3.1, 3.9)]
    behaviour = Misbehaviour.parse("freeze_every_s=3,freeze_s=900,calm_s=0")
    stage.play(feed_of(*offsets, 20 * MINUTE_NS), misbehaviour=behaviour)
    assert len(stage.delivered) == 4


def test_reordered_neighbours_are_swapped_and_none_is_missing() -> None:
    """A snapshot comes directly behind its contract's next one."""
    stage = Stage()
    offsets = [second * SECOND_NS for second in range(60)]
    behaviour = Misbehaviour(reorder=0.4, calm_s=0, seed=5)
    counts = stage.play(feed_of(*offsets), misbehaviour=behaviour).counts
    places = [(s.made_ns - START_NS) // SECOND_NS for s in stage.snapshots]
    assert sorted(places) == list(range(60))
    swaps = sum(a > b for a, b in pairwise(places))
    assert swaps == counts["reordered"] > 0
    assert all(abs(place - at) <= 1 for at, place in enumerate(places))


def test_snapshot_waits_five_seconds_to_be_overtaken() -> None:
    """A contract that goes quiet gets its last snapshot all the same."""
    stage = Stage()
    stage.play(feed_of(0, 20 * SECOND_NS), misbehaviour=Misbehaviour(reorder=1.0, calm_s=0, seed=1))
    assert stage.delivered[0][0] - WALL_NS == pytest.approx(5 * SECOND_NS, abs=MS_NS)


def test_hanging_source_does_nothing_any_more() -> None:
    """Its main loop stands still when the time drawn is over."""
    stage = Stage()
    hangs: list[int] = []
    player = stage.player(MARKET.snapshots, 8.0, Misbehaviour(hang_after_s=(4, 4)))
    player._hang = lambda: hangs.append(stage.wall.now_ns)
    stage.run(player)
    assert (hangs[0] - WALL_NS) / SECOND_NS == pytest.approx(4, abs=0.3)


def test_unpaced_source_has_no_outages() -> None:
    """Without pacing there is no second in which the other source delivers."""
    stage = Stage()
    behaviour = Misbehaviour.parse("freeze_every_s=0.001,freeze_s=9,reorder=1,calm_s=0")
    stage.play(MARKET.snapshots, seconds=5, rate=0.0, misbehaviour=behaviour)
    assert stage.snapshots == truth_of(5)


@pytest.mark.parametrize(
    "wrong",
    ["freeze_every_s=0-4", "freeze_s=5-2", "stuck_s=-1-2", "disconnect_every_s=nan", "reorder=1.5"],
)
def test_wrong_spans_are_named(wrong: str) -> None:
    """Among several mistakes each is told."""
    with pytest.raises(SourceError) as raised:
        Misbehaviour.parse(f"{wrong},lose=often,seed=1,seed=2")
    for part in (wrong, "lose=often", "seed=2"):
        assert repr(part) in str(raised.value)


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000), rate=st.sampled_from([1.0, 20.0]))
def test_beside_one_good_source_nothing_is_lost(seed: int, rate: float) -> None:
    """All kinds at once: taking first good copies in order gives the whole market."""
    bad = Misbehaviour.parse(
        "lose=0.05,corrupt=0.05,delay=0.05,repeat=0.1,reorder=0.1,freeze_every_s=1-3,freeze_s=0-3,"
        f"stuck_every_s=1-3,stuck_s=0-2,disconnect_every_s=1-3,disconnect_s=0-3,calm_s=0,seed={seed}"
    )
    seconds = 12 * rate
    clock = MarketClock(START_NS, WALL_NS, rate)
    fast, slow = Stage(clock=clock), Stage(clock=clock)
    fast.play(MARKET.snapshots, seconds=seconds, misbehaviour=bad)
    slow.play(MARKET.snapshots, seconds=seconds, misbehaviour=Misbehaviour(lag_ms=(5, 200)))
    truth = truth_of(seconds)
    good = {id_of(snapshot): snapshot for snapshot in truth}
    marks: dict[str, int] = {}
    taken: list[Snapshot] = []
    for _, s in sorted(fast.delivered + slow.delivered, key=lambda delivery: delivery[0]):
        if good.get(id_of(s)) == s and s.made_ns > marks.get(s.symbol, 0):
            marks[s.symbol] = s.made_ns
            taken.append(s)
    assert len(taken) == len(truth), f"seed {seed}"
