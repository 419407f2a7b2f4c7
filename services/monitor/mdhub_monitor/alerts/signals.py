"""Pure: from events, log lines and outages to findings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from mdhub.health.model import Finding
from mdhub.wire.ops import Event, EventKind, LogLine, Severity

__all__ = ["ALERTS_FAILED", "OWN_RULES", "ErrorLines", "Said", "away_finding", "said_by"]

ENDED: Final = "ended"
ERROR_LOGGED: Final = "error_logged"
SERVER_AWAY: Final = "server_away"
ALERTS_FAILED: Final = "alerts_failed"
"""Name of the alerts' own line of level error: an alert of it could fail again. It is counted."""
OWN_RULES: Final = frozenset({ERROR_LOGGED, SERVER_AWAY})
"""Found here: an event cannot tell of a server that takes no events."""
CALM_NS: Final = 600_000_000_000
"""An error that is not logged again for so long is over."""
MAX_KINDS: Final = 100
OTHERS: Final = "others"
MAX_NAME: Final = 128
MAX_TEXT: Final = 300
_TEXTS: Final = ("reason", "error", "source", "instance", "subject")
"""Fields of a line that an alert repeats."""


class Said(NamedTuple):
    """A finding, and whether it is over."""

    finding: Finding
    over: bool


def said_by(event: Event) -> Said | None:
    """What an event of kind `finding` says; None = something else, or it makes no sense."""
    if event.kind != EventKind.FINDING or not 0 < len(event.subject) <= 2 * MAX_NAME:
        return None
    body = event.body
    rule, _, subject = event.subject.partition(":")
    if rule in OWN_RULES:
        return None
    facts = body.get("facts")
    finding = Finding(
        key=event.subject,
        rule=rule,
        subject=subject,
        severity=str(body.get("severity") or event.severity),
        since_ns=_number(body.get("since_ns"), event.ts_ns),
        facts=_facts(facts if isinstance(facts, dict) else {}),
        done=str(body.get("done") or "")[:MAX_NAME],
    )
    return Said(finding, body.get("change") == ENDED)


def away_finding(since_ns: int, reason: str) -> Finding:
    """Make the finding that says that the log's server does not answer."""
    return Finding(
        key=f"{SERVER_AWAY}:",
        rule=SERVER_AWAY,
        subject="",
        severity=Severity.ERROR,
        since_ns=since_ns,
        facts={"reason": reason[:MAX_TEXT]},
    )


@dataclass(slots=True)
class _Kind:
    finding: Finding
    last_ns: int


class ErrorLines:
    """Lines of level error: one finding per service and name, until it is calm again."""

    def __init__(self) -> None:
        self._kinds: dict[str, _Kind] = {}

    def adopt(self, findings: Iterable[Finding], now_ns: int) -> None:
        """Go on with those of an earlier run."""
        for finding in findings:
            self._kinds.setdefault(finding.key, _Kind(finding, now_ns))

    def take(self, line: LogLine, now_ns: int) -> Finding | None:
        """Count a line; give the finding that it begins or goes on with."""
        own = (line.service, line.event) == ("monitor", ALERTS_FAILED)
        if own or line.level != Severity.ERROR or now_ns - line.ts_ns > CALM_NS:
            return None
        subject = f"{line.service}.{line.event}"[:MAX_NAME]
        key = f"{ERROR_LOGGED}:{subject}"
        if key not in self._kinds and len(self._kinds) >= MAX_KINDS:
            subject, key = OTHERS, f"{ERROR_LOGGED}:{OTHERS}"
        known = self._kinds.get(key)
        count = 1 if known is None else _number(known.finding.facts.get("count"), 0) + 1
        facts: dict[str, int | float | str] = {"count": count}
        facts |= {n: str(line.fields[n])[:MAX_TEXT] for n in _TEXTS if n in line.fields}
        finding = Finding(
            key=key, rule=ERROR_LOGGED, subject=subject, severity=Severity.ERROR,
            since_ns=line.ts_ns if known is None else known.finding.since_ns,
            facts=facts,
        )  # fmt: skip
        self._kinds[key] = _Kind(finding, now_ns)
        return finding

    def calm(self, now_ns: int) -> list[str]:
        """Keys of what is over now; each is given once."""
        over = [key for key, kind in self._kinds.items() if now_ns - kind.last_ns > CALM_NS]
        for key in over:
            del self._kinds[key]
        return over


def plain(finding: Finding) -> Finding:
    """Return a finding of a report with its facts bounded like those of events."""
    return replace(finding, facts=_facts(finding.facts))


def _facts(facts: dict[Any, Any]) -> dict[str, int | float | str]:
    bounded: dict[str, int | float | str] = {}
    for name, value in list(facts.items())[:20]:
        is_number = isinstance(value, int | float)
        bounded[str(name)[:MAX_NAME]] = value if is_number else str(value)[:MAX_TEXT]
    return bounded


def _number(value: object, default: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else default
