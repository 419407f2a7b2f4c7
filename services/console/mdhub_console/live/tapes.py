"""Contracts that somebody looks at: one thread follows them, and only while somebody does.

It registers no cursor and reads a bounded number of the newest entries at a time, so it neither
holds up retention nor falls behind: what comes faster is passed over, and the page says so.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from mdhub.runtime.backoff import Backoff
from mdhub.runtime.clock import SYSTEM, Clock
from mdhub.runtime.outage import Outage
from mdhub.runtime.threads import name_thread
from mdhub.streams.ids import id_parts
from mdhub.streams.port import FIRST_ID, Entry, Log
from mdhub.streams.topology import CLEAN, RAW, REJECTED, Stream
from mdhub.wire.errors import MdhubError
from mdhub_console.live.tape import Tape
from mdhub_console.read.scan import backwards

__all__ = ["MOST", "Tapes", "TooManyContracts"]

MOST: Final = 32
"""Contracts that are followed at once, for all tabs together."""
LEASE_S: Final = 10.0
"""So long a contract is followed after a page was made of it; a tab's stream keeps it longer."""
EVERY_S: Final = 0.25
AT_MOST: Final = 4_000
"""Entries of a stream that are read at a time: four calls of about a millisecond."""


class TooManyContracts(MdhubError):
    """As many contracts are followed as the console follows."""


class _Says(Protocol):
    def info(self, event: str, /, **fields: Any) -> None: ...
    def warning(self, event: str, /, **fields: Any) -> None: ...


@dataclass(slots=True)
class _Held:
    tape: Tape
    until_s: float


class Tapes:
    """Ask with `tape` from any thread; it is followed until nobody wants it any more."""

    def __init__(
        self, open_log: Callable[[], Log], *, logger: _Says, clock: Clock = SYSTEM, most: int = MOST
    ) -> None:
        self._open = open_log
        self._clock = clock
        self._most = most
        self._outage = Outage(logger)
        self._backoff = Backoff(first_s=0.1, ceiling_s=2.0)
        self._lock = threading.Condition()
        self._held: dict[str, _Held] = {}
        self._wanted: frozenset[str] = frozenset()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self.version = 0
        """Grows with everything that is new of a contract that is followed."""
        self.refused = 0

    def start(self) -> None:
        """Begin; once."""
        self._thread = threading.Thread(target=self._run, name="console-tapes", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End within a second."""
        self._stop.set()
        with self._lock:
            self._lock.notify()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def tape(self, name: str, fill: Callable[[], Tape]) -> Tape:
        """The tape of a contract; `fill` reads what is there if nobody has looked at it yet.

        Raises TooManyContracts, and what `fill` raises.
        """
        with self._lock:
            held = self._held.get(name)
            if held is not None:
                held.until_s = self._clock.monotonic_s() + LEASE_S
                return held.tape
            if len(self._held) >= self._most:
                self.refused += 1
                raise TooManyContracts(
                    f"{self._most} contracts are followed for others: close pages of contracts"
                )
        tape = fill()
        with self._lock:
            made = _Held(tape, self._clock.monotonic_s() + LEASE_S)
            held = self._held.setdefault(name, made)
            self._lock.notify()
            return held.tape

    def want(self, names: Iterable[str]) -> None:
        """Open streams want these contracts now, and no others."""
        with self._lock:
            left = self._wanted - (wanted := frozenset(names))
            self._wanted = wanted
            for name in left & self._held.keys():
                self._held[name].until_s = self._clock.monotonic_s() + LEASE_S

    def state(self, name: str) -> dict[str, int]:
        """What a tab is told: that there is something new."""
        with self._lock:
            held = self._held.get(name)
            return {"version": held.tape.version if held else 0}

    def counters(self) -> dict[str, int]:
        """For the heartbeat."""
        with self._lock:
            return {"contracts_followed": len(self._held), "contracts_refused": self.refused}

    def _run(self) -> None:
        name_thread("console-tapes")
        while not self._stop.is_set():
            with self._lock:
                self._lock.wait_for(lambda: bool(self._held) or self._stop.is_set())
            try:
                self._follow()
            except Exception as error:  # noqa: BLE001 - a reader that ends shows the past for ever
                self._outage.away(error)
                self._stop.wait(self._backoff.next_s())

    def _follow(self) -> None:
        """Read until nobody wants anything or something breaks."""
        if self._stop.is_set():
            return
        log = self._open()
        try:
            while (tapes := self._still_wanted()) and not self._stop.is_set():
                for shard in {tape.shard for tape in tapes}:
                    self._read(log, shard, [tape for tape in tapes if tape.shard == shard])
                self._outage.back()
                self._backoff.reset()
                self._stop.wait(EVERY_S)
        finally:
            log.close()

    def _still_wanted(self) -> list[Tape]:
        now_s = self._clock.monotonic_s()
        with self._lock:
            over = [
                name
                for name, held in self._held.items()
                if held.until_s < now_s and name not in self._wanted
            ]
            for name in over:
                del self._held[name]
            return [held.tape for held in self._held.values()]

    def _read(self, log: Log, shard: int, tapes: list[Tape]) -> None:
        raw, missed = _since(log, RAW, shard, tapes)
        decided = log.positions(shard).raw
        clean, _ = _since(log, CLEAN, shard, tapes)
        rejected, _ = _since(log, REJECTED, shard, tapes)
        for tape in tapes:
            before = tape.version
            if missed:
                tape.missed()
            tape.take(raw=raw, clean=clean, rejected=rejected, decided=decided)
            self.version += tape.version != before


def _since(log: Log, stream: Stream, shard: int, tapes: list[Tape]) -> tuple[list[Entry], bool]:
    """The newest entries that some tape has not had, in order; whether some were passed over."""
    cursors = [tape.cursors.get(stream.name, FIRST_ID) for tape in tapes]
    first = b"(" + min(cursors, key=id_parts)
    entries = list(backwards(log, stream, shard, first=first, at_most=AT_MOST))
    return entries[::-1], len(entries) >= AT_MOST
