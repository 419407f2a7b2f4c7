"""THE table of streams: who writes what, who reads it. A stream not in it does not exist.

All keys of a shard share the hash tag `{s<x>}`, so they live on one node of a cluster.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mdhub.streams.errors import TopologyError

__all__ = ["CLEAN", "COMMANDS", "EVENTS", "LOGS", "RAW", "REJECTED", "TOPOLOGY", "Keys", "Stream"]


@dataclass(frozen=True, slots=True)
class Stream:
    """One row of the table."""

    name: str
    sharded: bool
    writers: frozenset[str]
    readers: frozenset[str]
    payload: str
    max_entries: int | None
    """Cap by MAXLEN; None = trimmed by MINID within budgets (see `mdhub.streams.trim`)."""
    keep_ms: int | None = None
    """Of a stream with a cap: older entries go too, however few there are."""

    def check_writer(self, service: str) -> None:
        """Raise TopologyError unless the service may write to this stream."""
        if service not in self.writers:
            raise TopologyError(
                f"service {service!r} may not write to stream {self.name!r}; "
                f"its writers are {', '.join(sorted(self.writers))}"
            )

    def check_capped(self) -> None:
        """Raise TopologyError unless anybody may drop what is old in this stream."""
        if self.max_entries is None:
            raise TopologyError(
                f"stream {self.name!r} is trimmed by its shard's leader within budgets, "
                "expected events, commands or logs"
            )


def _stream(
    name: str,
    *,
    sharded: bool,
    writers: str,
    readers: str,
    payload: str,
    cap: tuple[int, int] | None = None,
) -> Stream:
    """`cap`: entries, and days."""
    entries, days = cap or (None, 0)
    return Stream(
        name=name,
        sharded=sharded,
        writers=frozenset(writers.split()),
        readers=frozenset(readers.split()),
        payload=payload,
        max_entries=entries,
        keep_ms=days * _DAY_MS or None,
    )


_DAY_MS: Final = 86_400_000
_ALL: Final = "ingest arbiter publisher monitor console cli"

RAW: Final = _stream(
    "raw",
    sharded=True,
    writers="ingest arbiter monitor",
    readers="arbiter monitor verifier recorder console cli",
    payload="t = RawTick | c = Control",
)
CLEAN: Final = _stream(
    "clean",
    sharded=True,
    writers="arbiter",
    readers="publisher log monitor recorder verifier console cli",
    payload="h = CleanHeader, t = CleanTick | m = Marker",
)
REJECTED: Final = _stream(
    "rejected",
    sharded=True,
    writers="arbiter",
    readers="console monitor recorder verifier cli",
    payload="h = RejectedHeader, t = RawTick bytes",
)
EVENTS: Final = _stream(
    "events",
    sharded=False,
    writers=_ALL,
    readers="console monitor publisher cli ingest",
    payload="e = Event",
    cap=(100_000, 30),
)
COMMANDS: Final = _stream(
    "commands",
    sharded=False,
    writers="console cli monitor ingest",
    readers="ingest arbiter monitor console",
    payload="c = Command",
    cap=(10_000, 7),
)
LOGS: Final = _stream(
    "logs",
    sharded=False,
    writers=_ALL,
    readers="console monitor publisher cli",
    payload="l = LogLine",
    cap=(100_000, 7),
)

TOPOLOGY: Final = {s.name: s for s in (RAW, CLEAN, REJECTED, EVENTS, COMMANDS, LOGS)}


@dataclass(frozen=True, slots=True)
class Keys:
    """Names of all keys of one hub; `prefix` keeps hubs on one server apart."""

    prefix: str = "mdhub:"

    def stream(self, stream: Stream, shard: int = 0) -> str:
        """Key of a stream; `shard` is ignored for streams that are not sharded."""
        return self._sharded(shard, stream.name) if stream.sharded else self.prefix + stream.name

    def positions(self, shard: int) -> str:
        """Hash: what `clean_append` has committed (raw, clean, n, digest)."""
        return self._sharded(shard, "pos")

    def writers(self, shard: int) -> str:
        """Hash: newest `session:seq` of each writer of raw."""
        return self._sharded(shard, "writers")

    def leader(self, shard: int) -> str:
        """Hash: fence token, incarnation, beat, epoch."""
        return self._sharded(shard, "leader")

    def snapshots(self, shard: int) -> str:
        """List of snapshot manifests, newest first."""
        return self._sharded(shard, "snaps")

    def snapshot_chunk(self, shard: int, snapshot_id: str, part: str) -> str:
        """One chunk of a snapshot."""
        return self._sharded(shard, f"snap:{snapshot_id}:{part}")

    def cursors(self, shard: int) -> str:
        """Hash: `stream:reader` -> how far it has read, and when (soft cursors of retention)."""
        return self._sharded(shard, "cursors")

    def confirmed(self, shard: int, reader: str) -> str:
        """Mark that a reader writes to learn whether replicas follow."""
        return self._sharded(shard, f"confirmed:{reader}")

    def shards(self) -> str:
        """Number of shards, as the first arbiter of the hub fixed it."""
        return self.prefix + "shards"

    def beats(self) -> str:
        """Hash: service instance -> its latest heartbeat."""
        return self.prefix + "beats"

    def note(self, name: str) -> str:
        """Document of which the newest alone counts: `health`, `alerts`."""
        return self.prefix + name

    def contracts(self) -> str:
        """Hash: symbol -> newest row of the contract table that the hub was given."""
        return self.prefix + "contracts"

    def command_done(self, command_id: str) -> str:
        """Marks that a command has its result event (in the slot of `events`)."""
        return f"{{{self.prefix}events}}:done:{command_id}"

    def _sharded(self, shard: int, name: str) -> str:
        return f"{self.prefix}{{s{shard}}}:{name}"
