"""How much of what a source wants it delivers.

Confirmed is what has sent a tick since it was asked for. A CTP front answers a subscription with
the newest snapshot of the contract at once, at any hour and also of a contract that has never
traded, so it is assumed that no answer is no market's doing: the request was lost (asked again),
or the front does not know the contract (silent after the last time). Gateways that push nothing on
subscription have sleepy contracts among the silent ones; a tick that comes later confirms them.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

import msgspec

__all__ = ["EXAMPLES", "Counts", "Coverage", "Tally", "worth_saying"]

EXAMPLES: Final = 20


class Counts(msgspec.Struct, frozen=True):
    """Instruments wanted, and what has become of them."""

    wanted: int = 0
    asked: int = 0
    """At least once on this connection."""
    confirmed: int = 0
    silent: int = 0
    """Asked for the last time in vain; a reconnection or the next open begins anew."""
    over_limit: int = 0
    """Never asked: more than the front may be asked for."""


class Coverage(Counts, frozen=True, kw_only=True):
    """Counts of all, and by exchange; lists are bounded and in the order of asking."""

    by_exchange: dict[str, Counts] = {}
    probing: int = 0
    """Subscribed for their first tick only; not among the wanted."""
    expired: int = 0
    """Listed, but past their last day."""
    silent_examples: tuple[str, ...] = ()
    over_limit_examples: tuple[str, ...] = ()
    unmatched: tuple[str, ...] = ()
    """Rules that mean nothing of what is listed: often a slip of the pen."""
    undecided: tuple[str, ...] = ()
    """Choices such as `dominant rb.SHFE` that wait for first ticks (examples)."""

    @property
    def complete(self) -> bool:
        """All that is wanted has been confirmed."""
        return self.confirmed == self.wanted and not self.undecided


class Tally:
    """Running counts of instruments by exchange and by what they count as; empty = not at all."""

    def __init__(self) -> None:
        self._counts: dict[str, Counter[str]] = {}

    def move(self, exchange: str, before: str, after: str) -> None:
        """One instrument counts as something else now."""
        if before == after:
            return
        counts = self._counts.get(exchange)
        if counts is None:
            counts = self._counts[exchange] = Counter()
        if before:
            counts[before] -= 1
        if after:
            counts[after] += 1

    def start_over(self) -> None:
        """All that were asked for are queued again."""
        for counts in self._counts.values():
            for name in ("asked", "confirmed", "silent"):
                counts["queued"] += counts[name]
                counts[name] = 0

    def sum(self, *names: str) -> int:
        return sum(counts[name] for counts in self._counts.values() for name in names)

    def by_exchange(self, *, full: bool) -> dict[str, Counts]:
        """Counts of exchanges with anything wanted. `full`: what waits does so for the limit."""
        found = {name: _counts(counts, full=full) for name, counts in self._counts.items()}
        return {name: found[name] for name in sorted(found) if found[name].wanted}


def worth_saying(before: Coverage | None, now: Coverage) -> bool:
    """Tell whether people should hear of the change.

    They should when it has become complete or is no longer so, at every further tenth of what is
    wanted, when instruments fall silent or are heard again (from none to some, back to none, or one
    in a hundred of the wanted), and when what is over the limit or the rules without effect change.
    """
    if before is None:
        return now.wanted > 0 or bool(now.unmatched)
    return (
        before.complete != now.complete
        or _tenth(before) != _tenth(now)
        or _silence_changed(before, now)
        or before.over_limit != now.over_limit
        or before.unmatched != now.unmatched
    )


def _tenth(coverage: Coverage) -> int:
    return 10 * coverage.confirmed // coverage.wanted if coverage.wanted else 0


def _silence_changed(before: Counts, now: Counts) -> bool:
    if (before.silent == 0) != (now.silent == 0):
        return True
    return 100 * abs(now.silent - before.silent) >= max(100, now.wanted)


def _counts(counts: Counter[str], *, full: bool) -> Counts:
    asked = counts["asked"] + counts["confirmed"] + counts["silent"]
    return Counts(
        wanted=asked + counts["queued"] + counts["waiting"],
        asked=asked,
        confirmed=counts["confirmed"],
        silent=counts["silent"],
        over_limit=counts["waiting"] if full else 0,
    )
