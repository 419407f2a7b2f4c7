"""A client of the hub that measures silence: what strategies see while something is swapped."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Self

import mdhub
from mdhub.cli.tail import Publishers

__all__ = ["Client", "Heard"]


@dataclass(frozen=True, slots=True)
class Heard:
    """What a client got in a span of time."""

    ticks: int
    longest_ms: float
    """Longest time without a tick."""
    lost: int
    """Holes that nobody could fill."""


class Client:
    """Follows everything in a thread of its own."""

    def __init__(self, where: Publishers) -> None:
        """Raises SdkError if nobody answers."""
        self._hub = mdhub.connect(*where.endpoints, server_key=where.server_key, key=where.key)
        self._hub.on_gap = self._hole
        self._lock = threading.Lock()
        self._last_s = time.monotonic()
        self._longest_s = 0.0
        self._ticks = 0
        self._lost = 0
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._follow, name="client", daemon=True)

    def begin(self) -> None:
        """Count from now on; silence counts from the tick before."""
        with self._lock:
            self._longest_s, self._ticks, self._lost = 0.0, 0, 0

    def heard(self) -> Heard:
        """Since `begin`. Raises what ended the client."""
        with self._lock:
            if self._error is not None:
                raise self._error
            longest_s = max(self._longest_s, time.monotonic() - self._last_s)
            return Heard(self._ticks, round(1000 * longest_s, 1), self._lost)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._hub.stop()
        self._thread.join(5)
        self._hub.close()

    def _follow(self) -> None:
        try:
            for delivery in self._hub.deliveries():
                if not delivery.snapshot:
                    self._tick()
        except BaseException as error:  # noqa: BLE001 - raised by `heard`
            with self._lock:
                self._error = error

    def _tick(self) -> None:
        now_s = time.monotonic()
        with self._lock:
            self._longest_s = max(self._longest_s, now_s - self._last_s)
            self._last_s = now_s
            self._ticks += 1

    def _hole(self, _start: object, _end: object, _cause: str, recovered: bool) -> None:  # noqa: FBT001 - the SDK's signature
        with self._lock:
            self._lost += not recovered
