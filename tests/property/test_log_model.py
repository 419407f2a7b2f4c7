"""The promises of the log as a few lines of plain Python, in lock-step with what keeps them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from mdhub.streams.errors import (
    Fenced,
    NoLeader,
    PositionMoved,
    SequenceHole,
    StreamsError,
    Superseded,
    UnknownOutcome,
)
from mdhub.streams.ids import clean_id, id_less, id_parts, make_id
from mdhub.streams.memory import MemoryServer
from mdhub.streams.open import open_log
from mdhub.streams.port import CleanBatch, Entry, LeadRequest, Log, Positions, WriterPosition
from mdhub.streams.topology import CLEAN, RAW, REJECTED

Opener = Callable[[str], Log]
Span = tuple[int, int]

WRITERS = ("A", "B")
NEAR_2_53 = 2**37
"""Raw seq from which on ids of outputs need more than the 53 bits of a Lua number."""

wrong = st.sampled_from([0, 0, 0, 0, 0, 0, -1, 1])


class Model:
    """What the log holds, and what it refuses."""

    def __init__(self) -> None:
        self.led = False
        self.token = self.epoch = self.beat = 0
        self.lead_index = 0
        self.at = Positions()
        self.rejected_at = b"0-0"
        self.writers: dict[str, WriterPosition] = {}
        self.raw: list[list[bytes]] = []
        self.clean: list[Entry] = []
        self.rejected: list[Entry] = []

    def raw_append(self, writer: str, session: int, items: list[tuple[Span, bytes, bytes]]) -> int:
        """Each item stands for a span of seq; whole spans land once, without a hole."""
        if not self.led:
            raise NoLeader
        at = self.writers.get(writer, WriterPosition())
        if session < at.session:
            raise Superseded
        have = at.seq if session == at.session else 0
        if items[0][0][0] > have + 1 or any(a <= have < b for (a, b), _, _ in items):
            raise SequenceHole
        new = [(span, [kind, payload]) for span, kind, payload in items if span[0] > have]
        self.raw += [fields for _, fields in new]
        newest = new[-1][0][1] if new else have
        self.writers[writer] = WriterPosition(session, newest)
        return newest

    def take(self, request: LeadRequest) -> int:
        if request.expected_token != self.token:
            raise Fenced
        if request.expected_clean != self.at.clean or request.epoch < self.epoch:
            raise PositionMoved
        if not self.led:
            self.lead_index = len(self.raw)
        self.led = True
        self.token += 1
        self.epoch = request.epoch
        self.raw.append([b"c", request.entry])
        self.writers["arbiter"] = WriterPosition(self.token, 1)
        return self.token

    def clean_append(self, batch: CleanBatch) -> None:
        if not self.led:
            raise NoLeader
        if batch.token != self.token:
            raise Fenced
        if batch.expected_raw != self.at.raw or id_less(batch.position.raw, self.at.raw):
            raise PositionMoved
        clean_ids = [self.at.clean, *(out[0] for out in batch.clean)]
        rejected_ids = [self.rejected_at, *(out[0] for out in batch.rejected)]
        if not (_ascending(clean_ids) and _ascending(rejected_ids)):
            raise PositionMoved
        self.clean += [(i, [b"h", head, name, data]) for i, head, name, data in batch.clean]
        self.rejected += [(i, [b"h", head, b"t", data]) for i, head, data in batch.rejected]
        self.at = replace(batch.position, clean=clean_ids[-1])
        self.rejected_at = rejected_ids[-1]
        self.beat += 1


def _ascending(ids: list[bytes]) -> bool:
    parts = [id_parts(entry_id) for entry_id in ids]
    return parts == sorted(set(parts))


class LogMachine(RuleBasedStateMachine):
    """Does the same to the model and to a log, and compares everything after each step."""

    def __init__(self, opener: Opener) -> None:
        super().__init__()
        self.model = Model()
        self.open(opener)
        self.payloads = 0

    def open(self, opener: Opener) -> None:
        self.ingest, self.arbiter = opener("ingest"), opener("arbiter")

    def teardown(self) -> None:
        self.ingest.close()
        self.arbiter.close()

    def payload(self) -> bytes:
        self.payloads += 1
        return b"payload %d" % self.payloads

    @rule(
        writer=st.sampled_from(WRITERS), newer=wrong, offset=st.integers(-4, 2),
        count=st.integers(1, 4), lost=st.sampled_from([0, 0, 0, 1, 3]),
    )  # fmt: skip
    def append(self, writer: str, newer: int, offset: int, count: int, lost: int) -> None:
        """New ticks, resends, holes, lost ranges, new and leftover sessions."""
        at = self.model.writers.get(writer, WriterPosition(session=1))
        session = max(0, at.session + newer)
        first = max(1, (at.seq if not newer else 0) + 1 + offset)
        kinds = ("c" if lost else "t") + "t" * (count - 1)
        payloads = [self.payload() for _ in range(count)]
        width = max(lost, 1)
        spans = [(first, first + width - 1)]
        spans += [(first + width + i, first + width + i) for i in range(count - 1)]
        items = [
            (span, kind.encode(), payload)
            for span, kind, payload in zip(spans, kinds, payloads, strict=True)
        ]
        compare(
            lambda: self.model.raw_append(writer, session, items),
            lambda: self.ingest.raw_append(
                0, writer=writer, session=session, first_seq=first, kinds=kinds,
                payloads=payloads, lost=lost,
            ),
        )  # fmt: skip

    @rule(token=wrong, epoch=st.sampled_from([0, 0, 1, -1]), stale=st.sampled_from([0, 0, 1]))
    def take(self, token: int, epoch: int, stale: int) -> None:
        """Candidates that saw the present, and ones that saw something else."""
        seen = b"1-1" if stale else self.model.at.clean
        request = LeadRequest(
            max(0, self.model.token + token), seen, max(0, self.model.epoch + epoch),
            self.payload(),
        )  # fmt: skip
        compare(lambda: self.model.take(request), lambda: self.arbiter.take(0, request).token)

    @precondition(lambda self: self.model.led)
    @rule(
        token=wrong, ahead=st.sampled_from([0, 1, 1, 1, NEAR_2_53, -1]), stale=wrong,
        outputs=st.lists(st.integers(0, 3), max_size=3),
        refused=st.lists(st.integers(0, 3), max_size=2),
        in_order=st.sampled_from([True, True, True, False]),
    )  # fmt: skip
    def commit(
        self, token: int, ahead: int, stale: int, outputs: list[int], refused: list[int],
        *, in_order: bool,
    ) -> None:  # fmt: skip
        """Commits that go on, repeat, go back, come from an old leader or are out of order."""
        if in_order:
            outputs, refused = sorted(set(outputs)), sorted(set(refused))
        ms, seq = id_parts(self.model.at.raw)
        raw = make_id(ms or 5, max(0, seq + ahead))
        expected = make_id(ms, max(0, seq + stale)) if stale else self.model.at.raw
        n = self.model.at.n + len(outputs)
        batch = CleanBatch(
            self.model.token + token,
            expected,
            Positions(raw=raw, n=n, log_ns=n + 1, market_ns=n + 2, digest=f"{n}"),
            [(clean_id(raw, j), b"head", b"t", self.payload()) for j in outputs],
            [(clean_id(raw, j), b"head", self.payload()) for j in refused],
        )
        compare(lambda: self.model.clean_append(batch), lambda: self.arbiter.clean_append(0, batch))

    @invariant()
    def contents_agree(self) -> None:
        """Streams, positions, writers and leadership are what the model says."""
        log, model = self.arbiter, self.model
        raw = log.entries(RAW)
        assert [fields for _, fields in raw] == model.raw
        assert _ascending([entry_id for entry_id, _ in raw])
        # A server's client gives lists where the twin gives tuples; both unpack alike.
        assert [tuple(entry) for entry in log.entries(CLEAN)] == model.clean
        assert [tuple(entry) for entry in log.entries(REJECTED)] == model.rejected
        assert log.positions(0) == model.at
        if model.led:
            assert log.leadership(0).lead_id == raw[model.lead_index][0]
        for writer in (*WRITERS, "arbiter"):
            expected = model.writers.get(writer, WriterPosition())
            assert log.writer_position(0, writer) == expected
        leadership = log.leadership(0)
        assert (leadership.token, leadership.epoch, leadership.beat) == (
            model.token, model.epoch, model.beat,
        )  # fmt: skip


class TwinMachine(LogMachine):
    """The in-memory twin, which can restart as often as we like."""

    def __init__(self) -> None:
        self.server = MemoryServer()
        super().__init__(self.server.log)

    @precondition(lambda self: self.model.led)
    @rule()
    def restart(self) -> None:
        """Keeps everything, and refuses to write until a leader took the new incarnation."""
        before = self.arbiter
        self.server.restart()
        self.model.led = False
        assert outcome(lambda: before.positions(0)) is UnknownOutcome
        self.open(self.server.log)


def outcome(call: Callable[[], object]) -> object:
    """What a call returned, or the kind of error it raised."""
    try:
        return call()
    except StreamsError as error:
        return type(error)


def compare(expected: Callable[[], object], found: Callable[[], object]) -> None:
    wanted = outcome(expected)
    assert outcome(found) == wanted


def test_the_twin_keeps_the_promises_of_the_log() -> None:
    """Whatever is done in whatever order, the in-memory log does what the model does."""
    run_state_machine_as_test(
        TwinMachine, settings=settings(max_examples=100, stateful_step_count=40, deadline=None)
    )


def test_the_server_keeps_the_promises_of_the_log(server_url: str) -> None:
    """So does the real one, through the functions it runs."""

    class ServerMachine(LogMachine):
        def __init__(self) -> None:
            prefix = f"test:{uuid4().hex}:"
            super().__init__(lambda name: open_log(server_url, service=name, prefix=prefix))

    run_state_machine_as_test(
        ServerMachine, settings=settings(max_examples=40, stateful_step_count=30, deadline=None)
    )
