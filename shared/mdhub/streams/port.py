"""Ports of the log: what the redis implementation and the in-memory twin both promise.

Ids are stream ids as bytes (`b"1763600000000-0"`). Every method may raise `UnknownOutcome` (the
caller forgets its state and starts over from the log) or a `ServerError` (nothing was written).
Nothing here retries.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from mdhub.streams.topology import Stream

__all__ = [
    "FIRST_ID",
    "TRIM_STEP",
    "CachedContracts",
    "CleanBatch",
    "CleanOut",
    "Confirmer",
    "Entry",
    "LeadRequest",
    "Leadership",
    "Log",
    "Manifest",
    "Positions",
    "ReaderCursor",
    "RejectedOut",
    "ServerFacts",
    "Tail",
    "WriterPosition",
]

FIRST_ID = b"0-0"
"""Position before the first entry."""

TRIM_STEP = 20_000
"""Entries that one call of `trim` drops at most: about 2 ms of the server."""

Entry = tuple[bytes, list[bytes]]
"""Stream entry as it came: id and the flat list of field, value, field, value."""

CleanOut = tuple[bytes, bytes, bytes, bytes]
"""Clean entry to write: id, header (`h`), field name `t` or `m`, payload."""

RejectedOut = tuple[bytes, bytes, bytes]
"""Rejected entry to write: id, header (`h`), RawTick bytes (`t`)."""


@dataclass(frozen=True, slots=True)
class Positions:
    """What `clean_append` has committed in a shard."""

    raw: bytes = FIRST_ID
    """Newest raw entry whose outputs are in clean."""
    clean: bytes = FIRST_ID
    """Newest clean entry."""
    n: int = 0
    log_ns: int = 0
    market_ns: int = 0
    digest: str = ""
    """Running checksum over the compared bytes of all outputs up to `raw`."""


@dataclass(frozen=True, slots=True)
class Leadership:
    """Who leads a shard, and in which server incarnation."""

    token: int = 0
    incarnation: str = ""
    """Run id of the server process in which `token` was taken."""
    lead_id: bytes = FIRST_ID
    """Raw id of the first `lead` entry of this incarnation."""
    epoch: int = 0
    beat: int = 0
    resigned: bool = False
    """Whether the holder of `token` has said that it goes."""


@dataclass(frozen=True, slots=True)
class LeadRequest:
    """What a candidate saw before it takes over, and the `lead` entry that says so."""

    expected_token: int
    expected_clean: bytes
    epoch: int
    entry: bytes
    """Encoded `Control` of kind `lead`, seq 1 of session `expected_token` + 1."""


@dataclass(frozen=True, slots=True)
class WriterPosition:
    """What the log has of one writer."""

    session: int = 0
    seq: int = 0


@dataclass(frozen=True, slots=True)
class CleanBatch:
    """One commit: outputs of the raw entries after `expected_raw` up to `raw`."""

    token: int
    expected_raw: bytes
    position: Positions
    clean: Sequence[CleanOut] = ()
    rejected: Sequence[RejectedOut] = ()


@dataclass(frozen=True, slots=True)
class Manifest:
    """A complete snapshot: state after raw entry `raw`."""

    raw: bytes
    n: int
    digest: str
    state_chunks: int
    last_chunks: int
    """Chunks of last clean entries per instrument, for publishers."""
    wall_ns: int

    def parts(self) -> list[str]:
        """Names of all chunks."""
        return [f"state-{i}" for i in range(self.state_chunks)] + [
            f"last-{i}" for i in range(self.last_chunks)
        ]


@dataclass(frozen=True, slots=True)
class ReaderCursor:
    """How far a reader of a stream is."""

    cursor: bytes
    age_ms: int
    """Since it was registered; readers renew it about once a second."""


@dataclass(frozen=True, slots=True)
class CachedContracts:
    """The contract table as the hub was last given it."""

    rows: Mapping[str, bytes]
    """Symbol -> encoded row."""
    age_ms: int
    """Since it was last given, also if nothing was new in it."""


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What the server says of itself; of a cluster, what its masters say."""

    version: str
    """Name and version, such as `valkey 9.1.2`; each one found."""
    now_ms: int
    """Its wall time: the clock of stream ids. The latest of all."""
    used_bytes: int
    """Of the fullest one, the first to refuse writes."""
    limit_bytes: int
    """Of the same one; 0 = no limit."""
    servers: int = 1
    """How many hold the log."""
    fsync_delayed: int = 0
    """Appends that waited for the disk since the servers started, of all."""


