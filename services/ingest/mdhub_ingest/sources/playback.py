"""Playing a market by the hub's market clock; the pacing shared by `sim` and `recording`.

1. At start the player asks for the market clock and begins a little before market now: what a
   restarted source skipped has then surely been delivered by the other one.
2. A snapshot is due when the market clock reaches the time it was made, plus the source's lag.
3. Over a break the clock is moved: everything pending is sent, the market rests for a second of
   wall time, so that slower sources are through as well, and then the clock is asked to jump.
   For another second nothing is lost, corrupted or delayed.
4. A step of this host's wall clock moves no market: the player's own clock is anchored once.
5. The player ends at `until_ns`; every snapshot made before it has then been sent.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from typing import Final, NamedTuple

import msgspec

from mdhub.market.playlist import BREAK_NS
from mdhub.market.snapshot import Snapshot
from mdhub.runtime.clock import AnchoredClock
from mdhub.wire.entries import MarketClock
from mdhub_ingest.sources.ahead import with_space
from mdhub_ingest.sources.misbehave import SPACE_NS, Misbehaver, Misbehaviour
from mdhub_ingest.sources.port import Emit, Feed, RequestClock

__all__ = ["Playback", "Player"]

_SECOND_NS: Final = 1_000_000_000
_OVERLAP_NS: Final = _SECOND_NS
_REST_NS: Final = _SECOND_NS
_UNPACED_STEP_NS: Final = 600 * _SECOND_NS
_NAP_NS: Final = 200_000_000
"""Longest wait without a look at the clocks and at `crash_after_s`."""
_CRASHED: Final = 70
_SWAP_MAX_NS: Final = 5 * _SECOND_NS
"""How long a snapshot waits for the one it is to follow."""


class Playback(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From when to when a market is played, and how fast."""

    start_ns: int
    """Market time at which the hub's clock begins, if this source is the first to ask."""
    rate: float = 1.0
    """Market seconds per wall second; 0 = as fast as it goes."""
    until_ns: int | None = None
    """Market time of the end (exclusive); None = the market's own end."""
    jump: bool = True
    """Whether a break moves the clock; else it is waited for."""


class _Due(NamedTuple):
    """Something to send. `snapshot` None = push the contract's last delivered one again."""

    at_ns: int
    serial: int
    symbol: str
    snapshot: Snapshot | None
    genuine: bool = True


def _steady_ns() -> int:
    """Nanoseconds that no step of the wall clock moves; where the system can, a sleep counts."""
    boot_time = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic_ns() if boot_time is None else time.clock_gettime_ns(boot_time)


