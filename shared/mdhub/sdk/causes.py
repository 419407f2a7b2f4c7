"""Why entries were missed, by what this client saw. Pure.

A hole itself does not say where it comes from. So facts are noted as they are seen (a connection
lost, another publisher behind an address, a pause of the strategy), and a gap is laid to the
strongest of those seen shortly before it was noticed, or since. What a gap came to, recovered
or not, is another matter: `Outcome`.
"""

from __future__ import annotations

from typing import Final

from mdhub.sdk.events import Cause

__all__ = ["WINDOW_NS", "Causes"]

WINDOW_NS: Final = 3_000_000_000
"""So long after a fact may its gap be noticed: a filtered client asks about tails once a second."""

_STRONGEST_FIRST: Final = (Cause.EPOCH, Cause.PUBLISHER, Cause.SLOW_READER, Cause.NETWORK)
"""A restarted publisher also looks like a lost connection, and so does a stopped strategy."""


class Causes:
    """The newest moment of each kind of fact; one per iteration."""

    def __init__(self) -> None:
        self.now_ns = 0
        """Newest moment this was told of; not to be read as a clock."""
        self._seen_ns: dict[Cause, int] = {}

    def saw(self, cause: Cause, now_ns: int) -> None:
        """Note a fact."""
        self._seen_ns[cause] = self.now_ns = now_ns

    def of(self, noticed_ns: int) -> Cause:
        """Tell why what was noticed then to be missing had not come."""
        for cause in _STRONGEST_FIRST:
            seen_ns = self._seen_ns.get(cause)
            if seen_ns is not None and seen_ns >= noticed_ns - WINDOW_NS:
                return cause
        return Cause.UNKNOWN
