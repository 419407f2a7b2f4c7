"""From one request to the frames of its answer, in small steps.

`Answers.begin` gives a generator of replies; `None` means "some work done, nothing to send yet",
so that the caller can put live messages between any two steps. No input makes it raise: what is
malformed, unknown or cannot be served now gets one error reply.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

from mdhub import __version__
from mdhub.streams.errors import StreamsError
from mdhub.streams.ids import id_parts
from mdhub.streams.port import Log
from mdhub.wire.codec import decode_request_head, decoder, encode
from mdhub.wire.digest import schema_digest
from mdhub.wire.entries import CleanHeader, MarkerKind
from mdhub.wire.live import HeaderFlag
from mdhub.wire.requests import (
    EndReply,
    ErrorCode,
    ErrorReply,
    FindReply,
    FindRequest,
    HelloReply,
    HelloRequest,
    MsgReply,
    ReplayRequest,
    RequestName,
    ShardInfo,
    SnapshotRequest,
    Status,
    TailsReply,
    TailsRequest,
)
from mdhub.wire.ticks import SCHEMA_VERSION
from mdhub.wire.topics import Selection
from mdhub_publisher.frames import Clean, live_frames
from mdhub_publisher.history import NotKept, clean_after, find_session, find_time, first_entry
from mdhub_publisher.shard import Shard

__all__ = ["MAX_PATTERNS", "MAX_PATTERN_CHARS", "MAX_REPLAY", "Answer", "Answers", "Refusal"]

MAX_PATTERNS: Final = 1_000
MAX_PATTERN_CHARS: Final = 64
MAX_REPLAY: Final = 5_000
MAX_SCAN: Final = 50_000
"""Entries looked at for one request; `more` says that there are further ones."""
_TAILS_STEP: Final = 200
_MAX_INT: Final = 2**63 - 1

Frames = list[bytes]
Answer = Iterator[Frames | None]
Steps = Generator[Frames | None, None, None]

_decode_hello: Final = decoder(HelloRequest)
_decode_snapshot: Final = decoder(SnapshotRequest)
_decode_tails: Final = decoder(TailsRequest)
_decode_find: Final = decoder(FindRequest)
_decode_replay: Final = decoder(ReplayRequest)


class Refusal(Exception):
    """A request that gets an error reply."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code


