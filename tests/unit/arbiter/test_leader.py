"""Leaders come and go at any point; the clean log does not show it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest

from mdhub.runtime.heartbeat import ENDED, decode_beat
from mdhub.streams.errors import Fenced, NoLeader, StreamsError, UnknownOutcome
from mdhub.streams.ids import raw_id_of
from mdhub.streams.port import FIRST_ID
from mdhub.streams.topology import CLEAN, RAW, REJECTED
from mdhub_arbiter.candidate import take_leadership
from mdhub_arbiter.recovery import recover
from tests.support.recompute import assert_clean_is_f_of_raw
from tests.unit.arbiter.builders import state_bytes
from tests.unit.arbiter.stage import Stage


@pytest.fixture(autouse=True)
def fast_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaders write a clock entry every ms, so that nothing here waits for one."""
    monkeypatch.setattr("mdhub_arbiter.leader.CLOCK_EVERY_S", 0.001)


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage()
    leader = stage.lead()
    stage.open_market()
    stage.ticks(30)
    stage.work(leader)
    yield stage
    if stage.log.positions(0).raw != FIRST_ID:
        assert_clean_is_f_of_raw(stage.log)
        stage.assert_numbers_run_on()


def test_a_leader_writes_what_decide_says(stage: Stage) -> None:
    """Clean and rejected are f(raw), and both hold something."""
    assert len(stage.headers()) > 20
    assert stage.log.entries(REJECTED)


def test_a_leader_that_is_stopped_says_that_it_ended(stage: Stage) -> None:
    """One that loses the log or its office does not: its successor, or nobody, speaks next."""
    assert decode_beat(stage.log.beats()["arbiter:A"]).state == ENDED
    stage.log.beat("arbiter:A", b"")
    leader = stage.lead()
    stage.lead()
    with pytest.raises(Fenced):
        stage.work(leader)
    assert stage.log.beats()["arbiter:A"] == b""


def test_the_position_moves_without_ticks(stage: Stage) -> None:
    """Clock entries alone are committed too: a quiet market is told from a dead arbiter."""
    before, ticks = stage.log.positions(0), stage.ticks_in_clean()
    leader = stage.lead()
    stage.work(leader)
    after = stage.log.positions(0)

    assert after.log_ns > before.log_ns
    assert stage.ticks_in_clean() == ticks


def test_duplicates_alone_are_not_committed(stage: Stage) -> None:
    """Nobody waits for them; the next commit takes them along, at the latest that of a snapshot."""
    leader = stage.lead()
    tail = stage.log.tail(RAW, after=stage.log.positions(0).raw)
    assert leader.step(tail, block_ms=0)
    clean = stage.log.entries(CLEAN, count=1_000)
    newest = raw_id_of([entry_id for entry_id, fields in clean if fields[2] == b"t"][-1])
    payload = stage.log.entries(RAW, first=newest, count=1)[0][1][1]
    before = stage.log.leadership(0).beat, stage.log.positions(0)
    folded = leader._state.sources["A"].duplicate + leader._state.sources["B"].duplicate

    stage.copy(payload)
    assert leader.step(tail, block_ms=0)
    tail.close()

    counts = leader._state.sources
    assert counts["A"].duplicate + counts["B"].duplicate == folded + 1
    assert (stage.log.leadership(0).beat, stage.log.positions(0)) == before
    leader._due.snapshot_s = 0.0
    leader._every_clock()
    leader._snapshotter.step()
    assert stage.log.positions(0).raw == leader._folded != before[1].raw


