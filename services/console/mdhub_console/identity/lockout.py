"""Who failed too often waits: by name and by address, five failures, then 1 min doubling to 15.

Pure. In memory: a restart forgets it, and nobody outside can cause one. Never for ever: a name
that is attacked is free again after a quarter of an hour at most.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

__all__ = ["FREE", "FULL", "LONGEST_S", "Lockout"]

FREE: Final = 5
"""Failures before the first wait."""
FIRST_S: Final = 60
LONGEST_S: Final = 900
FORGET_S: Final = 3_600
"""Who has not failed for so long starts anew."""
FULL: Final = 10_000
"""Names, and addresses, that are remembered; then those that failed longest ago go."""


@dataclass(slots=True)
class _Failures:
    count: int = 0
    last_s: float = 0.0

    def until_s(self) -> float:
        if self.count < FREE:
            return 0.0
        return self.last_s + min(LONGEST_S, FIRST_S << min(self.count - FREE, 10))


class Lockout:
    """Failures by key. Keys are of one kind: names, or addresses."""

    def __init__(self) -> None:
        self._by_key: OrderedDict[str, _Failures] = OrderedDict()

    def wait_s(self, key: str, now_s: float) -> float:
        """Seconds until a key may try again; 0 = now."""
        found = self._by_key.get(key)
        return 0.0 if found is None else max(0.0, found.until_s() - now_s)

    def failed(self, key: str, now_s: float) -> None:
        """Count a failure."""
        found = self._by_key.pop(key, None)
        if found is None or now_s - found.last_s > FORGET_S:
            found = _Failures()
        found.count += 1
        found.last_s = now_s
        self._by_key[key] = found
        if len(self._by_key) > FULL:
            self._by_key.popitem(last=False)

    def succeeded(self, key: str) -> None:
        """Forget the failures of a key."""
        self._by_key.pop(key, None)