class Answers:
    """Answers requests from what the shards hold and, for what is older, from the log."""

    def __init__(
        self,
        shards: Mapping[int, Shard],
        *,
        publisher_id: str,
        log: Callable[[], Log | None],
        wall_ns: Callable[[], int],
        greeted: Callable[[HelloRequest, str], None] = lambda _hello, _address: None,
    ) -> None:
        """`greeted` is told every `hello` that is answered, with the client's address."""
        self.refused = 0
        self._shards = shards
        self._publisher_id = publisher_id
        self._log = log
        self._wall_ns = wall_ns
        self._session = wall_ns() // 1_000_000
        self._greeted = greeted
        self._begin: dict[str, Callable[[bytes, int], Steps]] = {
            RequestName.SNAPSHOT: self._snapshot,
            RequestName.TAILS: self._tails,
            RequestName.FIND: self._find,
            RequestName.REPLAY: self._replay,
        }

    def begin(self, request: bytes, address: str = "") -> Answer:
        """Start the answer to one request. Never raises, nor does what it returns."""
        req_id = 0
        try:
            head = decode_request_head(request)
            req_id = head.req_id if 0 <= head.req_id <= _MAX_INT else 0
            if head.name == RequestName.HELLO:
                yield from self._hello(request, req_id, address)
            else:
                yield from self._begin.get(head.name, _unknown)(request, req_id)
        except Refusal as refusal:
            yield self.refuse(req_id, refusal.code, str(refusal))
        except (ValueError, re.error, RecursionError) as error:
            yield self.refuse(req_id, ErrorCode.MALFORMED, f"request was not understood: {error}")
        except StreamsError as error:
            yield self.refuse(req_id, ErrorCode.UNAVAILABLE, f"the log is away: {error}")

    def refuse(self, req_id: int, code: ErrorCode, message: str) -> Frames:
        """Make (and count) an error reply."""
        self.refused += 1
        return [encode(ErrorReply.of(req_id, code, message))]

    def _hello(self, request: bytes, req_id: int, address: str) -> Steps:
        self._greeted(_decode_hello(request), address)
        shards = [self._info(shard) for shard in self._shards.values()]
        reply = HelloReply(
            SCHEMA_VERSION, req_id, Status.OK, schema_digest(), self._publisher_id, shards,
            __version__, self._session,
        )  # fmt: skip
        yield [encode(reply)]

    def _info(self, shard: Shard) -> ShardInfo:
        log = self._log()
        oldest = first_entry(log, shard.shard) if log is not None else None
        first_n = oldest.header.n if oldest else shard.ring.first_n
        return ShardInfo(shard.shard, list(shard.epochs), first_n, shard.n)

    def _snapshot(self, request: bytes, req_id: int) -> Steps:
        asked = _decode_snapshot(request)
        selection = yield from _select(asked.patterns)
        shard = self._ready(asked.shard)
        n, epoch = shard.n, shard.epoch
        for value in shard.last.candidates(selection):
            if selection.matches(value.newest.name):
                for clean in value.messages():
                    yield self._message(clean, shard, req_id, HeaderFlag.SNAPSHOT)
            else:
                yield None
        yield [encode(EndReply(SCHEMA_VERSION, req_id, Status.END, n, n, more=False, epoch=epoch))]

    def _tails(self, request: bytes, req_id: int) -> Steps:
        asked = _decode_tails(request)
        selection = yield from _select(asked.patterns)
        shard = self._ready(asked.shard)
        if asked.epoch != shard.epoch:
            raise _other_epoch(asked.epoch, shard)
        now_n = shard.n
        tails: list[tuple[str, int, str]] = []
        for i, value in enumerate(shard.last.candidates(selection)):
            newest = value.newest
            if newest.n > asked.since_n and selection.matches(newest.name):
                tails.append((newest.name, newest.k or 0, value.quality_now()))
            if i % _TAILS_STEP == _TAILS_STEP - 1:
                yield None
        yield [encode(TailsReply(SCHEMA_VERSION, req_id, Status.OK, now_n, tails))]

    def _find(self, request: bytes, req_id: int) -> Steps:
        asked = _decode_find(request)
        shard = self._ready(asked.shard)
        if isinstance(asked.at, str) and asked.at != "session":
            raise Refusal(
                ErrorCode.MALFORMED, f"at was {asked.at[:20]!r}, expected a time in ns or 'session'"
            )
        log = self._log()
        if log is None:
            raise Refusal(ErrorCode.UNAVAILABLE, "the log is away; ask again later")
        try:
            if isinstance(asked.at, int):
                found = find_time(log, shard.shard, asked.at)
            else:
                found = yield from find_session(log, shard.shard)
        except NotKept as error:
            raise _not_kept(*error.oldest) from None
        epoch, n = (found.header.epoch, found.header.n - 1) if found else (shard.epoch, shard.n)
        yield [encode(FindReply(SCHEMA_VERSION, req_id, Status.OK, epoch, n))]

    def _replay(self, request: bytes, req_id: int) -> Steps:
        asked = _decode_replay(request)
        if asked.limit < 1:
            raise Refusal(
                ErrorCode.MALFORMED, f"limit was {asked.limit}, expected 1 to {MAX_REPLAY}"
            )
        selection = yield from _select(asked.patterns)
        yield from self._replay_of(self._ready(asked.shard), asked, selection, req_id)

    def _replay_of(
        self, shard: Shard, asked: ReplayRequest, selection: Selection, req_id: int
    ) -> Steps:
        after_n = _valid_after_n(shard, asked)
        epoch, to_n = shard.epoch, shard.n
        left = min(asked.limit, MAX_REPLAY)
        scanned_n = after_n
        for clean in self._entries(shard, after_n, to_n):
            if shard.epoch != epoch or not shard.can_answer:
                raise Refusal(ErrorCode.UNAVAILABLE, "the epoch changed; ask again")
            if clean is None:
                yield None
                continue
            scanned_n = clean.n
            if _wanted(clean, selection):
                left -= 1
                yield self._message(clean, shard, req_id, HeaderFlag.REPLAYED)
            else:
                yield None
            if left <= 0 or scanned_n - after_n >= MAX_SCAN:
                break
        else:
            scanned_n = max(to_n, after_n)
        end = EndReply(
            SCHEMA_VERSION, req_id, Status.END, min(scanned_n, max(to_n, 0)),
            shard.first_available_n, more=scanned_n < to_n, epoch=epoch,
        )  # fmt: skip
        yield [encode(end)]

    def _entries(self, shard: Shard, after_n: int, to_n: int) -> Iterator[Clean | None]:
        """Yield entries of (`after_n`, `to_n`] in order: from the log until the ring has them."""
        n = after_n
        while n < to_n:
            if 0 < shard.ring.first_n <= n + 1:
                n += 1
                yield shard.ring.get(n)
            else:
                n = yield from self._old(shard, n, to_n)

    def _old(self, shard: Shard, after_n: int, to_n: int) -> Generator[Clean | None, None, int]:
        log = self._log()
        if log is None:
            raise Refusal(
                ErrorCode.UNAVAILABLE,
                f"n {after_n + 1} is older than memory (from {shard.ring.first_n}) and the log "
                "is away; ask again later",
            )
        oldest = first_entry(log, shard.shard)
        shard.first_available_n = oldest.header.n if oldest else shard.n + 1
        n = after_n
        for clean in clean_after(log, shard.framer, shard.shard, after_n):
            if clean is not None:
                if clean.n > to_n:
                    return to_n
                n = clean.n
            yield clean
            if 0 < shard.ring.first_n <= n + 1:
                return n
        return to_n

    def _message(self, clean: Clean, shard: Shard, req_id: int, hflags: HeaderFlag) -> Frames:
        head = encode(MsgReply(SCHEMA_VERSION, req_id))
        return [head, *live_frames(clean, shard.shard, self._wall_ns(), int(hflags))]

    def _ready(self, number: int) -> Shard:
        shard = self._shards.get(number)
        if shard is None:
            known = ", ".join(str(n) for n in self._shards)
            raise Refusal(ErrorCode.UNKNOWN_SHARD, f"shard was {number}, expected one of {known}")
        if not shard.can_answer:
            raise Refusal(
                ErrorCode.UNAVAILABLE,
                f"shard {number} is {shard.phase}: the log is being read; ask again shortly",
            )
        return shard


