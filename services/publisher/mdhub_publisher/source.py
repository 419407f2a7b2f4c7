"""The way from the log to the shards: connect, hold, load, follow. One path for every fault.

    down ──connect──> holding ──the leader has spoken──> loading ──caught up──> live
      ^                                                                           │
      └───────────── any StreamsError: close everything, back off ────────────────┘

Start-up is the same path. A connection to the same server process skips `holding`; what was
held stays valid unless the log was cut back below it.
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
from mdhub_publisher.history import epochs_of, finish, first_entry
from mdhub_publisher.shard import Phase, Shard

__all__ = ["BATCH_ENTRIES", "Follow", "Source"]

BATCH_ENTRIES: Final = 1_000
MAX_OUTPUTS: Final = 4_096
_BLOCK_MS: Final = 1_000
_HOLD_POLL_NS: Final = 10_000_000
OBSERVE_NS: Final = 100_000_000
PATIENCE_NS: Final = 2_000_000_000
"""A server that takes longer to say where the log is has failed."""

_decode_chunk: Final = msgspec.msgpack.Decoder(list[tuple[bytes, bytes, bytes]]).decode


@dataclass(slots=True)
class Follow:
    """A shard that is being read, and the cursor reader that reads it."""

    shard: Shard
    tail: Tail
    fileno: int

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
    ) -> None:
        self.log: Log | None = None
        self.follows: dict[int, Follow] = {}
        """By file descriptor."""
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
        self.outage = Outage(logger)
        self._backoff = Backoff(first_s=0.05, ceiling_s=1.0)
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
            if now_ns - self._asked_ns > PATIENCE_NS:
                text = f"the server hangs: no answer in {PATIENCE_NS / 1e9:g} s"
                raise UnknownOutcome(text, state="hanging")
            return False
        self._asked_ns = 0
        for shard, positions in zip(self._shards, answers, strict=True):
            shard.observe(positions, now_ns)
        return True

    def advance(self, now_ns: int) -> None:
        """Move on if it is time; call it often while not `settled`."""
        if self.settled or now_ns < self._next_ns:
            return
        try:
            log = self.log or self._connect()
            for shard in self._shards:
                if shard.phase is Phase.HOLDING and _leader_has_spoken(log, shard.shard):
                    self._release(log, shard, now_ns)
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
            shard.phase = Phase.HOLDING
        return log

    def _release(self, log: Log, shard: Shard, now_ns: int) -> None:
        """Follow a shard whose leader has spoken.

        1. find out how much of what was sent still stands, and load anew if not all,
        2. follow from the cursor, 3. use the log's own connection once more: if it still lives,
        the reader's connection, made in between, leads to the same server process.
        """
        positions = log.positions(shard.shard)
        shard.leader_epoch = log.leadership(shard.shard).epoch
        if log.incarnation() != shard.incarnation:
            self._check_history(log, shard, positions)
        shard.target_n = positions.n
        self._follow(log, shard)
        shard.observe(log.positions(shard.shard), now_ns)
        shard.incarnation = log.incarnation()
        self._backoff.reset()
        self._logger.info("following", shard=shard.shard, from_n=shard.n, tail_n=positions.n)

    def _check_history(self, log: Log, shard: Shard, positions: Positions) -> None:
        shard.epochs = finish(epochs_of(log, shard.framer, shard.shard)) or [
            (shard.leader_epoch, positions.n)
        ]
        if not shard.incarnation:
            self._load(log, shard, sent_n=positions.n, positions=positions)
            return
        stands_n = _stands_n(shard, positions, _lead_resumes_n(log, shard))
        if stands_n < shard.n:
            self._logger.warning("log_cut_back", shard=shard.shard, stands_n=stands_n)
            sent_n = min(stands_n, shard.sent_n)
            self._load(log, shard, sent_n=sent_n, positions=positions)

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
        shard.first_available_n = oldest[1].n if oldest else 0
        tail = log.tail(CLEAN, shard=shard.shard, after=shard.cursor)
        follow = Follow(shard, tail, tail.fileno())
        self.follows[follow.fileno] = follow
        self._watch(follow)
        tail.ask(block_ms=_BLOCK_MS, count=BATCH_ENTRIES)
        shard.phase = Phase.LOADING
        if shard.n >= shard.target_n:
            shard.batch_done(0)


def _leader_has_spoken(log: Log, shard: int) -> bool:
    """Whether the outputs of this incarnation's first `lead` entry are in clean."""
    leader = log.leadership(shard)
    if leader.incarnation != log.incarnation():
        return False
    return not id_less(log.positions(shard).raw, leader.lead_id)


def _stands_n(shard: Shard, positions: Positions, lead_resumes_n: int) -> int:
    """Find the newest n that this publisher holds and that is still what the log says."""
    cuts = [resume_n for epoch, resume_n in shard.epochs if epoch > shard.epoch]
    listed = any(epoch == shard.epoch for epoch, _ in shard.epochs)
    if shard.epoch and not listed and shard.epochs[0][1] > 0:
        return 0
    return min([shard.n, positions.n, lead_resumes_n, *cuts])


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
    return shard.n


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
