"""Nothing is shown that no replica has, and nothing of it is lost."""

from __future__ import annotations

import pytest

from mdhub.streams.errors import UnknownOutcome
from mdhub.streams.port import Positions
from mdhub.wire.live import HubState
from mdhub_publisher.gate import LEFT_AFTER_NS, MAX_HELD, RETRY_NS, Gate
from mdhub_publisher.shard import HOLDING_AFTER_NS, Phase, Shard
from tests.unit.publisher.entries import tick_entry

S = 1_000_000_000


class Replicas:
    """A confirmer whose answers the test gives."""

    def __init__(self) -> None:
        self.asked = 0
        self.answer: int | None = None
        self.closed = False

    def fileno(self) -> int:
        return 0

    def ask(self, *, wait_ms: int) -> None:
        assert wait_ms > 0
        self.asked += 1

    def take(self) -> int | None:
        answer, self.answer = self.answer, None
        return answer

    def close(self) -> None:
        self.closed = True


class Stage:
    """A gate, and the time."""

    def __init__(self) -> None:
        self.replicas = Replicas()
        self.shard = Shard(0)
        self.shard.phase = Phase.LIVE
        self.gate = Gate(self.shard, self.replicas, patience_s=0.5)
        self.now_ns = S

    def turn(self, answer: int | None = None, *, after_ns: int = RETRY_NS) -> list[int]:
        """Numbers that were released."""
        self.now_ns += after_ns
        self.replicas.answer = answer
        return [int(entry[0].partition(b"-")[0]) for entry in self.gate.turn(self.now_ns)]


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_what_was_read_after_the_question_waits_for_the_next_one(stage: Stage) -> None:
    """An answer covers what had been read before it was asked for, and not one entry more."""
    stage.gate.hold([tick_entry(1), tick_entry(2)])
    assert stage.turn() == []
    stage.gate.hold([tick_entry(3)])
    assert stage.turn(1) == [1, 2]
    assert stage.replicas.asked == 2
    assert stage.turn(2) == [3]
    assert stage.gate.held == 0


def test_one_question_at_a_time_and_none_without_need(stage: Stage) -> None:
    """However often the gate is turned."""
    stage.turn()
    assert stage.replicas.asked == 0
    stage.gate.hold([tick_entry(1)])
    for _ in range(3):
        stage.turn()
    assert stage.replicas.asked == 1


def test_without_a_replica_it_holds_says_so_and_drops_nothing(stage: Stage) -> None:
    """After a second heartbeats say `holding`; with the replica all comes, in order."""
    stage.shard.observe(Positions(log_ns=1), stage.now_ns)
    stage.gate.hold([tick_entry(1)])
    stage.turn()
    began_ns = stage.now_ns
    while stage.now_ns - began_ns < HOLDING_AFTER_NS:
        assert stage.shard.state(stage.now_ns) is HubState.OK
        assert stage.turn(0, after_ns=S // 10) == []
        stage.gate.watch(Positions(log_ns=stage.now_ns))
    stage.gate.hold([tick_entry(2)])
    stage.turn(0)
    assert stage.shard.state(stage.now_ns) is HubState.HOLDING
    assert stage.gate.unconfirmed > 5

    stage.turn(0)
    assert stage.turn(1) == [1, 2]
    assert stage.shard.state(stage.now_ns) is HubState.OK


def test_the_time_of_the_log_waits_as_well(stage: Stage) -> None:
    """What the log says of itself may be cut back like what is in it."""
    stage.gate.watch(Positions(n=7, log_ns=70))
    stage.turn()
    stage.gate.watch(Positions(n=8, log_ns=80))
    assert stage.shard.positions.log_ns == 0
    stage.turn(1)
    assert stage.shard.positions.log_ns == 70
    assert stage.gate.confirmed == Positions(n=7, log_ns=70)
    stage.turn(0)
    assert stage.shard.positions.log_ns == 70


def test_a_full_gate_says_so(stage: Stage) -> None:
    """Then the log keeps the rest."""
    stage.gate.hold([tick_entry(1)] * (MAX_HELD - 1))
    assert not stage.gate.full
    stage.gate.hold([tick_entry(1)])
    assert stage.gate.full


def test_a_server_that_does_not_answer_is_left(stage: Stage) -> None:
    """What is held goes with the connection: it is read again from whoever has it."""
    stage.gate.hold([tick_entry(1)])
    stage.turn()
    stage.turn(after_ns=S // 2)
    with pytest.raises(UnknownOutcome):
        stage.turn(after_ns=S // 2)
    stage.gate.close()
    assert stage.gate.held == 0
    assert stage.replicas.closed


def test_a_server_that_no_replica_follows_is_left(stage: Stage) -> None:
    """It may be a master of the past; who is the master now is asked at the next connection."""
    stage.gate.hold([tick_entry(1)])
    stage.turn()
    stage.turn(0, after_ns=LEFT_AFTER_NS)
    stage.turn()
    with pytest.raises(UnknownOutcome, match="no replica"):
        stage.turn(0)


def test_answers_that_come_at_once_do_not_make_it_spin(stage: Stage) -> None:
    """A server that refuses the mark answers without waiting."""
    stage.gate.hold([tick_entry(1)])
    for _ in range(100):
        stage.turn(0, after_ns=RETRY_NS // 10)
    assert stage.replicas.asked <= 12
