"""What every log promises: the in-memory twin, the real server and the cluster, by one suite."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from mdhub.streams.errors import (
    Fenced,
    NoLeader,
    PositionMoved,
    SequenceHole,
    Superseded,
    TopologyError,
)
from mdhub.streams.ids import clean_id, id_parts
from mdhub.streams.memory import MemoryServer
from mdhub.streams.open import open_log
from mdhub.streams.port import (
    FIRST_ID,
    TRIM_STEP,
    CleanBatch,
    LeadRequest,
    Log,
    Manifest,
    Positions,
)
from mdhub.streams.topology import CLEAN, EVENTS, LOGS, RAW, REJECTED
from tests.support.wait import until

Opener = Callable[[str], Log]


@pytest.fixture(params=["memory", "server", "cluster"])
def open_as(request: pytest.FixtureRequest, prefix: str) -> Iterator[Opener]:
    """Opens the log as a named service, on the twin, on the real server and on a cluster."""
    opened: list[Log] = []
    twin = MemoryServer() if request.param == "memory" else None
    url: str = "" if twin else request.getfixturevalue(f"{request.param}_url")

    def opening(service: str) -> Log:
        log: Log = twin.log(service) if twin else open_log(url, service=service, prefix=prefix)
        opened.append(log)
        return log

    yield opening
    for log in opened:
        log.close()


def take(log: Log, *, expected_token: int = 0, epoch: int = 5) -> int:
    at = log.positions(0)
    return log.take(0, LeadRequest(expected_token, at.clean, epoch, b"lead")).token


def append(log: Log, first_seq: int, *payloads: bytes, session: int = 1, lost: int = 0) -> int:
    kinds = ("c" if lost else "t") + "t" * (len(payloads) - 1)
    return log.raw_append(
        0, writer="A", session=session, first_seq=first_seq, kinds=kinds, payloads=payloads,
        lost=lost,
    )  # fmt: skip


def raw_payloads(log: Log) -> list[bytes]:
    return [fields[1] for _, fields in log.entries(RAW)]


def commit(log: Log, token: int, expected: bytes, raw: bytes, outputs: int = 1) -> None:
    clean = [(clean_id(raw, j), b"h", b"t", b"tick") for j in range(outputs)]
    at = Positions(raw=raw, n=outputs, log_ns=7, market_ns=8, digest="d")
    log.clean_append(0, CleanBatch(token, expected, at, clean, [(clean_id(raw, 0), b"h", b"r")]))


def test_nothing_is_appended_before_a_leader_took_the_server(open_as: Opener) -> None:
    """A new server incarnation refuses ticks until its `lead` entry is there."""
    with pytest.raises(NoLeader):
        append(open_as("ingest"), 1, b"a")


def test_the_first_raw_entry_is_lead(open_as: Opener) -> None:
    """Taking leadership appends the `lead` entry in the same step."""
    log = open_as("arbiter")

    token = take(log)

    assert (token, raw_payloads(log)) == (1, [b"lead"])
    assert log.leadership(0).incarnation == log.incarnation()
    assert log.leadership(0).lead_id == log.entries(RAW)[0][0]


def test_a_resend_is_harmless(open_as: Opener) -> None:
    """What the log already has of a session is skipped."""
    take(open_as("arbiter"))
    log = open_as("ingest")

    append(log, 1, b"a", b"b")
    newest = append(log, 1, b"a", b"b", b"c")

    assert newest == 3
    assert raw_payloads(log) == [b"lead", b"a", b"b", b"c"]
    assert log.writer_position(0, "A").seq == 3


def test_a_hole_in_seq_is_refused_and_writes_nothing(open_as: Opener) -> None:
    """A writer cannot skip numbers silently."""
    take(open_as("arbiter"))
    log = open_as("ingest")
    append(log, 1, b"a")

    with pytest.raises(SequenceHole):
        append(log, 3, b"c")

    assert raw_payloads(log) == [b"lead", b"a"]


def test_a_hole_is_taken_with_a_lost_entry(open_as: Opener) -> None:
    """A `lost` entry stands for the numbers it names."""
    take(open_as("arbiter"))
    log = open_as("ingest")
    append(log, 1, b"a")

    newest = append(log, 2, b"lost 2-5", b"f", lost=4)

    assert newest == 6
    assert raw_payloads(log)[-2:] == [b"lost 2-5", b"f"]


def test_a_lost_range_that_overlaps_the_log_is_refused(open_as: Opener) -> None:
    """A writer may not declare lost what the log has."""
    take(open_as("arbiter"))
    log = open_as("ingest")
    append(log, 1, b"a", b"b")

    with pytest.raises(SequenceHole):
        append(log, 2, b"lost 2-5", lost=4)


def test_a_leftover_process_is_superseded(open_as: Opener) -> None:
    """Once a newer session of a source wrote, the older one is refused."""
    take(open_as("arbiter"))
    log = open_as("ingest")
    append(log, 1, b"new", session=9)

    with pytest.raises(Superseded):
        append(log, 1, b"old", session=8)


def test_a_new_session_counts_from_one(open_as: Opener) -> None:
    """Seq restarts with the session."""
    take(open_as("arbiter"))
    log = open_as("ingest")
    append(log, 1, b"a", b"b", session=1)

    assert append(log, 1, b"c", session=2) == 1


def test_leadership_goes_to_one_candidate_only(open_as: Opener) -> None:
    """Compare-and-set: of two candidates that saw the same token one is fenced."""
    first, second = open_as("arbiter"), open_as("arbiter")
    take(first)

    with pytest.raises(Fenced):
        take(second, expected_token=0)


def test_a_fenced_leader_writes_nothing(open_as: Opener) -> None:
    """After another took over, neither outputs nor clock entries of the old leader land."""
    old = open_as("arbiter")
    old_token = take(old)
    raw = old.entries(RAW)[-1][0]
    take(open_as("arbiter"), expected_token=old_token)

    with pytest.raises(Fenced):
        commit(old, old_token, FIRST_ID, raw)
    with pytest.raises(Superseded):
        old.raw_append(
            0, writer="arbiter", session=old_token, first_seq=2, kinds="c", payloads=[b"clock"]
        )

    assert old.entries(CLEAN) == []
    assert old.positions(0) == Positions()


def test_a_take_over_sees_the_last_commit_of_the_old_leader(open_as: Opener) -> None:
    """A candidate that looked before the old leader's last commit must look again."""
    old = open_as("arbiter")
    token = take(old)
    commit(old, token, FIRST_ID, old.entries(RAW)[-1][0])

    with pytest.raises(PositionMoved):
        open_as("arbiter").take(0, LeadRequest(token, FIRST_ID, 5, b"lead"))


