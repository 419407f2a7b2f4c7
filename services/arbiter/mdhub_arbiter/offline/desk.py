# HOT: the loop around `decide`; what is not needed for a verdict happens in lines.py.
"""Rows through `decide` as a leader would write them to raw: `lead` first, clocks in between.

The clock runs by the arrival times, an entry every 100 ms as a leader writes it; over a break it
runs on for ten seconds, so that whatever waits for time gets it, and then jumps.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from msgspec import Raw

from mdhub.wire.codec import control
from mdhub.wire.entries import Clock, ControlKind, Lead
from mdhub_arbiter.decide import Output, decide
from mdhub_arbiter.offline.arrivals import Arrival
from mdhub_arbiter.settings import Settings, Wanted, missing
from mdhub_arbiter.state import State

__all__ = ["CLOCK_EVERY_NS", "Desk", "Outcome"]

CLOCK_EVERY_NS: Final = 100_000_000
RUN_ON_NS: Final = 10_000_000_000
WRITER: Final = "arbiter"
MS_NS: Final = 1_000_000


class Outcome(NamedTuple):
    """What one raw entry led to."""

    arrival: Arrival | None
    """The row decided; None = a clock entry."""
    entry_id: bytes
    outputs: list[Output]
    """Each is about this entry, or about one that had waited."""
    duplicate: bool = False
    """The row is a copy of an accepted one; nothing is put out about it."""


class Desk:
    """One fold over rows. Ids of raw entries: `<row>-0` for rows, `<row>-<j>` for clocks after it.

    `arrivals` must come in the order in which they are to be decided.
    """

    def __init__(self, wanted: Wanted | None = None) -> None:
        self._wanted = wanted or Wanted(Settings())
        self.state: Final = State()
        self.entries = 0
        """Raw entries folded: rows and controls."""
        self._rows = 0
        self._controls = 0
        self._clock_ns = 0
        self._next_ns = 0
        self._duplicates: dict[str, int] = {}

    def fold(self, arrivals: Iterable[Arrival]) -> list[Outcome]:
        """Decide rows; one outcome each, plus those of clocks that had any output."""
        outcomes: list[Outcome] = []
        for arrival in arrivals:
            if not arrival.payload:
                outcomes.append(Outcome(arrival, b"", []))
                continue
            if arrival.recv_ns >= self._next_ns:
                self._run_clock(arrival.recv_ns, outcomes)
            self._rows += 1
            self.entries += 1
            self._controls = 0
            entry_id = b"%d-0" % self._rows
            outputs = decide(self.state, entry_id, [b"t", arrival.payload])
            duplicate = self._is_duplicate(arrival.source)
            outcomes.append(Outcome(arrival, entry_id, outputs, duplicate))
        return outcomes

    def finish(self) -> list[Outcome]:
        """Let time pass after the last row: what still waits for it is decided."""
        outcomes: list[Outcome] = []
        if self._clock_ns:
            self._run_clock(self._clock_ns + RUN_ON_NS, outcomes)
        return outcomes

    def _is_duplicate(self, source: str) -> bool:
        """Tell a duplicate from a row that only waits: both have no output."""
        counted = self.state.source(source).duplicate
        before = self._duplicates.get(source, 0)
        self._duplicates[source] = counted
        return counted != before

    def _run_clock(self, recv_ns: int, outcomes: list[Outcome]) -> None:
        upto_ns = recv_ns // CLOCK_EVERY_NS * CLOCK_EVERY_NS
        if not self._clock_ns:
            lead = Lead(1, "offline", "0-0", 0, upto_ns // MS_NS, upto_ns)
            self._control(ControlKind.LEAD, lead, outcomes)
            if self._wanted.calendar is not None:
                for part in self._wanted.calendar.parts:
                    self._control(ControlKind.CALENDAR, Raw(part), outcomes)
            for kind, body in missing(self.state, self._wanted):
                self._control(kind, body, outcomes)
        else:
            dense_ns = min(upto_ns, self._clock_ns + RUN_ON_NS)
            step = CLOCK_EVERY_NS
            for wall_ns in range(self._clock_ns + step, dense_ns + step, step):
                self._control(ControlKind.CLOCK, Clock(wall_ns), outcomes)
            if upto_ns > dense_ns:
                self._control(ControlKind.CLOCK, Clock(upto_ns), outcomes)
        self._clock_ns = upto_ns
        self._next_ns = upto_ns + CLOCK_EVERY_NS

    def _control(self, kind: str, body: object, outcomes: list[Outcome]) -> None:
        self._controls += 1
        self.entries += 1
        entry_id = b"%d-%d" % (self._rows, self._controls)
        entry = control(kind, WRITER, 1, self._controls, 0, body)
        outputs = decide(self.state, entry_id, [b"c", entry])
        if outputs:
            outcomes.append(Outcome(None, entry_id, outputs))
