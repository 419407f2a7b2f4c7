"""Operations: events, commands and log lines."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

import msgspec

__all__ = ["LEVELS", "Command", "Event", "EventKind", "LogLine", "Severity"]

LEVELS: Final = ("debug", "info", "warning", "error")
"""Levels of log lines, the least urgent first."""


class Severity(StrEnum):
    """Who must act: nobody, somebody later, somebody now."""

    INFO = "info"
    """Nobody."""
    WARNING = "warning"
    """Somebody, later."""
    ERROR = "error"
    """Somebody, now."""


class EventKind(StrEnum):
    """Kinds of events written today; readers ignore the ones they do not know."""

    SERVICE = "service"
    """A service came, went or changed its state."""
    CLOCK = "clock"
    """The wall clock of the server or of a service is off the monitor's, or right again."""
    SOURCE = "source"
    """A source came, went or changed its state."""
    LEADERSHIP = "leadership"
    """An arbiter took over, or hands its shard over (`hands_over`) by the command it names."""
    COMMAND_DONE = "command.done"
    """The one result of a command, whose id is the correlation id."""
    SESSION = "session"
    """A group's session: its sources are connected (`opens`), trading begins (`opened`), has ended
    (`closing`), they are disconnected (`closed`)."""
    ACCOUNT = "account"
    """An account in the store was `added`, `changed`, `enabled`, `disabled`, `removed`, or cannot
    be used as it is (`refused`, with `reason`); names of what changed, never a value."""
    SCHEDULE = "schedule"
    """The schedule started or stopped a source, made up for what it missed, ran the archive."""
    CHECKLIST = "checklist"
    """The pre-open checklist of a group's session, with the result of each check."""
    REPORT = "report"
    """A trading day is over: figures beside their goals, sources ranked, incidents."""
    CALENDAR = "calendar"
    """The trading calendar ends soon, or does not cover the market's day."""
    CONTRACTS = "contracts"
    """An arbiter took a contract table: from a file, or the hub's cache; so many rows were new."""
    RETENTION = "retention"
    """Entries that a reader had not read were dropped."""
    SCHEMA_MISMATCH = "schema_mismatch"
    """A client told a publisher a schema digest that is not the publisher's."""
    ACCESS_DENIED = "access_denied"
    """A publisher with keys refused a client: its key is unknown or revoked, or it has none."""
    ALERT = "alert"
    """What became of a message to people: a channel has sent it, fails, gave it up."""
    AUDIT = "audit"
    """Somebody did or tried something in the console: a record of its audit log."""

    FINDING = "finding"
    """Something that is wrong began, changed or ended, as the monitor sees it."""


class Event(msgspec.Struct, array_like=True, frozen=True):
    """Something that happened. `subject` names what it happened to (a source, a service, ...)."""

    v: int
    id: str
    ts_ns: int
    service: str
    kind: str
    subject: str
    """What it happened to."""
    severity: str
    """A Severity."""
    correlation_id: str
    body: dict[str, Any]
    """Facts, by the kind."""


class Command(msgspec.Struct, array_like=True, frozen=True):
    """A request; exactly one `command.done` event answers it, also when unknown or expired."""

    v: int
    id: str
    ts_ns: int
    issuer: str
    """Who asks."""
    target: str
    """Which service or source is meant."""
    action: str
    """What it shall do."""
    args: dict[str, Any]
    """With what."""
    expires_ns: int
    """From when on it must not be carried out."""


class LogLine(msgspec.Struct, array_like=True, frozen=True):
    """One structured log line."""

    v: int
    ts_ns: int
    level: str
    """debug, info, warning or error."""
    service: str
    event: str
    """Name of the fact."""
    correlation_id: str
    fields: dict[str, Any]
    """Its values."""
