"""Events of the schedule, and the names under which the log takes each only once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from mdhub.wire.codec import encode
from mdhub.wire.ops import Command, Event, EventKind, Severity
from mdhub.wire.ticks import SCHEMA_VERSION

__all__ = ["once_key", "result_event", "schedule_event"]


def schedule_event(
    kind: str,
    subject: str,
    body: Mapping[str, Any],
    *,
    wall_ns: int,
    severity: str = Severity.INFO,
    correlation_id: str = "",
) -> bytes:
    """Encode an event of a supervisor."""
    return encode(
        Event(
            SCHEMA_VERSION, uuid4().hex, wall_ns, "ingest", kind, subject, severity,
            correlation_id, dict(body),
        )
    )  # fmt: skip


def once_key(run: str, *parts: str) -> str:
    """Name of something that happens once, whoever of several supervisors is first to say so.

    The log keeps it for a day, in the place of the id of a command (`Log.command_done`). `run`
    keeps a played market apart from the next play of the same days; empty when live.
    """
    return ":".join(("schedule", run, *parts))


def result_event(command: Command, result: Mapping[str, Any], *, ok: bool, wall_ns: int) -> bytes:
    """Encode the one result of a command."""
    body = {"ok": ok, "command": command.id, "action": command.action[:200], "result": dict(result)}
    return schedule_event(
        EventKind.COMMAND_DONE,
        command.id,
        body,
        wall_ns=wall_ns,
        severity=Severity.INFO if ok else Severity.WARNING,
        correlation_id=command.id,
    )
