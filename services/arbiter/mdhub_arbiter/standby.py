"""The hot standby: computes what the leader computes, compares, and is ready to take over.

It reads raw from its own cursor and folds it as far as the leader has committed. Wherever both are
at the same raw entry, n and digest must be the same: both folded the same entries with the same
rules. Start-up of every arbiter is this: recover, then stand by until nobody leads.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from mdhub.runtime.clock import SYSTEM, Clock
from mdhub.streams.ids import id_less
from mdhub.streams.port import Entry, Leadership, Log, Positions, Tail
from mdhub.streams.topology import RAW
from mdhub_arbiter.decide import decide
from mdhub_arbiter.recovery import Recovered, digest_text, recover
from mdhub_arbiter.state import State
from mdhub_arbiter.vacancy import TAKEOVER_S, Vacancy

__all__ = ["Mismatch", "Standby"]

READ_COUNT: Final = 2_000
MOST_WAITING: Final = 50_000
"""Raw entries held unfolded; what is more waits in the log."""
MEND_EVERY_NS: Final = 1_000_000_000
STRIKES: Final = 2
"""Mismatches after which a standby never takes over."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The leader and this standby computed different outputs of the same raw entries."""

    raw: bytes
    """Raw entry at which it showed."""
    leader: tuple[int, str]
    """n and digest that the leader committed."""
    own: tuple[int, str]
    after: bytes
    """Newest raw entry at which both were the same."""
    eligible: bool
    """Whether this standby may still take over."""
    overtaken: bool
    """Raw was trimmed past this standby's cursor: it is at fault, by being slow."""


class Standby:
    """One shard, followed until it is vacant. Any StreamsError: make a new one."""

    def __init__(
        self,
        log: Log,
        *,
        shard: int,
        takeover_s: float = TAKEOVER_S,
        clock: Clock = SYSTEM,
        on_mismatch: Callable[[Mismatch], None] = lambda _: None,
    ) -> None:
        """Recover. `on_mismatch` is told each."""
        self._log = log
        self._shard = shard
        self._clock = clock
        self._vacancy = Vacancy(takeover_s=takeover_s)
        self._on_mismatch = on_mismatch
        self._waiting: deque[Entry] = deque()
        self._tail: Tail | None = None
        self.agreed = 0
        """Times that n and digest were compared and the same."""
        self.mismatches = 0
        self.overtaken = 0
        """Times that raw was trimmed past the cursor."""
        self.folded = 0
        """Raw entries folded since the last recovery."""
        self._mend_ns = 0
        self.seen = Leadership()
        self.at = Positions()
        self.recovered = self._recover()

    @property
    def state(self) -> State:
        return self.recovered.state

    @property
    def cursor(self) -> bytes:
        """Newest raw entry in the state."""
        return self._folded_to

    @property
    def eligible(self) -> bool:
        """Whether it may take over: not after it twice computed something else."""
        return self.mismatches < STRIKES

    @property
    def waiting(self) -> int:
        """Raw entries read and not yet folded."""
        return len(self._waiting)

    def step(self) -> bool:
        """Look once: read raw, fold what is committed, compare; True if nobody leads.

        When true, `candidate` is what to take over with. Raises StreamsError.
        """
        if self.eligible:
            self._read()
        asked_ns = self._clock.monotonic_ns()
        self.seen, self.at = self._log.watch(self._shard)
        vacant = self._vacancy.look(
            self.seen,
            self._log.incarnation(self._shard),
            asked_ns=asked_ns,
            answered_ns=self._clock.monotonic_ns(),
        )
        if not vacant and not self.recovered.agrees:
            self._mend(asked_ns)
        return self.eligible and self._fold() and vacant

    def candidate(self) -> Recovered:
        """State as of the committed position, to take over with."""
        recovered = self.recovered
        return replace(recovered, at=self.at, folded=recovered.folded + self.folded)

    def close(self) -> None:
        """Close the cursor reader."""
        if self._tail is not None:
            self._tail.close()
            self._tail = None

    def _recover(self) -> Recovered:
        self.close()
        self._waiting.clear()
        recovered = recover(self._log, self._shard)
        self._folded_to = self._same_at = recovered.at.raw
        self.folded = 0
        self._tail = self._log.tail(RAW, shard=self._shard, after=recovered.at.raw)
        return recovered

    def _mend(self, now_ns: int) -> None:
        """Load the leader's next snapshot: what the log could not tell at the start is in it."""
        if now_ns < self._mend_ns:
            return
        self._mend_ns = now_ns + MEND_EVERY_NS
        newest = self._log.manifests(self._shard)[:1]
        if newest and id_less(self.recovered.at.raw, newest[0].raw):
            self.recovered = self._recover()

    def _read(self) -> None:
        tail = self._tail
        while tail is not None and len(self._waiting) < MOST_WAITING:
            entries = tail.read(block_ms=0, count=READ_COUNT)
            self._waiting += entries
            if len(entries) < READ_COUNT:
                return

    def _fold(self) -> bool:
        """Fold up to the committed position and compare there; True if there and the same."""
        upto, waiting, state = self.at.raw, self._waiting, self.recovered.state
        while waiting and not id_less(upto, waiting[0][0]):
            entry_id, fields = waiting.popleft()
            decide(state, entry_id, fields)
            self._folded_to = entry_id
            self.folded += 1
        if self._folded_to != upto and not waiting:
            return False  # what the leader folded last is not read yet
        if self._folded_to == upto and self._same():
            self.agreed += 1
            self._same_at = upto
            return True
        # Otherwise, or if the entry committed was skipped: it is not there any more to be read.
        self._disagree()
        return False

    def _same(self) -> bool:
        state, at = self.recovered.state, self.at
        return (state.n, digest_text(state.digest)) == (at.n, at.digest or digest_text(0))

    def _disagree(self) -> None:
        state = self.recovered.state
        oldest = self._log.entries(RAW, shard=self._shard, count=1)
        overtaken = bool(oldest) and id_less(self._same_at, oldest[0][0])
        self.mismatches += not overtaken
        self.overtaken += overtaken
        mismatch = Mismatch(
            self.at.raw,
            leader=(self.at.n, self.at.digest),
            own=(state.n, digest_text(state.digest)),
            after=self._same_at,
            eligible=self.eligible,
            overtaken=overtaken,
        )
        self._on_mismatch(mismatch)
        if self.eligible:
            self.recovered = self._recover()
