# HOT: one `hold` and one `turn` per batch.
"""Holds what was read of a shard until a replica has it (publish after WAIT). No I/O of its own.

A failover promotes a replica, so an entry that only the master has may vanish, and its n may come
back with other content. In the profiles `replicated` and `cluster` such an entry is not shown to
anybody: it stays here, before `Shard.accept`. Therefore the n of heartbeats, snapshots, tails,
replay, ring and the cursor to go on from know nothing of it, and after a failover there is nothing
to take back. What the log says of itself (its time) waits the same way.

Why this is sound:
1. Whatever is covered by a question was read from the server before the question was asked.
2. Tail, log and confirmer lead to one server process (`Source._release`, `RedisConfirmer`).
3. The mark of the question is behind all of it in the replication stream; a replica that has the
   mark has all of it.
4. Sentinel promotes the replica that has most, where it can ask all that live. So one lost server
   costs nothing that was sent. (Two lost at once may: then the new leader's epoch says so.)

Bound: 20,000 entries; beyond that the tail is not asked for more, and the log keeps the rest.
Policy: wait, drop nothing. Counters: `held`, `unconfirmed`.
"""

from __future__ import annotations

from typing import Final

from mdhub.streams.errors import UnknownOutcome
from mdhub.streams.port import Confirmer, Entry, Positions
from mdhub_publisher.shard import Shard

__all__ = ["Gate"]

NEEDED: Final = 1
"""Replicas."""
MAX_HELD: Final = 20_000
WAIT_MS: Final = 100
RETRY_NS: Final = 20_000_000
"""After an answer that came too early to be good, such as that of a server without replicas."""
LEFT_AFTER_NS: Final = 2_000_000_000
"""A server that no replica follows for so long may be a master of the past: it is left, and who is
the master is asked anew. One that was cut off is demoted only 10 s after it is back."""


class Gate:
    """Of one shard and one connection: what it holds is dropped with it, and read again."""

    def __init__(self, shard: Shard, confirmer: Confirmer, *, patience_s: float) -> None:
        self.unconfirmed = 0
        """Questions that found too few replicas."""
        self.fileno = confirmer.fileno()
        """Becomes readable when an answer arrives."""
        self._shard = shard
        self._confirmer = confirmer
        self._patience_ns = WAIT_MS * 1_000_000 + int(patience_s * 1e9)
        self._held: list[Entry] = []
        self._positions: Positions | None = None
        self._covered = 0
        """Entries, from the oldest, that the question under way covers."""
        self._covered_positions: Positions | None = None
        self._asked_ns = 0
        """When; 0 = no question is under way."""
        self._next_ns = 0
        self._waiting_since_ns = 0
        """Since when the oldest unconfirmed thing waits; 0 = nothing does."""
        self.confirmed: Positions | None = None
        """Newest positions up to which replicas have everything."""

    @property
    def held(self) -> int:
        """Entries that wait."""
        return len(self._held)

    @property
    def full(self) -> bool:
        """Whether the tail must not be asked for more."""
        return len(self._held) >= MAX_HELD

    def hold(self, entries: list[Entry]) -> None:
        """Take in what was read."""
        self._held += entries

    def watch(self, positions: Positions) -> None:
        """Take in what the log said of itself."""
        self._positions = positions

    def turn(self, now_ns: int) -> list[Entry]:
        """Ask, or take the answer, without waiting; return what may be shown now, in order.

        Raises UnknownOutcome if the server does not answer, or no replica has followed it for 2 s.
        """
        released: list[Entry] = []
        if self._asked_ns:
            replicas = self._confirmer.take()
            if replicas is not None:
                released = self._answered(replicas, now_ns)
            elif now_ns - self._asked_ns > self._patience_ns:
                raise UnknownOutcome("the server hangs: replicas unknown", state="hanging")
        if not self._asked_ns and now_ns >= self._next_ns:
            self._ask(now_ns)
        return released

    def close(self) -> None:
        """Forget what is held; the confirmer's connection closes."""
        self._held.clear()
        self._shard.unconfirmed_since_ns = 0
        self._confirmer.close()

    def _ask(self, now_ns: int) -> None:
        if not self._held and self._positions is None:
            return
        self._covered, self._covered_positions = len(self._held), self._positions
        self._positions = None
        self._confirmer.ask(wait_ms=WAIT_MS)
        self._asked_ns = now_ns
        self._waiting_since_ns = self._waiting_since_ns or now_ns

    def _answered(self, replicas: int, now_ns: int) -> list[Entry]:
        asked_ns, self._asked_ns = self._asked_ns, 0
        covered, positions = self._covered, self._covered_positions
        if replicas < NEEDED:
            self.unconfirmed += 1
            self._positions = self._positions or positions
            self._next_ns = max(now_ns, asked_ns + RETRY_NS)
            self._shard.unconfirmed_since_ns = self._waiting_since_ns
            if now_ns - self._waiting_since_ns > LEFT_AFTER_NS:
                raise UnknownOutcome("no replica follows this server", state="noreplicas")
            return []
        self._waiting_since_ns = self._shard.unconfirmed_since_ns = 0
        if positions is not None:
            self.confirmed = positions
            self._shard.observe(positions, now_ns)
        released = self._held[:covered]
        del self._held[:covered]
        return released
