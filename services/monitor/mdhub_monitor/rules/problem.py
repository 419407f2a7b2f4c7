"""What a rule finds, and the ledger that turns it into findings that begin once and end once."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import msgspec

from mdhub.health.model import Finding
from mdhub.wire.ops import Severity

__all__ = ["BEGAN", "CHANGED", "ENDED", "Ledger", "Problem", "Said"]

SECOND_NS: Final = 1_000_000_000
CLEAR_NS: Final = 3 * SECOND_NS
"""A problem must be gone for so long before its finding ends."""
RESTLESS_CLEAR_NS: Final = 60 * SECOND_NS
RESTLESS: Final = 3
"""One that began so often within ten minutes must be gone for a minute."""
MEMORY_NS: Final = 600 * SECOND_NS
MAX_FINDINGS: Final = 500
BEGAN: Final = "began"
CHANGED: Final = "changed"
ENDED: Final = "ended"


class Problem(NamedTuple):
    """Something that is wrong at this look."""

    rule: str
    subject: str
    severity: Severity
    facts: Mapping[str, int | float | str] = {}
    clear_ns: int = CLEAR_NS

    @property
    def key(self) -> str:
        return f"{self.rule}:{self.subject}"


class Said(NamedTuple):
    """A change worth an event."""

    change: str
    finding: Finding


@dataclass(slots=True)
class _Held:
    finding: Finding
    seen_ns: int
    clear_ns: int


@dataclass(slots=True)
class Ledger:
    """Findings of now. Times are wall time of the monitor, or log time offline."""

    dropped: int = 0
    """Problems beyond the bound."""
    _held: dict[str, _Held] = field(default_factory=dict)
    _began: dict[str, deque[int]] = field(default_factory=dict)

    def findings(self) -> list[Finding]:
        return [held.finding for held in self._held.values()]

    def look(
        self, problems: Iterable[Problem], now_ns: int, done: Mapping[str, str] | None = None
    ) -> list[Said]:
        """What began, changed or ended. `done` says by subject what the hub did about a source."""
        said: list[Said] = []
        for problem in problems:
            found = self._take(problem, now_ns, (done or {}).get(problem.key, ""))
            if found is not None:
                said.append(found)
        for key, held in list(self._held.items()):
            if now_ns - held.seen_ns >= held.clear_ns:
                del self._held[key]
                said.append(Said(ENDED, held.finding))
        self._forget(now_ns)
        return said

    def _take(self, problem: Problem, now_ns: int, done: str) -> Said | None:
        held = self._held.get(problem.key)
        if held is None:
            return self._begin(problem, now_ns, done)
        held.seen_ns = now_ns
        before = held.finding
        held.finding = msgspec.structs.replace(
            before, facts=dict(problem.facts), severity=problem.severity, done=done or before.done
        )
        changed = (before.severity, before.done) != (held.finding.severity, held.finding.done)
        return Said(CHANGED, held.finding) if changed else None

    def _begin(self, problem: Problem, now_ns: int, done: str) -> Said | None:
        if len(self._held) >= MAX_FINDINGS:
            self.dropped += 1
            return None
        began = self._began.setdefault(problem.key, deque(maxlen=RESTLESS))
        began.append(now_ns)
        restless = len(began) == RESTLESS
        finding = Finding(
            key=problem.key, rule=problem.rule, subject=problem.subject, done=done,
            severity=problem.severity, since_ns=now_ns, facts=dict(problem.facts),
        )  # fmt: skip
        clear_ns = max(problem.clear_ns, RESTLESS_CLEAR_NS if restless else 0)
        self._held[problem.key] = _Held(finding, now_ns, clear_ns)
        return Said(BEGAN, finding)

    def _forget(self, now_ns: int) -> None:
        for key, began in list(self._began.items()):
            while began and now_ns - began[0] > MEMORY_NS:
                began.popleft()
            if not began:
                del self._began[key]
