"""Operations: events, commands and log lines."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

__all__ = ["Command", "Event", "EventKind", "LogLine", "Severity"]


class Severity(StrEnum):
    """Who must act: nobody, somebody later, somebody now."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class EventKind(StrEnum):
    """Kinds of events written today; readers ignore the ones they do not know."""

    HEARTBEAT = "heartbeat"
    SERVICE = "service"
    SOURCE_RATE = "source.rate"
    SOURCE = "source"
    LEADERSHIP = "leadership"
    COMMAND_DONE = "command.done"
    RETENTION = "retention"


class Event(msgspec.Struct, array_like=True, frozen=True):
    """Something that happened. `subject` names what it happened to (a source, a service, ...)."""

    v: int
    id: str
    ts_ns: int
    service: str
    kind: str
    subject: str
    severity: str
    correlation_id: str
    body: dict[str, Any]


class Command(msgspec.Struct, array_like=True, frozen=True):
    """A request; exactly one `command.done` event answers it, also when unknown or expired."""

    v: int
    id: str
    ts_ns: int
    issuer: str
    target: str
    action: str
    args: dict[str, Any]
    expires_ns: int


class LogLine(msgspec.Struct, array_like=True, frozen=True):
    """One structured log line."""

    v: int
    ts_ns: int
    level: str
    service: str
    event: str
    correlation_id: str
    fields: dict[str, Any]
