"""Retention: what may go, and who is told."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from mdhub.streams.ids import id_less, id_parts, make_id
from mdhub.streams.port import ReaderCursor
from mdhub.streams.topology import TOPOLOGY
from mdhub.streams.trim import FORGOTTEN_MS, RETENTION, Budget, TrimPlan, plan_trim

KEEP_MS = 1_000
MAX_BYTES = 1_000
BUDGET = Budget(KEEP_MS, MAX_BYTES)

ids = st.builds(make_id, st.integers(0, 5_000), st.integers(0, 3))
ages = st.sampled_from([0, FORGOTTEN_MS, FORGOTTEN_MS + 1])
readers = st.dictionaries(
    st.sampled_from(["standby", "publisher:A", "recorder"]), st.builds(ReaderCursor, ids, ages)
)


def plan(
    first: bytes = b"0-1", last: bytes = b"5000-0", used_bytes: int = 0,
    hard: bytes | None = None, soft: dict[str, ReaderCursor] | None = None,
) -> TrimPlan | None:  # fmt: skip
    return plan_trim(
        first=first, last=last, used_bytes=used_bytes, budget=BUDGET, hard=hard, soft=soft or {}
    )


def test_what_is_older_than_its_time_goes() -> None:
    """Without readers the time alone decides."""
    assert plan() == TrimPlan(b"4000-0")


def test_a_young_stream_is_left_alone() -> None:
    """Nothing is trimmed before there is something too old or too much."""
    assert plan(first=b"4500-0") is None


def test_a_slow_reader_is_waited_for() -> None:
    """Within the budget a soft cursor holds back what it has not read."""
    assert plan(soft={"recorder": ReaderCursor(b"3000-2", FORGOTTEN_MS)}) == TrimPlan(b"3000-2")


def test_a_dead_reader_is_overtaken_by_name() -> None:
    """Above the budget it is passed, and the plan says who lost something."""
    soft = {"recorder": ReaderCursor(b"100-0", 0), "publisher:A": ReaderCursor(b"4900-0", 0)}

    assert plan(used_bytes=2 * MAX_BYTES, soft=soft) == TrimPlan(b"2500-0", ("recorder",))


def test_nothing_waits_for_a_reader_that_has_retired() -> None:
    """Its cursor has not been renewed for more than a minute; the plan still names it."""
    soft = {"publisher:B": ReaderCursor(b"100-0", FORGOTTEN_MS + 1)}

    assert plan(soft=soft) == TrimPlan(b"4000-0", ("publisher:B",))


@given(first=ids, last=ids, used=st.integers(0, 5 * MAX_BYTES), hard=st.none() | ids, soft=readers)
def test_cursors_are_kept_as_declared(
    first: bytes, last: bytes, used: int, hard: bytes | None, soft: dict[str, ReaderCursor]
) -> None:
    """Hard cursors always, soft ones up to the budget; all who are overtaken are named."""
    assume(not id_less(last, first))

    found = plan(first, last, used, hard, soft)

    if found is None:
        return
    assert id_less(first, found.min_id)
    assert not id_less(last, found.min_id)
    assert hard is None or not id_less(hard, found.min_id)
    assert set(found.overtaken) == {
        name for name, at in soft.items() if id_less(at.cursor, found.min_id)
    }
    if used <= MAX_BYTES:
        assert all(soft[name].age_ms > FORGOTTEN_MS for name in found.overtaken)
        assert id_parts(found.min_id)[0] <= id_parts(last)[0] - KEEP_MS


@given(first=ids, last=ids, used=st.integers(MAX_BYTES + 1, 5 * MAX_BYTES), soft=readers)
def test_the_budget_is_kept_whatever_readers_do(
    first: bytes, last: bytes, used: int, soft: dict[str, ReaderCursor]
) -> None:
    """No soft cursor keeps the surplus alive: at an even rate it is all gone."""
    first_ms, last_ms = id_parts(first)[0], id_parts(last)[0]
    surplus_ms = int((last_ms - first_ms) * (used - MAX_BYTES) / used)
    assume(surplus_ms > 1)

    found = plan(first, last, used, None, soft)

    assert found is not None
    assert id_parts(found.min_id)[0] >= first_ms + surplus_ms - 1


def test_every_stream_without_a_cap_has_a_budget() -> None:
    """No stream grows without end."""
    uncapped = {name for name, stream in TOPOLOGY.items() if stream.max_entries is None}
    assert set(RETENTION) == uncapped


def test_every_stream_with_a_cap_has_an_age() -> None:
    """Nor does an old entry stay for ever where few are written."""
    capped = {name for name, stream in TOPOLOGY.items() if stream.max_entries is not None}
    assert {name for name, stream in TOPOLOGY.items() if stream.keep_ms is not None} == capped