class Player:
    """Plays one feed once. `sent` and `counts` may be read from other threads at any time."""

    def __init__(  # noqa: PLR0913 - tests bring clocks and ends of their own
        self,
        feed: Feed,
        playback: Playback,
        *,
        request_clock: RequestClock,
        misbehaviour: Misbehaviour | None = None,
        wall_ns: Callable[[], int] | None = None,
        crash: Callable[[int], object] = os._exit,
        hang: Callable[[], object] = lambda: threading.Event().wait(),
    ) -> None:
        self.sent = 0
        self._feed = feed
        self._playback = playback
        self._request_clock = request_clock
        self._misbehaver = Misbehaver(misbehaviour or Misbehaviour())
        self._wall_ns = wall_ns or AnchoredClock(monotonic=_steady_ns).now_ns
        self._crash = crash
        self._hang = hang
        self._alive: Callable[[], object] = lambda: None
        self._gate = self._misbehaver.gate
        self._swapped: dict[str, tuple[int, Snapshot]] = {}
        """By contract: the snapshot to be sent behind the next one, and until when it waits."""
        self._due: list[_Due] = []
        self._serial = 0
        self._latest_ns = 0
        self._delivered: dict[str, Snapshot] = {}

    @property
    def counts(self) -> Counter[str]:
        """What the misbehaviour did so far, see `misbehave.MISDEEDS`."""
        return self._misbehaver.counts

    def attend(
        self, *, alive: Callable[[], object], on_change: Callable[[str, dict[str, int]], object]
    ) -> None:
        """Before `run`: `alive` is called at least every 0.2 s, `on_change` as Gate says."""
        self._alive = alive
        self._gate.on_change = on_change

    def run(self, emit: Emit, stop: threading.Event) -> None:
        """Play until the end or until `stop` is set."""
        self._stop = stop
        born_ns = self._wall_ns()
        life_ns, sane_ns = self._misbehaver.crash_after_ns(), self._misbehaver.hang_after_ns()
        self._crash_ns = None if life_ns is None else born_ns + life_ns
        self._hang_ns = None if sane_ns is None else born_ns + sane_ns
        self._calm_until_ns = born_ns + int(self._misbehaver.settings.calm_s * _SECOND_NS)
        self._clock = self._ask_clock(self._playback.start_ns, self._playback.rate)
        self._emit = emit
        self._gate.begin(self._deliver, self._calm_until_ns)
        for snapshot, spaced in self._coming():
            self._keep_pace(snapshot.made_ns)
            if stop.is_set():
                return
            self._plan(snapshot, spaced=spaced)
        self._drain()
        if not stop.is_set():
            self._gate.open(self._wall_ns())

    def _coming(self) -> Iterator[tuple[Snapshot, bool]]:
        clock, until_ns = self._clock, self._playback.until_ns
        overlap_ns = int(_OVERLAP_NS * clock.rate) or _UNPACED_STEP_NS
        feed = self._feed(self._market_ns() - overlap_ns)
        if until_ns is not None:
            feed = _before(feed, until_ns)
        if not clock.rate or not self._misbehaver.settings.bites():
            return ((snapshot, False) for snapshot in feed)
        return with_space(feed, int(SPACE_NS * clock.rate))

    def _keep_pace(self, made_ns: int) -> None:
        """Return when a snapshot may be sent: wait, or move the clock."""
        if not self._clock.rate:
            if made_ns >= self._clock.market_ns:
                self._clock = self._ask_clock(made_ns, 0.0)
            self._send_due()
            return
        if self._playback.jump and made_ns - self._market_ns() > BREAK_NS:
            self._drain()
            self._gate.open(self._wall_ns())
            self._wait_until(self._wall_ns() + _REST_NS)
            if not self._stop.is_set():
                self._clock = self._ask_clock(made_ns, self._clock.rate)
                # The other source may still be resting, and cannot fill a hole made now.
                self._calm_until_ns = max(self._calm_until_ns, self._wall_ns() + _REST_NS)
        self._wait_until(self._wall_of(made_ns))

    def _ask_clock(self, market_ns: int, rate: float) -> MarketClock:
        """Move the clock there; unpaced it stands a step ahead: no tick may be ahead of it."""
        return self._request_clock(market_ns if rate else market_ns + _UNPACED_STEP_NS, rate)

    def _plan(self, snapshot: Snapshot, *, spaced: bool) -> None:
        previous = self._delivered.get(snapshot.symbol)
        calm = self._wall_ns() < self._calm_until_ns
        fate = self._misbehaver.fate(snapshot, spaced=spaced, previous=previous, calm=calm)
        due_ns = self._next_due_ns(snapshot.made_ns)
        if fate.swapped and self._clock.rate:
            self._unswap(snapshot.symbol, due_ns)
            self._swapped[snapshot.symbol] = (due_ns + _SWAP_MAX_NS, snapshot)
        elif fate.snapshot is not None:
            genuine = fate.snapshot is snapshot
            self._push(due_ns + fate.delay_ns, snapshot.symbol, fate.snapshot, genuine=genuine)
            self._unswap(snapshot.symbol, due_ns + fate.delay_ns, counted=genuine)
        if fate.repeat_after_ns is not None:
            self._push(due_ns + fate.repeat_after_ns, snapshot.symbol, None)
        self._send_due()

    def _unswap(self, symbol: str, at_ns: int, *, counted: bool = False) -> None:
        """Send the contract's snapshot that has waited for another one to overtake it."""
        waiting = self._swapped.pop(symbol, None)
        if waiting is not None:
            self.counts["reordered"] += counted
            self._push(at_ns, symbol, waiting[1])

    def _unswap_late(self, now_ns: int) -> None:
        for symbol in [s for s, (until_ns, _) in self._swapped.items() if now_ns >= until_ns]:
            self._unswap(symbol, now_ns)

    def _next_due_ns(self, made_ns: int) -> int:
        lag_ns = self._misbehaver.lag_ns()
        if self._clock.rate:
            # A later snapshot never overtakes an earlier one, however the lags were drawn.
            self._latest_ns = max(self._latest_ns, self._wall_of(made_ns) + lag_ns)
        return self._latest_ns

    def _push(
        self, at_ns: int, symbol: str, snapshot: Snapshot | None, *, genuine: bool = True
    ) -> None:
        self._serial += 1
        heappush(self._due, _Due(at_ns, self._serial, symbol, snapshot, genuine))

    def _wait_until(self, wall_ns: int) -> None:
        """Send what falls due until then; returns at once when told to stop."""
        while not self._stop.is_set():
            self._send_due()
            now_ns = self._wall_ns()
            if now_ns >= wall_ns:
                return
            next_ns = min(wall_ns, self._due[0].at_ns) if self._due else wall_ns
            self._stop.wait(max(0, min(next_ns - now_ns, _NAP_NS)) / _SECOND_NS)

    def _drain(self) -> None:
        """Send everything pending, each at its time; repeats are not waited for."""
        for symbol in list(self._swapped):
            self._unswap(symbol, self._wall_ns())
        self._due = [due for due in self._due if due.snapshot is not None]
        self._due.sort()
        if self._due:
            self._wait_until(self._due[-1].at_ns)

    def _send_due(self) -> None:
        now_ns = self._wall_ns()
        self._alive()
        if self._crash_ns is not None and now_ns >= self._crash_ns:
            self._crash(_CRASHED)
        if self._hang_ns is not None and now_ns >= self._hang_ns:
            self._hang()
        if self._clock.rate:
            self._gate.turn(now_ns)
        if self._swapped:
            self._unswap_late(now_ns)
        while self._due and self._due[0].at_ns <= now_ns:
            self._send(heappop(self._due), now_ns)

    def _send(self, due: _Due, now_ns: int) -> None:
        snapshot, last = due.snapshot, self._delivered.get(due.symbol)
        if snapshot is None:
            if last is None:
                return
            self.counts["repeated"] += 1
            snapshot = last
        elif due.genuine and (last is None or snapshot.made_ns >= last.made_ns):
            self._delivered[due.symbol] = snapshot
        self._gate.put(snapshot, now_ns, genuine=due.genuine)

    def _deliver(self, snapshot: Snapshot) -> None:
        self.sent += 1
        self._emit(snapshot)

    def _market_ns(self) -> int:
        clock = self._clock
        return clock.market_ns + int((self._wall_ns() - clock.log_ns) * clock.rate)

    def _wall_of(self, made_ns: int) -> int:
        clock = self._clock
        return clock.log_ns + int((made_ns - clock.market_ns) / clock.rate)


def _before(feed: Iterator[Snapshot], until_ns: int) -> Iterator[Snapshot]:
    for snapshot in feed:
        if snapshot.made_ns >= until_ns:
            return
        yield snapshot
