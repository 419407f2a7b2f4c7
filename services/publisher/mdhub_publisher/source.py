"""The way from the log to the shards: connect, hold, load, follow. One path for every fault.

    down ──connect──> holding ──the leader has spoken──> loading ──caught up──> live
      ^                                                                           │
      └───────────── any StreamsError: close everything, back off ────────────────┘

Start-up is the same path. A connection to the same server process skips `holding`; what was
held stays valid unless the log was cut back below it.

With `confirm` (profiles `replicated` and `cluster`) a gate lets nothing pass that no replica has,
see `mdhub_publisher.gate`; holding then also waits for all that the shard starts from.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec

from mdhub.runtime.backoff import Backoff
from mdhub.runtime.logging import Logger
from mdhub.runtime.outage import Outage
from mdhub.streams.errors import NotReady, StreamsError, UnknownOutcome, Unusable
from mdhub.streams.ids import OUTPUTS_PER_ENTRY, clean_id, id_less
from mdhub.streams.port import Entry, Log, Manifest, Positions, Tail
from mdhub.streams.topology import CLEAN
from mdhub.wire.codec import DecodeError
from mdhub.wire.entries import MarkerKind
from mdhub_publisher.frames import resume_after_n
from mdhub_publisher.gate import Gate
from mdhub_publisher.history import epochs_of, finish, first_entry, parted_n
from mdhub_publisher.shard import Phase, Shard

__all__ = ["BATCH_ENTRIES", "Follow", "Source"]

BATCH_ENTRIES: Final = 1_000
MAX_OUTPUTS: Final = 4_096
_BLOCK_MS: Final = 1_000
_HOLD_POLL_NS: Final = 10_000_000
OBSERVE_NS: Final = 100_000_000
_decode_chunk: Final = msgspec.msgpack.Decoder(list[tuple[bytes, bytes, bytes]]).decode


@dataclass(slots=True)
class Follow:
    """A shard that is being read, and the cursor reader that reads it."""

    shard: Shard
    tail: Tail
    fileno: int
    gate: Gate | None = None

    def entries(self, now_ns: int, *, arrived: bool) -> list[Entry] | None:
        """What is to be taken in now; None = nothing new. Empty = the log has no more for now."""
        gate = self.gate
        if gate is None:
            return self.take() if arrived else None
        read = self.tail.take() if arrived else None
        if read:
            gate.hold(read)
        released = gate.turn(now_ns)
        if not gate.full:
            self.tail.ask(block_ms=_BLOCK_MS, count=BATCH_ENTRIES)
        return released or ([] if read == [] and not gate.held else None)

    def take(self) -> list[Entry]:
        """Fetch what arrived and ask for more at once, so that the server works while we send."""
        entries = self.tail.take()
        self.tail.ask(block_ms=_BLOCK_MS, count=BATCH_ENTRIES)
        return entries


class Source:
    """Owns the connections.

    `advance` raises Unusable until the server was usable once, and no other StreamsError. Nothing
    waits for an event; a server that hangs costs a connection's call timeout at most.
    """

    def __init__(
        self,
        open_log: Callable[[], Log],
        shards: list[Shard],
        *,
        watch: Callable[[Follow], None],
        unwatch: Callable[[Follow], None],
        logger: Logger,
        confirm: str = "",
    ) -> None:
        """`confirm` is the name under which replicas are asked; empty = they are not."""
        self.log: Log | None = None
        self.follows: dict[int, Follow] = {}
        """By file descriptor."""
        self.gates: dict[int, Gate] = {}
        """By shard; none unless replicas must confirm."""
        self.reconnects = 0
        self._used = False
        """Whether the server has ever proved to be usable: if so, it is waited for."""
        self.settled = False
        """Every shard is being read: nothing to advance."""
        self._open_log = open_log
        self._shards = shards
        self._watch = watch
        self._unwatch = unwatch
        self._logger = logger
        self._confirm = confirm
        self._unconfirmed = 0
        """Of gates that are closed."""
        self.outage = Outage(logger)
        self._backoff = Backoff(first_s=0.05, ceiling_s=0.25)
        self._next_ns = 0
        self._asked_ns = 0
        """When the positions were asked for that are not here yet; 0 = none are."""
        self._next_observe_ns = 0

    def observe(self, now_ns: int) -> bool:
        """Ask the log where it is, or take its answer, without waiting; True if it answered."""
        log = self.log
        if log is None:
            return False
        if not self._asked_ns:
            if now_ns >= self._next_observe_ns:
                log.ask_positions([shard.shard for shard in self._shards])
                self._asked_ns = now_ns
                self._next_observe_ns = now_ns + OBSERVE_NS
            return False
        answers = log.take_positions()
        if answers is None:
            if now_ns - self._asked_ns > log.patience_s * 1e9:
                text = f"the server hangs: no answer in {log.patience_s:g} s"
                raise UnknownOutcome(text, state="hanging")
            return False
        self._asked_ns = 0
        for shard, positions in zip(self._shards, answers, strict=True):
            self._observe(shard, positions, now_ns)
        return True

    def _observe(self, shard: Shard, positions: Positions, now_ns: int) -> None:
        gate = self.gates.get(shard.shard)
        if gate is None:
            shard.observe(positions, now_ns)
        else:
            gate.watch(positions)

    def advance(self, now_ns: int) -> None:
        """Move on if it is time; call it often while not `settled`."""
        if self.settled or now_ns < self._next_ns:
            return
        try:
            log = self.log or self._connect()
            for shard in self._shards:
                if shard.phase is Phase.HOLDING and _leader_has_spoken(log, shard.shard):
                    positions = self._beginning(log, shard, now_ns)
                    if positions is not None:
                        self._release(log, shard, positions, now_ns)
            self.settled = all(s.phase in (Phase.LOADING, Phase.LIVE) for s in self._shards)
            self._next_ns = now_ns + _HOLD_POLL_NS
        except (StreamsError, DecodeError) as error:
            self.lost(error, now_ns)

    def lost(self, error: Exception, now_ns: int) -> None:
        """Give the connection up after a fault and start over, later."""
        self.close()
        if isinstance(error, Unusable) and not self._used:
            raise error
        pause_s = self._backoff.next_s()
        self._next_ns = now_ns + int(pause_s * 1e9)
        self.outage.away(error)

    def close(self) -> None:
        """Close all connections."""
        for follow in self.follows.values():
            self._unwatch(follow)
            with contextlib.suppress(StreamsError, OSError):
                follow.tail.close()
        self.follows.clear()
        for gate in self.gates.values():
            self._unconfirmed += gate.unconfirmed
            with contextlib.suppress(StreamsError, OSError):
                gate.close()
        self.gates.clear()
        if self.log is not None:
            with contextlib.suppress(StreamsError, OSError):
                self.log.close()
            self.log = None
        self._asked_ns = 0
        self.settled = False
        for shard in self._shards:
            shard.phase = Phase.DOWN

    def _connect(self) -> Log:
        log = self._open_log()
        self.log = log
        if not self._used:
            with contextlib.suppress(NotReady):
                log.check_writable()
            _leader_has_spoken(log, self._shards[0].shard)
            self._used = True
        self.reconnects += 1
        for shard in self._shards:
            if self._confirm:
                confirmer = log.confirmer(shard.shard, reader=self._confirm)
                self.gates[shard.shard] = Gate(shard, confirmer, patience_s=log.patience_s)
            shard.phase = Phase.HOLDING
        return log

    def counters(self) -> dict[str, int]:
        """What waits for replicas, and how often they did not confirm; empty if not asked."""
        if not self._confirm:
            return {}
        gates = self.gates.values()
        unconfirmed = self._unconfirmed + sum(gate.unconfirmed for gate in gates)
        return {"held": sum(gate.held for gate in gates), "unconfirmed": unconfirmed}

    def _beginning(self, log: Log, shard: Shard, now_ns: int) -> Positions | None:
        """Where the log is, once it may be shown; None while replicas have not confirmed it."""
        positions = log.positions(shard.shard)
        gate = self.gates.get(shard.shard)
        if gate is None:
            return positions
        gate.watch(positions)
        gate.turn(now_ns)
        return gate.confirmed

    def _release(self, log: Log, shard: Shard, positions: Positions, now_ns: int) -> None:
        """Follow a shard whose leader has spoken; it was at `positions`, which may be shown.

        1. find out how much of what was sent still stands, and load anew if not all,
        2. follow from the cursor, 3. use the log's own connection once more: if it still lives,
        the reader's connection, made in between, leads to the same server process.
        """
        shard.leader_epoch = log.leadership(shard.shard).epoch
        if log.incarnation(shard.shard) != shard.incarnation:
            self._check_history(log, shard, positions)
        shard.target_n = positions.n
        self._follow(log, shard)
        self._observe(shard, log.positions(shard.shard), now_ns)
        shard.incarnation = log.incarnation(shard.shard)
        self._backoff.reset()
        self._logger.info("following", shard=shard.shard, from_n=shard.n, tail_n=positions.n)

    def _check_history(self, log: Log, shard: Shard, positions: Positions) -> None:
        before = shard.epochs
        # An epoch opened behind `positions` is read, and perhaps confirmed, later.
        begun = [
            each
            for each in finish(epochs_of(log, shard.framer, shard.shard))
            if each[1] < positions.n
        ]
        shard.epochs = begun or [(shard.leader_epoch, positions.n)]
        if not shard.incarnation:
            self._load(log, shard, sent_n=positions.n, positions=positions)
            return
        stands_n = _stands_n(shard, before, positions, _lead_resumes_n(log, shard))
        # Also what was not to be sent is, if its n comes again with other content.
        sent_n = min(stands_n, shard.sent_n)
        if stands_n < shard.n or not shard.epoch:
            self._logger.warning("log_cut_back", shard=shard.shard, stands_n=stands_n)
            self._load(log, shard, sent_n=sent_n, positions=positions)
        else:
            shard.sent_n = sent_n

    def _load(self, log: Log, shard: Shard, *, sent_n: int, positions: Positions) -> None:
        """Start over from the newest snapshot that is whole, or from the begin of clean."""
        shard.forget(sent_n=sent_n)
        for manifest in log.manifests(shard.shard):
            rows = _last_rows(log, shard.shard, manifest) if manifest.n <= positions.n else None
            if rows is not None:
                after = clean_id(manifest.raw, OUTPUTS_PER_ENTRY - 1)
                shard.forget(sent_n=sent_n, n=manifest.n, cursor=after)
                for entry_id, header, payload in rows:
                    shard.restore((entry_id, [b"h", header, b"t", payload]))
                return

    def _follow(self, log: Log, shard: Shard) -> None:
        oldest = first_entry(log, shard.shard)
        shard.first_available_n = oldest.header.n if oldest else 0
        tail = log.tail(CLEAN, shard=shard.shard, after=shard.cursor)
        follow = Follow(shard, tail, tail.fileno(), self.gates.get(shard.shard))
        self.follows[follow.fileno] = follow
        self._watch(follow)
        tail.ask(block_ms=_BLOCK_MS, count=BATCH_ENTRIES)
        shard.phase = Phase.LOADING
        if shard.n >= shard.target_n:
            shard.batch_done(0)


def _leader_has_spoken(log: Log, shard: int) -> bool:
    """Whether the outputs of this incarnation's first `lead` entry are in clean."""
    leader = log.leadership(shard)
    if leader.incarnation != log.incarnation(shard):
        return False
    return not id_less(log.positions(shard).raw, leader.lead_id)