class Tail(Protocol):
    """Follows one stream from a cursor. One XREAD at a time, on a connection of its own.

    `ask` sends the request and returns; when `fileno` is readable (or at once, blocking) `take`
    returns what arrived, an empty list when the block time passed, and moves the cursor.
    `read` is both. Entries come in log order, each exactly once.
    """

    @property
    def cursor(self) -> bytes: ...

    def fileno(self) -> int: ...

    def ask(self, *, block_ms: int, count: int) -> None:
        """Send the request unless one is under way. `block_ms` 0 = do not wait."""

    def take(self) -> list[Entry]: ...

    def read(self, *, block_ms: int, count: int) -> list[Entry]: ...

    def close(self) -> None: ...


class Confirmer(Protocol):
    """Asks whether replicas have what the log holds, on a connection of its own.

    A question covers everything that any reader of the same server process had got before `ask`.
    """

    def fileno(self) -> int: ...

    def ask(self, *, wait_ms: int) -> None:
        """Ask unless a question is under way; the answer comes after `wait_ms` at most."""

    def take(self) -> int | None:
        """Replicas that have it all; None if the answer is not here yet. Does not wait."""

    def close(self) -> None: ...


class Log(Protocol):
    """One hub's log as one service sees it."""

    @property
    def patience_s(self) -> float:
        """A server that stays silent for longer has failed."""

    def incarnation(self, shard: int = 0) -> str:
        """Run id of the server process that holds a shard, as of the connection to it.

        Another one after a restart, a failover, or when the shard has moved in a cluster.
        """

    def tail(self, stream: Stream, *, shard: int = 0, after: bytes) -> Tail:
        """Open a cursor reader on a connection of its own."""

    def confirmer(self, shard: int, *, reader: str) -> Confirmer:
        """Open a connection that asks what replicas have of a shard. It leads to the same process.

        Raises UnknownOutcome if another server process answers at the address by now.
        """

    def entries(
        self,
        stream: Stream,
        *,
        shard: int = 0,
        first: bytes = b"-",
        last: bytes = b"+",
        count: int = 1000,
        newest_first: bool = False,
    ) -> list[Entry]:
        """Entries between two ids (both included; `b"(" + id` excludes)."""

    def positions(self, shard: int) -> Positions: ...

    def ask_positions(self, shards: Sequence[int]) -> None:
        """Ask without waiting; `take_positions` has the answer. Not again before it was taken."""

    def take_positions(self) -> list[Positions] | None:
        """What was asked for, in order; None if it is not here yet. Does not wait."""

    def leadership(self, shard: int) -> Leadership: ...

    def watch(self, shard: int) -> tuple[Leadership, Positions]:
        """Who leads and how far it is, in one round trip."""

    def keep_lead(self, shard: int, *, token: int) -> int:
        """Raise the beat: the holder of `token` lives. Return it. Raises Fenced, NoLeader.

        A server that is full allows it.
        """

    def resign(self, shard: int, *, token: int) -> None:
        """Say that the holder of `token` leads no more. Raises Fenced, NoLeader."""

    def writer_position(self, shard: int, writer: str) -> WriterPosition: ...

    def raw_append(  # noqa: PLR0913 - what an append consists of
        self,
        shard: int,
        *,
        writer: str,
        session: int,
        first_seq: int,
        kinds: str,
        payloads: Sequence[bytes],
        lost: int = 0,
    ) -> int:
        """Append entries whose seq run on from `first_seq`; return the newest seq the log has.

        `kinds` has one letter per payload, `t` or `c`. Entries the log already has are skipped.
        With `lost` > 0 the first payload is a `lost` entry that stands for that many seq.
        Raises NoLeader, Superseded, SequenceHole.
        """

    def clean_append(self, shard: int, batch: CleanBatch, *, wait: bool = True) -> None:
        """Commit outputs and the new raw position in one step. Raises Fenced, PositionMoved.

        Without `wait` it returns once it is sent, and the next call for this shard raises for it.
        """

    def take(self, shard: int, request: LeadRequest) -> Leadership:
        """Take leadership by compare-and-set and append the `lead` entry in the same step.

        Raises Fenced when `expected_token` is not the token in force, PositionMoved when
        `expected_clean` is not the newest clean entry (the old leader still writes).
        """

    def save_chunk(self, shard: int, *, snapshot: bytes, part: str, data: bytes) -> None: ...

    def commit_snapshot(self, shard: int, *, token: int, manifest: Manifest) -> None:
        """Make a snapshot count (fenced); keeps the newest two and deletes what is older."""

    def manifests(self, shard: int) -> list[Manifest]:
        """Usable snapshots, newest first."""

    def load_chunk(self, shard: int, *, snapshot: bytes, part: str) -> bytes | None: ...

    def set_cursor(self, shard: int, stream: Stream, *, reader: str, cursor: bytes) -> None:
        """Register how far a reader of a stream is (soft cursor of retention), and when."""

    def cursors(self, shard: int, stream: Stream) -> dict[str, ReaderCursor]:
        """Registered readers of a stream, also those that have not renewed for long."""

    def drop_cursor(self, shard: int, stream: Stream, *, reader: str) -> None:
        """Forget a reader."""

    def trim(self, shard: int, *, token: int, stream: Stream, min_id: bytes) -> int:
        """Drop the oldest entries before `min_id` (fenced), at most `TRIM_STEP` of them.

        Returns how many went; 0 = nothing left to trim. A server drops whole blocks of about a
        hundred entries only, so a few before `min_id` may stay. A server that is full allows it.
        """

    def drop_old(self, stream: Stream, *, min_id: bytes) -> int:
        """Drop entries of events, commands or logs before `min_id`; as `trim`, but not fenced.

        Whoever comes late with an older `min_id` drops nothing that counts.
        """

    def memory_bytes(self, stream: Stream, *, shard: int = 0) -> int:
        """Memory a stream takes on the server (sampled)."""

    def length(self, stream: Stream, *, shard: int = 0) -> int:
        """Entries a stream has."""

    def trimmed(self, stream: Stream, *, shard: int = 0) -> int:
        """Entries that a stream once had and has no more."""

    def server_facts(self) -> ServerFacts:
        """What all servers that hold the log say of themselves, in one."""

    def check_writable(self) -> None:
        """Return if the server takes writes now, of a cluster: each master. Writes nothing.

        Raises what a write would.
        """

    def durable(self) -> bool:
        """Whether the server says that each append is on disk before it is answered.

        Never where a replica may take its place: it may lack the newest appends. Of a cluster:
        each master says so.
        """

    def claim_shards(self, shards: int) -> int:
        """Fix the hub's number of shards; the first to say so wins. Return the one in force."""

    def shards(self) -> int | None:
        """Number of shards the hub has; None = nobody has fixed it yet."""

    def append(self, stream: Stream, payload: bytes) -> bytes:
        """Append to events, commands or logs, within the cap; return the id."""

    def command_done(self, command_id: str, event: bytes) -> bool:
        """Append the one result event of a command; False if it already has one."""

    def command_is_done(self, command_id: str) -> bool:
        """Whether a command already has its result event."""

    def save_contracts(self, rows: Mapping[str, bytes], *, gone: Sequence[str] = ()) -> None:
        """Cache rows of the contract table by symbol, drop others; rows make the cache fresh."""

    def contracts(self) -> CachedContracts: ...

    def beat(self, instance: str, payload: bytes) -> None:
        """Publish a service heartbeat."""

    def beats(self) -> dict[str, bytes]: ...

    def save_health(self, payload: bytes) -> None:
        """Put the newest health report (`mdhub.health.model`) in the place of the last one."""

    def health(self) -> bytes | None:
        """The newest health report, however old: it says itself of when it is. None = none yet."""

    def save_note(self, name: str, payload: bytes) -> None:
        """Put a document in the place of the last one of this name (`alerts`)."""

    def note(self, name: str) -> bytes | None:
        """The newest document of a name; None = none yet."""

    def close(self) -> None: ...
