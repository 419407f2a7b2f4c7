# HOT: one `accept` per tick.
"""One shard as the publisher holds it: ring, last values, epochs, how far it is. No I/O."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Final

from mdhub.streams.errors import RecoveryError
from mdhub.streams.port import FIRST_ID, Entry, Positions
from mdhub.wire.entries import MarkerKind
from mdhub.wire.live import HubState
from mdhub_publisher.frames import Clean, Framer, resume_after_n
from mdhub_publisher.last_value import LastValues
from mdhub_publisher.ring import Ring

__all__ = ["Phase", "Shard"]

MAX_EPOCHS: Final = 16
STALLED_AFTER_NS: Final = 1_000_000_000
HOLDING_AFTER_NS: Final = 1_000_000_000


class Phase(StrEnum):
    """Where a shard is between a lost server and live output."""

    DOWN = "down"
    """No server."""
    HOLDING = "holding"
    """The server is another one; its leader has not spoken yet."""
    LOADING = "loading"
    """Reading up to where the log was when the connection was made."""
    LIVE = "live"


class Shard:
    """State of one shard. `accept` is told every entry that is read and says what to send."""

    def __init__(
        self,
        shard: int,
        *,
        ring: Ring | None = None,
        on_hole: Callable[[int, int, int], None] = lambda _shard, _first_n, _last_n: None,
    ) -> None:
        """`on_hole` is told the shard and which n (first, last) the log no longer had to read."""
        self.shard = shard
        self._on_hole = on_hole
        self.ring = Ring() if ring is None else ring  # an empty one is false
        self.last = LastValues()
        self.framer = Framer(shard)
        self.epochs: list[tuple[int, int]] = []
        self.phase = Phase.DOWN
        self.incarnation = ""
        """Of the server that the state below was read from."""
        self.cursor = FIRST_ID
        self.n = 0
        """Newest n held."""
        self.sent_n = 0
        """Newest n sent; entries up to it are taken in without sending."""
        self.target_n = 0
        """`loading` ends here."""
        self.leader_epoch = 0
        self.epoch = 0
        self.positions = Positions()
        self.first_available_n = 0
        self.duplicates = 0
        self.holes = 0
        self.unconfirmed_since_ns = 0
        """Since when no replica has confirmed the oldest that waits; 0 = nothing waits."""
        self._log_moved_ns = 0
        self._loaded = False

    @property
    def can_answer(self) -> bool:
        """Whether what is held is complete and of the log in force.

        While the server is away it still is: nothing newer can have been sent.
        """
        return self._loaded and self.phase in (Phase.LIVE, Phase.DOWN)

    def accept(self, entry: Entry) -> Clean | None:
        """Take in the next entry; return it if it is to be sent.

        Raises RecoveryError if the log turns out to be another one than it was.
        """
        self.cursor = entry[0]
        clean = self.framer.clean(entry[0], entry[1])
        if clean is None:
            return None
        n = clean.n
        if n != self.n + 1 and not self._expected(clean):
            return None
        if clean.kind == MarkerKind.EPOCH:
            self._open_epoch(clean)
        self.n = n
        self.epoch = clean.epoch
        self.ring.put(clean)
        self.last.update(clean)
        if n <= self.sent_n:
            return None
        self.sent_n = n
        return clean

    def restore(self, entry: Entry) -> None:
        """Take in a last value from a snapshot: older than what will be read, not for sending."""
        clean = self.framer.clean(entry[0], entry[1])
        if clean is not None:
            self.last.update(clean)

    def forget(self, *, sent_n: int, n: int = 0, cursor: bytes = FIRST_ID) -> None:
        """Drop what was held and start over behind `n`; what lies behind `sent_n` is sent."""
        self.ring.clear()
        self.last.clear()
        self.sent_n = sent_n
        self.n = n
        self.epoch = 0
        self.cursor = cursor
        self._loaded = False

    def batch_done(self, count: int) -> None:
        """Go live once everything is read that the log had at the connection."""
        if self.phase is Phase.LOADING and (not count or self.n >= self.target_n):
            self.phase = Phase.LIVE
            self.epoch = max(self.epoch, self.leader_epoch)
            self._loaded = True

    def observe(self, positions: Positions, now_ns: int) -> None:
        """Take in what the log says of itself; `now_ns` is monotonic."""
        if positions.log_ns != self.positions.log_ns:
            self._log_moved_ns = now_ns
        self.positions = positions

    def state(self, now_ns: int) -> HubState:
        """State for the heartbeat."""
        if self.phase in (Phase.HOLDING, Phase.LOADING):
            return HubState.HOLDING
        waits_since_ns = self.unconfirmed_since_ns
        if waits_since_ns and now_ns - waits_since_ns > HOLDING_AFTER_NS:
            return HubState.HOLDING
        if self.phase is Phase.DOWN or now_ns - self._log_moved_ns > STALLED_AFTER_NS:
            return HubState.STALLED
        return HubState.OK

    def _expected(self, clean: Clean) -> bool:
        if clean.n <= self.n and clean.epoch <= self.epoch:
            self.duplicates += 1
            return False
        if clean.n > self.n + 1 and self.n:
            self.holes += clean.n - self.n - 1
            self._on_hole(self.shard, self.n + 1, clean.n - 1)
        return True

    def _open_epoch(self, clean: Clean) -> None:
        resume_n = resume_after_n(clean)
        if resume_n < self.n:
            self.incarnation = "cut"
            raise RecoveryError(
                f"shard {self.shard}: epoch {clean.epoch} resumes after n {resume_n}, but n "
                f"{self.n} was read from the same server; the log is read anew"
            )
        if not self.epochs or clean.epoch > self.epochs[-1][0]:
            self.epochs.append((clean.epoch, resume_n))
            del self.epochs[:-MAX_EPOCHS]
