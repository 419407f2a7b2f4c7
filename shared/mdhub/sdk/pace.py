# HOT: `Pace.events` runs once per message.
"""What becomes of a strategy that does not keep up: the policy that it has declared."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from mdhub.sdk.conflation import Conflation
from mdhub.sdk.errors import TooSlow
from mdhub.sdk.events import Access, SchemaMismatch
from mdhub.sdk.stream import Event, Stream

__all__ = ["POLL_MS", "News", "Pace", "SlowPolicy"]

POLL_MS: Final = 50
"""Longest wait inside the pump: so soon are `stop` and Ctrl-C noticed."""
_READ_ON_NS: Final = 50_000_000
"""Conflating, so long is read on before the strategy gets something."""
_FRESH_NS: Final = 5_000_000
"""Conflating, what was read longer ago may not be the newest any more: read first."""

SlowPolicy = Literal["all", "conflate", "disconnect"]
News = Event | SchemaMismatch | Access
Pump = Callable[[int], list[News]]
Paced = Iterator[tuple[News | None, int]]


@dataclass(frozen=True, slots=True)
class Pace:
    """A declared policy."""

    slow: SlowPolicy
    too_slow_s: float

    def __post_init__(self) -> None:
        """Check. Raises ValueError."""
        if self.slow not in ("all", "conflate", "disconnect"):
            raise ValueError(f"slow was {self.slow!r}, expected 'all', 'conflate' or 'disconnect'")
        if self.too_slow_s <= 0:
            raise ValueError(f"too_slow_s was {self.too_slow_s}, expected more than 0")

    def events(self, stream: Stream, pump: Pump) -> Paced:
        """Yield what is to be delivered and told, each with the ticks left out before it.

        `(None, 0)` after each turn, so that the caller can look at the time. Never ends.
        """
        return self._conflated(stream, pump) if self.slow == "conflate" else self._all(stream, pump)

    def _all(self, stream: Stream, pump: Pump) -> Paced:
        disconnects = self.slow == "disconnect"
        while True:
            events = pump(POLL_MS)
            if disconnects:
                self._check(stream)
            for event in events:
                yield event, 0
            yield None, 0

    def _conflated(self, stream: Stream, pump: Pump) -> Paced:
        waiting = Conflation[News]()
        while True:
            waiting.add(pump(0 if waiting else POLL_MS))
            until_ns = time.monotonic_ns() + _READ_ON_NS
            while stream.behind_ns and time.monotonic_ns() < until_ns:
                waiting.add(pump(0))
            if waiting.full:
                raise _too_slow(stream)
            until_ns = time.monotonic_ns() + _FRESH_NS
            while (taken := waiting.take()) is not None:
                yield taken
                if time.monotonic_ns() > until_ns:
                    break
            yield None, 0

    def _check(self, stream: Stream) -> None:
        if stream.behind_ns > self.too_slow_s * 1e9:
            raise _too_slow(stream)


def _too_slow(stream: Stream) -> TooSlow:
    behind_s = stream.behind_ns / 1e9
    return TooSlow(behind_s=behind_s, waiting=stream.count_waiting())