def test_outputs_and_position_land_together(open_as: Opener) -> None:
    """One commit writes clean, rejected and the new position."""
    log = open_as("arbiter")
    token = take(log)
    raw = log.entries(RAW)[-1][0]

    commit(log, token, FIRST_ID, raw, outputs=3)

    at = log.positions(0)
    assert (at.raw, at.clean, at.n, at.digest) == (raw, clean_id(raw, 2), 3, "d")
    assert [e[0] for e in log.entries(CLEAN)] == [clean_id(raw, j) for j in range(3)]
    assert [e[1] for e in log.entries(REJECTED)] == [[b"h", b"h", b"t", b"r"]]
    assert log.leadership(0).beat == 1


def test_a_beat_shows_life_and_is_fenced(open_as: Opener) -> None:
    """The leader's beat moves without a commit; who lost the lead cannot raise it."""
    old = open_as("arbiter")
    with pytest.raises(NoLeader):
        old.keep_lead(0, token=1)
    old_token = take(old)

    assert [old.keep_lead(0, token=old_token) for _ in range(2)] == [1, 2]
    assert old.watch(0) == (old.leadership(0), old.positions(0))

    take(open_as("arbiter"), expected_token=old_token)
    with pytest.raises(Fenced):
        old.keep_lead(0, token=old_token)


def test_a_leader_that_resigns_is_known_to_be_gone(open_as: Opener) -> None:
    """Its office is free at once; the next take-over fills it again."""
    old = open_as("arbiter")
    token = take(old)
    assert not old.leadership(0).resigned

    old.resign(0, token=token)

    assert old.leadership(0).resigned
    take(open_as("arbiter"), expected_token=token)
    assert not old.leadership(0).resigned
    with pytest.raises(Fenced):
        old.resign(0, token=token)


def test_a_commit_without_outputs_moves_the_position(open_as: Opener) -> None:
    """Zero outputs are a commit too: it is the leader's beat."""
    log = open_as("arbiter")
    token = take(log)
    raw = log.entries(RAW)[-1][0]

    log.clean_append(0, CleanBatch(token, FIRST_ID, Positions(raw=raw)))

    assert log.positions(0).raw == raw


def test_a_repeated_commit_is_refused(open_as: Opener) -> None:
    """A commit whose reply was lost cannot be written twice."""
    log = open_as("arbiter")
    token = take(log)
    raw = log.entries(RAW)[-1][0]
    commit(log, token, FIRST_ID, raw)

    with pytest.raises(PositionMoved):
        commit(log, token, FIRST_ID, raw)

    assert len(log.entries(CLEAN)) == 1


