"""The outbox numbers ticks, gives out what the log lacks, and declares what is gone."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from mdhub_ingest.outbox import Batch, Outbox

KEEP_NS = 1_000


def filled(amount: int, *, max_kept: int = 1_000, recv_ns: int = 0) -> Outbox:
    outbox = Outbox(max_kept=max_kept, keep_ns=KEEP_NS)
    for seq in range(1, amount + 1):
        outbox.put(recv_ns, b"%d" % seq)
    return outbox


def test_ticks_are_numbered_from_one_without_holes() -> None:
    """The tick that is put next carries `next_seq`."""
    assert [filled(amount).next_seq for amount in range(4)] == [1, 2, 3, 4]


def test_the_log_gets_what_follows_its_position() -> None:
    """A batch starts behind what the log has and holds at most the limit."""
    outbox = filled(5)
    assert outbox.batch(0, 3) == Batch(1, 0, [b"1", b"2", b"3"])
    assert outbox.batch(3, 3) == Batch(4, 0, [b"4", b"5"])
    assert outbox.batch(5, 3) is None


def test_what_the_log_has_is_kept_for_a_while() -> None:
    """Acknowledged ticks stay for ten seconds: the log may be cut back."""
    outbox = filled(3)
    outbox.acknowledge(3, now_ns=KEEP_NS)
    assert outbox.batch(1, 9) == Batch(2, 0, [b"2", b"3"])
    outbox.acknowledge(3, now_ns=KEEP_NS + 1)
    assert outbox.batch(1, 9) == Batch(2, 2, [])
    assert outbox.dropped == 0


def test_ticks_the_log_lacks_are_kept_however_old() -> None:
    """Age alone never drops a tick that is not in the log."""
    outbox = filled(3)
    outbox.acknowledge(1, now_ns=10**18)
    assert outbox.batch(1, 9) == Batch(2, 0, [b"2", b"3"])


def test_the_bound_drops_the_oldest_and_says_so() -> None:
    """Beyond the bound the oldest go; what the log never had is counted and declared lost."""
    outbox = filled(10, max_kept=4)
    assert outbox.dropped == 6
    assert outbox.batch(0, 2) == Batch(1, 6, [b"7", b"8"])
    assert outbox.batch(7, 2) == Batch(8, 0, [b"8", b"9"])


def test_the_bound_does_not_count_what_the_log_has() -> None:
    """Dropping an acknowledged tick is no loss."""
    outbox = filled(4, max_kept=4)
    outbox.acknowledge(3, now_ns=0)
    for seq in (5, 6, 7, 8):
        outbox.put(0, b"%d" % seq)
    assert outbox.dropped == 1
    assert outbox.waiting == 4


def test_waiting_counts_what_the_log_lacks() -> None:
    """Also after the log was cut back."""
    outbox = filled(5)
    assert outbox.waiting == 5
    outbox.acknowledge(5, now_ns=0)
    assert outbox.waiting == 0
    outbox.acknowledge(2, now_ns=0)
    assert outbox.waiting == 3


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(1, 6)),
        st.tuples(st.just("write"), st.integers(1, 5)),
        st.tuples(st.just("cut"), st.integers(0, 8)),
        st.tuples(st.just("age"), st.integers(1, KEEP_NS)),
    ),
    max_size=40,
)


@settings(deadline=None)
@given(STEPS, st.integers(1, 12))
def test_every_number_is_in_the_log_or_declared_lost(
    steps: list[tuple[str, int]], max_kept: int
) -> None:
    """Writes, cuts of the log and overflow in any order leave no unexplained hole."""
    outbox, now_ns = Outbox(max_kept=max_kept, keep_ns=KEEP_NS), 0
    log: list[bytes | None] = []
    for step, amount in [*steps, ("write", 10_000)]:
        if step == "put":
            for _ in range(amount):
                outbox.put(now_ns, b"%d" % outbox.next_seq)
        elif step == "age":
            now_ns += amount
        elif step == "cut":
            del log[max(0, len(log) - amount) :]
            outbox.acknowledge(len(log), now_ns)
        elif batch := outbox.batch(len(log), amount):
            assert batch.first_seq == len(log) + 1
            log += [*[None] * batch.lost, *batch.payloads]
            outbox.acknowledge(len(log), now_ns)
        assert outbox.waiting <= max_kept

    assert len(log) == outbox.next_seq - 1
    assert outbox.waiting == 0
    assert all(entry in {None, b"%d" % seq} for seq, entry in enumerate(log, 1))
