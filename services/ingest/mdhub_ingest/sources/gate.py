"""The last thing before a source's delivery: for a while it lets nothing through.

A source freezes, is stuck or is disconnected for a drawn span, every so often. So that the other
source has surely delivered what is withheld, the last second of a span is not lost but comes all
at once, in order, when the gate opens again: what a race takes late it cannot take any more.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from enum import StrEnum
from random import Random
from typing import Final, NamedTuple

from mdhub.market.snapshot import Snapshot

__all__ = ["KEPT_NS", "Gate", "Outage", "OutagePlan"]

KEPT_NS: Final = 1_000_000_000
"""Wall time before the opening of which nothing is lost."""
_SECOND_NS: Final = 1_000_000_000
_STUCK_SHARE: Final = 0.2
"""So many of the snapshots withheld by a stuck source are answered by an old one."""
_NEVER: Final = 1 << 63

Span = tuple[float, float]


class Outage(StrEnum):
    """Why a source delivers nothing. The values are the names of the counters."""

    FROZEN = "frozen"
    """Nothing comes although all is well with the process."""
    STUCK = "stuck"
    """The contract's last snapshot comes again, with its old time, in place of new ones."""
    DISCONNECTED = "disconnected"
    """The feed is gone; after it the last snapshot of every contract is pushed again."""


class OutagePlan(NamedTuple):
    """How often an outage comes and how long it takes, in wall seconds."""

    kind: Outage
    every_s: Span
    for_s: Span


class _Withheld(NamedTuple):
    at_ns: int
    snapshot: Snapshot
    genuine: bool


class Gate:
    """Passes snapshots on to `emit`, or withholds them. One thread.

    `on_change` is told when a source disconnects and comes back; the other outages are silent.
    """

    def __init__(
        self,
        plans: list[OutagePlan],
        *,
        rng: Random,
        counts: Counter[str],
        on_change: Callable[[str, dict[str, int]], object] = lambda _what, _facts: None,
    ) -> None:
        self.on_change = on_change
        self._plans: Final = plans
        self._rng: Final = rng
        self._counts: Final = counts
        self._kind: Outage | None = None
        self._next: list[int] = [_NEVER] * len(plans)
        self._rest_until_ns = 0
        """Between two outages there is good flow for a while."""
        self._opens_ns = 0
        self._closed_ns = 0
        self._withheld: deque[_Withheld] = deque()
        self._gone = 0
        self._known: dict[str, Snapshot] = {}
        """What the front would push again of each contract."""
        self._stale: dict[str, Snapshot] = {}

    def begin(self, emit: Callable[[Snapshot], None], calm_until_ns: int) -> None:
        """Deliver here from now on; the first outage is counted from the end of the calm."""
        self._emit = emit
        self._next = [self._drawn(plan.every_s, calm_until_ns) for plan in self._plans]

    def put(self, snapshot: Snapshot, now_ns: int, *, genuine: bool) -> None:
        """Take one snapshot to deliver; one that was corrupted is not `genuine`."""
        if self._kind is None:
            if self._plans and genuine:
                self._known[snapshot.symbol] = snapshot
            self._emit(snapshot)
            return
        self._withheld.append(_Withheld(now_ns, snapshot, genuine))
        self._let_go(now_ns)
        if self._kind is Outage.STUCK and self._rng.random() < _STUCK_SHARE:
            last = self._stale.get(snapshot.symbol)
            if last is not None:
                self._emit(last)

    def turn(self, now_ns: int) -> None:
        """Close or open if it is time. Call it often."""
        if not self._plans:
            return
        if self._kind is not None:
            if now_ns >= self._opens_ns:
                self.open(now_ns)
            return
        # The one that has waited longest: a frequent kind does not starve the others.
        due_ns = min(self._next)
        if now_ns >= max(due_ns, self._rest_until_ns):
            self._close(self._plans[self._next.index(due_ns)], now_ns)

    def open(self, now_ns: int) -> None:
        """Deliver again, now: what was withheld last comes at once. Nothing if it is open."""
        if self._kind is None:
            return
        kind, self._kind = self._kind, None
        self._let_go(now_ns)
        self._counts["withheld"] += self._gone
        if kind is Outage.DISCONNECTED:
            for snapshot in self._known.values():
                self._emit(snapshot)
            self._counts["pushed_again"] += len(self._known)
            facts = {"away_ms": (now_ns - self._closed_ns) // 1_000_000, "missed": self._gone}
            self.on_change("connected", facts)
        kept, self._withheld, self._gone = self._withheld, deque(), 0
        for each in kept:
            self.put(each.snapshot, now_ns, genuine=each.genuine)
        self._rest_until_ns = now_ns + KEPT_NS

    def _close(self, plan: OutagePlan, now_ns: int) -> None:
        self._kind = plan.kind
        self._closed_ns, self._opens_ns = now_ns, self._drawn(plan.for_s, now_ns)
        place = self._plans.index(plan)
        self._next[place] = self._drawn(plan.every_s, self._opens_ns)
        self._counts[plan.kind] += 1
        self._stale = dict(self._known) if plan.kind is Outage.STUCK else {}
        if plan.kind is Outage.DISCONNECTED:
            self.on_change("disconnected", {})

    def _let_go(self, now_ns: int) -> None:
        """Lose what the other source has surely delivered by now."""
        while self._withheld and now_ns - self._withheld[0].at_ns > KEPT_NS:
            _, snapshot, genuine = self._withheld.popleft()
            if genuine:
                self._known[snapshot.symbol] = snapshot
            self._gone += 1

    def _drawn(self, span: Span, from_ns: int) -> int:
        return from_ns + int(self._rng.uniform(*span) * _SECOND_NS)