def test_a_tail_gives_each_entry_once_and_in_order(open_as: Opener) -> None:
    """A cursor reader sees what is there, then what comes."""
    take(open_as("arbiter"))
    log = open_as("ingest")
    append(log, 1, b"a", b"b", b"c")
    tail = log.tail(RAW, after=FIRST_ID)

    first = tail.read(block_ms=0, count=2)
    rest = tail.read(block_ms=0, count=10)
    nothing = tail.read(block_ms=1, count=10)
    append(log, 4, b"d")
    last = tail.read(block_ms=1000, count=10)
    tail.close()

    got = [fields[1] for _, fields in first + rest + nothing + last]
    assert got == [b"lead", b"a", b"b", b"c", b"d"]
    assert nothing == []


def test_snapshots_count_only_when_committed_and_two_are_kept(open_as: Opener) -> None:
    """Chunks first, then a fenced manifest; older snapshots go with their chunks."""
    log = open_as("arbiter")
    token = take(log)
    manifests = [Manifest(b"%d-0" % i, i, "d", 1, 1, 0) for i in (1, 2, 3)]

    for manifest in manifests:
        for part in manifest.parts():
            log.save_chunk(0, snapshot=manifest.raw, part=part, data=b"data")
        log.commit_snapshot(0, token=token, manifest=manifest)

    assert log.manifests(0) == [manifests[2], manifests[1]]
    assert log.load_chunk(0, snapshot=b"3-0", part="state-0") == b"data"
    assert log.load_chunk(0, snapshot=b"1-0", part="state-0") is None
    with pytest.raises(Fenced):
        log.commit_snapshot(0, token=token + 1, manifest=manifests[0])


def test_trimming_is_fenced(open_as: Opener) -> None:
    """Only the leader may drop old entries."""
    log = open_as("arbiter")
    token = take(log)

    with pytest.raises(Fenced):
        log.trim(0, token=token + 1, stream=RAW, min_id=b"9-0")


def test_a_command_gets_one_result(open_as: Opener) -> None:
    """The second answer to a command is refused, so each has exactly one result event."""
    log = open_as("arbiter")

    answers = [log.command_done("id1", b"event"), log.command_done("id1", b"event")]

    assert answers == [True, False]
    assert len(log.entries(EVENTS)) == 1


def test_services_cannot_write_to_streams_of_others(open_as: Opener) -> None:
    """The topology table is enforced, not only described."""
    with pytest.raises(TopologyError):
        append(open_as("publisher"), 1, b"a")
    with pytest.raises(TopologyError):
        commit(open_as("ingest"), 1, FIRST_ID, b"1-0")


def test_readers_register_their_cursors(open_as: Opener) -> None:
    """Soft cursors of retention are kept per reader."""
    log = open_as("publisher")

    log.set_cursor(0, CLEAN, reader="publisher:A", cursor=b"5-0")
    log.set_cursor(0, RAW, reader="publisher:A", cursor=b"7-0")
    found = log.cursors(0, CLEAN)["publisher:A"]

    assert found.cursor == b"5-0"
    assert 0 <= found.age_ms < 5_000
    assert log.cursors(0, RAW)["publisher:A"].cursor == b"7-0"
    log.drop_cursor(0, CLEAN, reader="publisher:A")
    assert (log.cursors(0, CLEAN), len(log.cursors(0, RAW))) == ({}, 1)


def test_the_first_number_of_shards_stays_in_force(open_as: Opener) -> None:
    """Whoever comes with another one learns what the log was made for."""
    log = open_as("arbiter")

    assert [log.claim_shards(2), log.claim_shards(3), open_as("cli").claim_shards(1)] == [2, 2, 2]


def test_trimming_goes_in_steps(open_as: Opener) -> None:
    """One call drops a bounded number of entries; 0 says that there is nothing left."""
    log = open_as("arbiter")
    token = take(log)
    writer = open_as("ingest")
    for first in range(1, 50_001, 5_000):
        append(writer, first, *([b"x"] * 5_000))
    newest = log.entries(RAW, count=1, newest_first=True)[0][0]

    went: list[int] = []
    while not went or went[-1]:
        went.append(log.trim(0, token=token, stream=RAW, min_id=newest))

    assert max(went) <= TRIM_STEP
    assert len(went) in {4, 5}
    assert log.length(RAW) <= 200