def _select(patterns: list[str]) -> Generator[None, None, Selection]:
    if not 1 <= len(patterns) <= MAX_PATTERNS:
        raise Refusal(
            ErrorCode.MALFORMED,
            f"{len(patterns)} patterns, expected 1 to {MAX_PATTERNS}; '*' is everything",
        )
    longest = max(patterns, key=len)
    if len(longest) > MAX_PATTERN_CHARS:
        raise Refusal(
            ErrorCode.MALFORMED,
            f"pattern of {len(longest)} characters, expected at most {MAX_PATTERN_CHARS}",
        )
    selection = Selection()
    for pattern in patterns:
        selection.add(pattern)
        if pattern not in selection.exact:
            yield None
    return selection


def _wanted(clean: Clean, selection: Selection) -> bool:
    if clean.name:
        return selection.matches(clean.name)
    return selection.everything or clean.kind == MarkerKind.EPOCH


def _valid_after_n(shard: Shard, asked: ReplayRequest) -> int:
    """Begin no later than where the client's epoch was cut back, if it was."""
    after_n = min(max(asked.after_n, 0), _MAX_INT)
    if asked.epoch in (0, shard.epoch):
        return after_n
    cuts = [resume_n for epoch, resume_n in shard.epochs if epoch > asked.epoch]
    if not cuts or not any(epoch == asked.epoch for epoch, _ in shard.epochs):
        # Not known, or newer than what is held here: it will be, once the log has been read.
        raise _other_epoch(asked.epoch, shard)
    return min(after_n, *cuts)


def _other_epoch(epoch: int, shard: Shard) -> Refusal:
    return Refusal(
        ErrorCode.UNKNOWN_EPOCH, f"epoch was {epoch}, expected {shard.epoch}; `hello` lists them"
    )


def _not_kept(entry_id: bytes, header: CleanHeader) -> Refusal:
    begun = datetime.fromtimestamp(id_parts(entry_id)[0] / 1_000, UTC).isoformat()
    return Refusal(
        ErrorCode.NOT_KEPT,
        f"the hub keeps nothing so old: its oldest entry is n {header.n} of epoch {header.epoch}, "
        f"received {begun}; replay after ({header.epoch}, {header.n - 1}) has all that there is",
    )


def _unknown(request: bytes, _req_id: int) -> Steps:
    name = decode_request_head(request).name[:40]
    raise Refusal(
        ErrorCode.UNKNOWN_REQUEST,
        f"request was {name!r}, expected one of hello, snapshot, tails, find, replay",
    )