def test_leaders_that_die_soon_leave_snapshots(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who had much to fold at start-up takes a snapshot soon; otherwise each had more to fold."""
    calm = stage.lead()
    monkeypatch.setattr("mdhub_arbiter.leader.MANY_FOLDED", 5)
    hurried = stage.lead()

    assert calm._due.snapshot_s - hurried._due.snapshot_s > 9


@pytest.mark.parametrize("executed", [False, True], ids=["refused", "reply lost"])
@pytest.mark.parametrize("seed", range(4))
def test_leaders_may_die_anywhere(seed: int, executed: bool) -> None:  # noqa: FBT001 - a parameter
    """Whatever call a leader dies in, its successor goes on without a hole or a repeat."""
    stage = Stage(seed)
    stage.work(stage.lead())
    stage.open_market()
    died = 0
    for _ in range(25):
        stage.ticks(8)
        try:
            stage.faults.fail(nth=stage.random.randint(1, 30), executed=executed)
            leader = stage.lead()
            stage.snap(leader)
            stage.work(leader)
        except UnknownOutcome:
            died += 1
    stage.faults.fail(nth=10**9)
    stage.work(stage.lead())

    assert died > 10
    assert_clean_is_f_of_raw(stage.log)
    stage.assert_numbers_run_on()
    assert len(stage.epoch_marks()) == 1


def test_a_leader_that_was_replaced_stops(stage: Stage) -> None:
    """The fence token of a successor ends the old leader's writing at once."""
    old = stage.lead()
    new = stage.lead()
    stage.ticks(5)
    with pytest.raises(Fenced):
        stage.work(old)
    stage.work(new)


def test_only_one_of_two_candidates_takes_over(stage: Stage) -> None:
    """Both saw the same vacancy; the second compare-and-set fails."""
    log = stage.log
    seen, at = log.leadership(0), log.positions(0)
    taken = [
        take_leadership(stage.log, 0, seen=seen, at=at, wall_ns=1, cut=False) for _ in range(2)
    ]
    assert taken[0] is not None
    assert taken[1] is None


def test_a_leader_that_still_writes_is_not_replaced(stage: Stage) -> None:
    """A candidate whose view of clean is behind does not take over."""
    log = stage.log
    at = replace(log.positions(0), clean=FIRST_ID)
    seen = log.leadership(0)
    assert take_leadership(log, 0, seen=seen, at=at, wall_ns=1, cut=False) is None


def test_a_restarted_durable_server_keeps_the_epoch(stage: Stage) -> None:
    """Nothing was lost: same epoch, but a marker tells publishers that the server is another."""
    before = stage.log.positions(0)
    epoch = stage.log.leadership(0).epoch
    stage.restart()
    with pytest.raises(NoLeader):
        stage.ticks(1)
    leader = stage.lead(durable=True)
    stage.work(leader)
    n, mark = stage.epoch_marks()[-1]

    assert (n, mark.resume_after_n) == (before.n + 1, before.n)
    assert (mark.epoch, mark.incarnation) == (epoch, stage.server.incarnation)


@pytest.mark.parametrize("snapshot", ["none", "before", "after"])
def test_a_server_that_was_cut_back_opens_a_new_epoch(stage: Stage, snapshot: str) -> None:
    """What was withdrawn is said: everything behind `resume_after_n` of the new epoch."""
    leader = stage.lead()
    if snapshot == "before":
        stage.snap(leader)
    stage.work(leader)
    remembered, before = stage.remember(), stage.log.positions(0)
    stage.ticks(20)
    stage.work(leader)
    if snapshot == "after":
        stage.snap(leader)
    withdrawn = stage.log.positions(0).n
    stage.restart(remembered)
    stage.work(stage.lead(durable=False))
    (_, first), (n, mark) = stage.epoch_marks()

    assert withdrawn > before.n
    assert (n, mark.resume_after_n) == (before.n + 1, before.n)
    assert mark.epoch > first.epoch


def test_a_leader_notices_that_the_server_is_another(stage: Stage) -> None:
    """A connection to a server that is gone has an unknown outcome; the leader starts over."""
    leader = stage.lead()
    stage.restart()
    with pytest.raises(UnknownOutcome):
        stage.work(leader)


def snapshots(stage: Stage) -> bytes:
    """Leave two snapshots and some ticks behind them; return the state that must be found."""
    leader = stage.lead()
    for _ in range(2):
        stage.ticks(5)
        stage.work(leader)
        stage.snap(leader)
    stage.ticks(5)
    stage.work(leader)
    return b"".join(sorted(state_bytes(recover(stage.log, 0).state)))


@pytest.mark.parametrize("corrupt", [b"", b"\xc1", b"\x90", b"\x91\xc4\x01\xff", None])
@pytest.mark.parametrize("broken", [0, 1, 2])
def test_recovery_takes_the_newest_snapshot_that_can_be_read(
    stage: Stage, broken: int, corrupt: bytes | None
) -> None:
    """Broken snapshots are passed over, down to the beginning of the log."""
    expected = snapshots(stage)
    manifests = stage.log.manifests(0)
    chunks = stage.server.shards[0].chunks
    for manifest in manifests[:broken]:
        chunks[manifest.raw, "state-0"] = corrupt or b""
        if corrupt is None:
            del chunks[manifest.raw, "state-1"]
    recovered = recover(stage.log, 0)

    assert recovered.from_snapshot == [*(m.raw for m in manifests), FIRST_ID][broken]
    assert recovered.damaged == tuple(m.raw for m in manifests[:broken])
    assert recovered.agrees
    assert b"".join(sorted(state_bytes(recovered.state))) == expected


@pytest.mark.parametrize("seed", range(5))
def test_no_damage_to_a_snapshot_makes_recovery_fail(stage: Stage, seed: int) -> None:
    """Whatever a chunk holds: it is used, or passed over and named; numbers go on from the log."""
    snapshots(stage)
    random, chunks = Random(seed), stage.server.shards[0].chunks
    whole = dict(chunks)
    for _ in range(60):
        chunks.update(whole)
        part = random.choice(list(whole))
        damaged = bytearray(whole[part])
        for _ in range(random.randrange(1, 4)):
            damaged[random.randrange(len(damaged))] = random.randrange(256)
        chunks[part] = bytes(damaged[: random.choice([len(damaged), len(damaged) // 2])])
        recovered = recover(stage.log, 0)
        assert recovered.state.n == recovered.at.n, f"seed {seed}"


def test_a_snapshot_of_another_version_is_passed_over(stage: Stage) -> None:
    """State written by another version of the arbiter is recomputed, not guessed at."""
    snapshots(stage)
    newest, older = stage.log.manifests(0)
    chunks = stage.server.shards[0].chunks
    # [[bytes of scalars]]: the version is the first element of the scalars.
    data = chunks[newest.raw, "state-0"]
    at = data.index(b"\xdc\x00\x12\x03\x97")
    chunks[newest.raw, "state-0"] = data[: at + 3] + b"\x04" + data[at + 4 :]

    assert recover(stage.log, 0).from_snapshot == older.raw


def test_a_snapshot_beyond_the_committed_position_is_passed_over(stage: Stage) -> None:
    """After a cut the log may hold a manifest of what it no longer has."""
    snapshots(stage)
    at = stage.log.positions(0)
    ms, _, seq = at.raw.partition(b"-")
    ahead = replace(stage.log.manifests(0)[0], raw=b"%b-%d" % (ms, int(seq) + 1))
    stage.server.shards[0].manifests.insert(0, ahead)

    assert recover(stage.log, 0).from_snapshot == stage.log.manifests(0)[1].raw


def test_recovery_says_when_it_disagrees_with_the_log() -> None:
    """Without snapshot and with raw trimmed the digest differs; numbers go on from the log."""
    stage = Stage()
    leader = stage.lead()
    stage.open_market()
    stage.ticks(30)
    stage.work(leader)
    at = stage.log.positions(0)
    entries = stage.log.entries(RAW)
    stage.log.trim(0, token=1, stream=RAW, min_id=entries[20][0])
    recovered = recover(stage.log, 0)

    assert not recovered.agrees
    assert recovered.state.n == at.n
    stage.ticks(5)
    stage.work(stage.lead())
    assert [n for n, *_ in stage.headers()] == list(range(1, len(stage.headers()) + 1))


def test_a_leader_reports_what_it_did(stage: Stage) -> None:
    """The heartbeat carries the counters of every source and reason."""
    leader = stage.lead()
    stage.work(leader)
    assert b"accepted:A" in stage.server.beats["arbiter:A"]
    assert b"reason:negative_volume" in stage.server.beats["arbiter:A"]
    counters = decode_beat(stage.server.beats["arbiter:A"]).counters
    assert counters["commits"] > 0
    assert counters.keys() >= {"lag_ms", "snapshots", "snapshot_age_ms"}


def test_a_failed_leader_leaves_nothing_half_done(stage: Stage) -> None:
    """A commit that was refused has written neither outputs nor position."""
    leader = stage.lead()
    stage.ticks(10)
    before = (stage.log.positions(0), len(stage.log.entries(CLEAN)))
    stage.faults.fail(name="clean_append")
    with pytest.raises(StreamsError):
        stage.work(leader)
    assert (stage.log.positions(0), len(stage.log.entries(CLEAN))) == before
    stage.work(stage.lead())


def test_a_new_epoch_is_later_than_the_server_clock(stage: Stage) -> None:
    """The epoch that was cut off may have been announced, and this host's clock be behind."""
    log = stage.log
    seen, at = log.leadership(0), log.positions(0)
    taken = take_leadership(log, 0, seen=seen, at=at, wall_ns=1, cut=True)
    assert taken is not None
    assert taken.epoch >= log.server_facts().now_ms - 60_000


def test_two_histories_of_a_log_never_have_the_same_epoch(stage: Stage) -> None:
    """A power cut lost the entry of an announced epoch; the clock stands before both of them."""
    log = stage.log
    at = log.positions(0)
    seen = replace(log.leadership(0), epoch=log.server_facts().now_ms + 1_000_000)
    stage.server.shard(0).leader = seen
    taken = take_leadership(log, 0, seen=seen, at=at, wall_ns=1, cut=True)
    stage.server.shard(0).leader = seen
    stage.restart()
    again = take_leadership(stage.log, 0, seen=seen, at=at, wall_ns=1, cut=True)
    assert taken is not None
    assert again is not None
    assert seen.epoch < taken.epoch != again.epoch > seen.epoch