def test_what_is_old_in_events_commands_and_logs_can_be_dropped(open_as: Opener) -> None:
    """By id, whoever asks; the log itself is trimmed by its leader only."""
    log = open_as("arbiter")
    for _ in range(500):
        log.append(EVENTS, b"old")
    newest = log.append(EVENTS, b"new")

    went = log.drop_old(EVENTS, min_id=newest)

    assert went >= 400 and log.length(EVENTS) == 501 - went
    assert log.entries(EVENTS)[-1][1][1] == b"new"
    assert log.drop_old(LOGS, min_id=newest) == 0
    with pytest.raises(TopologyError, match="leader"):
        log.drop_old(RAW, min_id=newest)


def test_a_stream_has_a_length_per_shard(open_as: Opener) -> None:
    """Entries are counted; a stream that nobody wrote has none."""
    take(open_as("arbiter"))
    log = open_as("ingest")
    append(log, 1, b"a", b"b")

    assert (log.length(RAW), log.length(RAW, shard=1), log.length(CLEAN)) == (3, 0, 0)


def test_a_stream_says_how_much_of_it_is_gone(open_as: Opener) -> None:
    """A verifier tells what was trimmed from what was never written."""
    log = open_as("arbiter")
    take(log)
    append(open_as("ingest"), 1, *[b"x"] * 299)
    before = log.trimmed(RAW)
    newest = log.entries(RAW, count=1, newest_first=True)[0][0]

    went = log.trim(0, token=1, stream=RAW, min_id=newest)

    assert (before, log.trimmed(RAW), log.trimmed(CLEAN)) == (0, went, 0)
    assert went > 0


def test_the_server_tells_its_clock_and_memory(open_as: Opener) -> None:
    """Status reads ages by the clock that makes stream ids."""
    log = open_as("arbiter")
    take(log)

    facts = log.server_facts()

    newest_ms = id_parts(log.entries(RAW)[-1][0])[0]
    assert 0 <= facts.now_ms - newest_ms < 5_000
    assert facts.used_bytes > 0 and facts.limit_bytes >= 0 and facts.version


def test_positions_are_asked_without_waiting(open_as: Opener) -> None:
    """The answer comes in its own time, in order, whatever is called in between."""
    arbiter = open_as("arbiter")
    take(arbiter)
    log = open_as("publisher")

    found: list[list[Positions]] = []
    log.ask_positions([0, 1])
    assert log.positions(0) == arbiter.positions(0)

    def answered() -> bool:
        taken = log.take_positions()
        found.extend([taken] if taken is not None else [])
        return bool(found)

    until(answered, "the positions")

    assert found == [[arbiter.positions(0), arbiter.positions(1)]]


def test_contracts_are_cached(open_as: Opener) -> None:
    """Rows by symbol, the newest counts; age counts from the last time, whatever was new."""
    log = open_as("arbiter")
    assert (log.contracts().rows, log.contracts().age_ms > 1_000_000_000_000) == ({}, True)

    log.save_contracts({f"x{i}": b"%d" % i for i in range(1_200)})
    log.save_contracts({"x1": b"new"}, gone=[f"x{i}" for i in range(2, 1_200)])

    cached = open_as("ingest").contracts()
    assert cached.rows == {"x0": b"0", "x1": b"new"}
    assert 0 <= cached.age_ms < 60_000


def test_without_replicas_nothing_is_confirmed(open_as: Opener) -> None:
    """The answer is 0 after the time allowed, again and again; nobody waits for it."""
    log = open_as("publisher")
    confirmer = log.confirmer(0, reader="publisher:A")
    answers: list[int] = []

    def answered() -> bool:
        replicas = confirmer.take()
        if replicas is not None:
            answers.append(replicas)
        confirmer.ask(wait_ms=10)
        return len(answers) == 3

    try:
        until(answered, "three answers")
        assert answers == [0, 0, 0]
        assert log.patience_s > 0
    finally:
        confirmer.close()


def test_the_newest_health_report_is_kept(open_as: Opener) -> None:
    """One report, whoever asks; before the first one there is none."""
    assert open_as("cli").health() is None

    log = open_as("monitor")
    log.save_health(b"one")
    log.save_health(b"two\x00\xff")

    assert open_as("cli").health() == b"two\x00\xff"


def test_the_newest_document_of_a_name_is_kept(open_as: Opener) -> None:
    """Each name for itself."""
    log = open_as("monitor")
    log.save_note("alerts", b"one")
    log.save_note("alerts", b"two")

    assert open_as("cli").note("alerts") == b"two"
    assert open_as("cli").note("habits") is None
