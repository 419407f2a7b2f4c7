"""A hot standby has the leader's state, knows when it has not, and takes over without a trace."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mdhub.runtime.clock import Clock
from mdhub.streams.errors import Fenced, NotReady, StreamsError, UnknownOutcome
from mdhub.streams.port import Log
from mdhub.streams.topology import CLEAN, RAW
from mdhub_arbiter.beat import STUCK_NS, Beat
from mdhub_arbiter.candidate import may_be_cut, take_leadership
from mdhub_arbiter.leader import Leader
from mdhub_arbiter.standby import STRIKES, Mismatch, Standby
from tests.support.recompute import assert_clean_is_f_of_raw
from tests.unit.arbiter.builders import state_bytes
from tests.unit.arbiter.stage import Stage

MS = 1_000_000


class Time:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now_ns = 10_000 * MS

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.now_ns, lambda: self.now_ns)

    def wait_for(self, standby: Standby, looks: int = 1_000) -> bool:
        """Look every 20 ms until the office is vacant."""
        for _ in range(looks):
            self.now_ns += 20 * MS
            if standby.step():
                return True
        return False


@pytest.fixture(autouse=True)
def fast_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaders write a clock entry every ms, so that nothing here waits for one."""
    monkeypatch.setattr("mdhub_arbiter.leader.CLOCK_EVERY_S", 0.001)


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage()
    stage.work(lead(stage))
    stage.open_market()
    yield stage
    assert_clean_is_f_of_raw(stage.log)
    stage.assert_numbers_run_on()


def lead(stage: Stage) -> Leader:
    leader = stage.lead()
    # It is to die, not to go.
    leader._resign = lambda: None  # type: ignore[method-assign]
    return leader


def stand_by(stage: Stage, time: Time, found: list[Mismatch] | None = None) -> Standby:
    tell = (lambda _: None) if found is None else found.append
    return Standby(stage.server.log("arbiter"), shard=0, clock=time.clock, on_mismatch=tell)


def take_over(stage: Stage, standby: Standby) -> Leader:
    candidate = standby.candidate()
    log = stage.server.log("arbiter")
    cut = may_be_cut(log, 0, seen=standby.seen, agrees=candidate.agrees, durable=True)
    taken = take_leadership(log, 0, seen=standby.seen, at=candidate.at, wall_ns=2, cut=cut)
    assert taken is not None
    standby.close()
    return stage.leader(log, taken, candidate)


def test_a_standby_has_the_state_of_the_leader(stage: Stage) -> None:
    """Entry by entry; it agrees wherever both are, and writes nothing."""
    time, leader = Time(), lead(stage)
    standby = stand_by(stage, time)
    for _ in range(5):
        stage.ticks(10)
        stage.work(leader)
        before = len(stage.log.entries(RAW)), len(stage.log.entries(CLEAN))
        assert not standby.step()
        assert state_bytes(standby.state) == state_bytes(leader._state)
        assert (len(stage.log.entries(RAW)), len(stage.log.entries(CLEAN))) == before
    assert standby.agreed == 5
    assert standby.mismatches == 0


def test_it_folds_no_farther_than_the_leader_has_committed(stage: Stage) -> None:
    """What the leader has not committed it may still have to write itself."""
    time, leader = Time(), lead(stage)
    standby = stand_by(stage, time)
    stage.work(leader)
    standby.step()
    at = standby.cursor
    stage.ticks(10)
    assert not standby.step()
    assert standby.cursor == at
    assert standby.waiting > 10


def test_it_takes_over_when_the_beat_stands_still(stage: Stage) -> None:
    """And writes what the dead leader had read and not written, in the same epoch."""
    time, leader = Time(), lead(stage)
    standby = stand_by(stage, time)
    stage.ticks(20)
    stage.work(leader)
    stage.ticks(20)

    assert time.wait_for(standby)
    successor = take_over(stage, standby)
    stage.work(successor)

    assert len(stage.epoch_marks()) == 1
    stage.ticks(1)
    with pytest.raises(StreamsError):
        stage.work(leader)
    with pytest.raises(Fenced):
        stage.log.keep_lead(0, token=1)


def test_a_busy_leader_is_not_taken_for_dead(stage: Stage) -> None:
    """Its beat is apart from its commits: it goes on while the loop works on one thing."""
    time, leader = Time(), lead(stage)
    stage.work(leader)
    beat = Beat(lambda: stage.server.log("arbiter"), shard=0, token=leader._token, clock=time.clock)
    standby = stand_by(stage, time)
    for _ in range(40):
        assert beat.step()
        assert not time.wait_for(standby, looks=1)
    # A loop that does not come round for a second is dead for its clients.
    time.now_ns += STUCK_NS
    beat.step()
    assert time.wait_for(standby)