def _stands_n(
    shard: Shard, before: list[tuple[int, int]], positions: Positions, lead_resumes_n: int
) -> int:
    """Find the newest n up to which the log still says what it said when `before` was read."""
    return min([positions.n, lead_resumes_n, *parted_n(before, shard.epochs)])


def _lead_resumes_n(log: Log, shard: Shard) -> int:
    """Read the epoch marker of this server process; if clean has it no more, n is no witness."""
    lead_id = log.leadership(shard.shard).lead_id
    outputs = log.entries(
        CLEAN, shard=shard.shard, first=clean_id(lead_id, 0),
        last=clean_id(lead_id, OUTPUTS_PER_ENTRY - 1), count=MAX_OUTPUTS,
    )  # fmt: skip
    for entry_id, fields in outputs:
        clean = shard.framer.clean(entry_id, fields)
        if clean is not None and clean.kind == MarkerKind.EPOCH:
            return resume_after_n(clean)
    return max(shard.n, shard.sent_n)


def _last_rows(log: Log, shard: int, manifest: Manifest) -> list[tuple[bytes, bytes, bytes]] | None:
    rows: list[tuple[bytes, bytes, bytes]] = []
    for i in range(manifest.last_chunks):
        chunk = log.load_chunk(shard, snapshot=manifest.raw, part=f"last-{i}")
        if chunk is None:
            return None
        try:
            rows += _decode_chunk(chunk)
        except DecodeError:
            return None
    return rows