def test_a_beat_whose_connection_is_lost_is_counted_and_raised_on_a_new_one(stage: Stage) -> None:
    """A server that is away may hide behind an office that is kept: it shows in the heartbeat."""
    leader, opened = lead(stage), list[int]()

    def open_log() -> Log:
        opened.append(1)
        if len(opened) == 2:
            raise NotReady("unreachable", "nobody there")
        return stage.server.log("arbiter")

    beat = Beat(open_log, shard=0, token=leader._token)
    assert beat.step()
    assert beat.counters() == {"beats_lost": 0}
    beat.close()  # as after an error of the connection
    assert beat.step()
    assert beat.counters() == {"beats_lost": 1}
    raised = stage.log.leadership(0).beat
    assert beat.step()
    assert (beat.counters(), len(opened)) == ({"beats_lost": 1}, 3)
    assert stage.log.leadership(0).beat != raised


def test_the_beat_of_a_replaced_leader_ends_its_loop(stage: Stage) -> None:
    """The next round raises what the beat was told."""
    leader = lead(stage)
    beat = Beat(lambda: stage.server.log("arbiter"), shard=0, token=leader._token)
    beat.round()
    lead(stage)
    assert not beat.step()
    with pytest.raises(Fenced):
        beat.round()


def test_a_leader_that_goes_is_replaced_at_once() -> None:
    """Stopped on purpose it resigns: nobody waits for its beat."""
    stage, time = Stage(), Time()
    leader = stage.lead()
    stage.open_market()
    standby = stand_by(stage, time)
    stage.work(leader)
    assert time.wait_for(standby, looks=1)


def test_a_standby_that_computes_something_else_says_so_and_reloads(stage: Stage) -> None:
    """Twice, and it never takes over."""
    time, leader, found = Time(), lead(stage), list[Mismatch]()
    standby = stand_by(stage, time, found)
    for strike in range(1, STRIKES + 1):
        standby.state.digest ^= 1
        stage.ticks(5)
        stage.work(leader)
        standby.step()
        assert len(found) == strike
    standby.step()

    assert [each.eligible for each in found] == [True, False]
    assert found[0].leader != found[0].own
    assert len(found) == STRIKES
    assert not time.wait_for(standby)


def test_a_reload_mends_the_state(stage: Stage) -> None:
    """One mismatch is forgiven: what it takes over with is the log's."""
    time, leader = Time(), lead(stage)
    standby = stand_by(stage, time)
    standby.state.n += 7
    stage.ticks(5)
    stage.work(leader)
    standby.step()
    stage.ticks(5)
    stage.work(leader)

    assert time.wait_for(standby)
    stage.work(take_over(stage, standby))
    assert len(stage.epoch_marks()) == 1


def test_a_standby_overtaken_by_trimming_names_the_range_and_reloads() -> None:
    """It was slow, not wrong: it stays eligible, and has the leader's state again."""
    stage, time, found = Stage(), Time(), list[Mismatch]()
    leader = lead(stage)
    stage.work(leader)
    stage.open_market()
    standby = stand_by(stage, time, found)
    after = standby.cursor
    stage.ticks(30)
    stage.snap(leader)
    trimmed_to = stage.log.manifests(0)[0].raw
    assert stage.log.trim(0, token=leader._token, stream=RAW, min_id=trimmed_to)
    stage.ticks(5)
    stage.work(leader)

    standby.step()

    assert [(each.overtaken, each.eligible, each.after == after) for each in found] == [
        (True, True, True)
    ]
    standby.step()
    assert state_bytes(standby.state) == state_bytes(leader._state)


def test_whatever_the_log_does_to_it_is_an_error_of_the_log(stage: Stage) -> None:
    """A server that is another one ends the standby: a new one starts from the log."""
    time = Time()
    standby = stand_by(stage, time)
    stage.restart()
    with pytest.raises(UnknownOutcome):
        standby.step()
    again = stand_by(stage, time)
    assert time.wait_for(again, looks=1)
    stage.work(take_over(stage, again))


def test_a_cold_start_without_a_usable_state_still_opens_a_new_epoch() -> None:
    """What it was restored with is no proof that clients saw the same."""
    stage, time = Stage(), Time()
    leader = lead(stage)
    stage.work(leader)
    stage.open_market()
    stage.ticks(30)
    stage.work(leader)
    stage.log.trim(0, token=leader._token, stream=RAW, min_id=stage.log.positions(0).raw)
    standby = stand_by(stage, time)

    assert time.wait_for(standby)
    assert not standby.candidate().agrees
    stage.work(take_over(stage, standby))
    assert len(stage.epoch_marks()) == 2


def test_a_state_that_could_not_be_rebuilt_is_mended_by_the_next_snapshot() -> None:
    """Restored from clean it gives the right numbers, but not all that the leader remembers."""
    stage, time = Stage(), Time()
    leader = lead(stage)
    stage.work(leader)
    stage.open_market()
    stage.ticks(30)
    stage.work(leader)
    stage.log.trim(0, token=leader._token, stream=RAW, min_id=stage.log.positions(0).raw)
    standby = stand_by(stage, time)
    assert not standby.recovered.agrees
    stage.log.keep_lead(0, token=leader._token)
    standby.step()
    stage.ticks(5)
    stage.snap(leader)

    time.now_ns += 1_000 * MS
    standby.step()
    assert standby.recovered.agrees
    standby.step()
    assert state_bytes(standby.state) == state_bytes(leader._state)
