"""Handing a shard over by command: who may take it, who stands back, who answers.

`failover {reason, dry_run?}` is refused unless a standby lives, agrees and is near. Otherwise the
leader writes an event that names the command and resigns; whoever leads next finds command and
event, and gives the one answer: nobody else can know who took over
(docs/decisions/031-the-next-leader-answers.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

from mdhub.runtime.clock import SYSTEM, Clock
from mdhub.runtime.heartbeat import Beat, decode_beat
from mdhub.streams.ids import id_parts
from mdhub.streams.port import Log
from mdhub.streams.topology import EVENTS
from mdhub.wire.codec import DecodeError, decode_event, encode
from mdhub.wire.ops import Command, Event, EventKind, Severity
from mdhub.wire.ticks import SCHEMA_VERSION

__all__ = ["FAILOVER", "STAND_BACK_S", "Handover", "StandBack", "why_not"]

FAILOVER: Final = "failover"
STAND_BACK_S: Final = 3.0
"""For so long the former leader leaves a vacant shard to its standby."""
FRESH_NS: Final = 3_000_000_000
"""A standby says once a second that it lives."""
MOST_WAITING: Final = 2_000
"""Raw entries that a standby may still have to fold: more would be silence."""
SCANNED: Final = 1_000
"""Newest events that are searched for the one that announced a handover."""
SHOWN: Final = 200


class Handover:
    """One leader's side of handing over: asked, announced, or taken from another."""

    def __init__(self, log: Log, *, shard: int, instance: str, token: int) -> None:
        self._log = log
        self._shard = shard
        self._instance = instance
        self._token = token
        self._obeyed: Command | None = None
        self._candidates: list[str] = []
        self.announced = False
        """Whether this leader is to resign now."""

    def ask(self, command: Command, wall_ns: int) -> tuple[bool, dict[str, Any]] | None:
        """Judge a command: ok and result, or None if it is obeyed (the next leader answers)."""
        candidates, reasons = _candidates(self._log.beats(), self._shard, self._instance, wall_ns)
        if not candidates:
            words = "; ".join(reasons)[:SHOWN] or "no other arbiter of this shard speaks"
            error = f"no standby could take over from {self._instance}: {words}; see mdhub status"
            return False, {"error": error, "shard": self._shard}
        result = {"shard": self._shard, "leader": self._instance, "standby": candidates}
        if command.args.get("dry_run") is True:
            return True, result | {"dry_run": True}
        if self._obeyed is not None:
            error = f"{self._instance} hands shard {self._shard} over already, by another command"
            return False, {"error": error, "shard": self._shard}
        self._obeyed, self._candidates = command, candidates
        return None

    def announce(self, wall_ns: int) -> None:
        """Say in the event log that this leader resigns, if it was told to."""
        command = self._obeyed
        if command is None or self.announced:
            return
        body = {
            "shard": self._shard,
            "token": self._token,
            "hands_over": self._candidates,
            "issuer": command.issuer[:SHOWN],
            "reason": str(command.args.get("reason", ""))[:SHOWN],
        }
        event = Event(
            SCHEMA_VERSION, uuid4().hex, wall_ns, "arbiter", EventKind.LEADERSHIP,
            self._instance, Severity.INFO, command.id, body,
        )  # fmt: skip
        self._log.append(EVENTS, encode(event))
        self.announced = True

    def taken(self, command: Command) -> tuple[bool, dict[str, Any]] | None:
        """The answer to a command that the leader before this one obeyed; None = nobody did."""
        announced_ms, leading_ms, before = 0, 0, ""
        for entry_id, fields in self._log.entries(EVENTS, count=SCANNED, newest_first=True):
            event = _leadership(fields, self._shard)
            if event is None:
                continue
            if "hands_over" not in event.body:
                own = event.subject == self._instance and event.body.get("token") == self._token
                leading_ms = id_parts(entry_id)[0] if own else leading_ms
            elif event.correlation_id == command.id:
                announced_ms, before = id_parts(entry_id)[0], event.subject
                break
        if not before:
            return None
        result = {
            "shard": self._shard,
            "before": before,
            "leader": self._instance,
            "token": self._token,
            "silence_ms": max(0, leading_ms - announced_ms),
        }
        if before != self._instance:
            return True, result
        error = f"nobody took over, so {before} leads again: see mdhub status why"
        return False, result | {"error": error}


class StandBack:
    """Keeps the one who has just handed a shard over from taking it again at once."""

    def __init__(self, clock: Clock = SYSTEM) -> None:
        self._clock = clock
        self._token = 0
        self._until_s = 0.0

    def begin(self, token: int) -> None:
        """The holder of `token` has resigned by command."""
        self._token, self._until_s = token, self._clock.monotonic_s() + STAND_BACK_S

    def holds(self, token: int) -> bool:
        """Whether to leave it to others: nobody took over yet, and it was not long ago."""
        return token == self._token and self._clock.monotonic_s() < self._until_s


def why_not(beat: Beat, *, age_ns: int) -> str:
    """Why an arbiter of the shard that is not its leader could not take over; empty if it could."""
    said = beat.counters
    if beat.state != "standby":
        return f"is {beat.state}"
    if age_ns > FRESH_NS:
        return f"has been silent for {age_ns // 1_000_000_000} s"
    if not said.get("agreed"):
        return "has not yet compared what it computes"
    if said.get("waiting", 0) > MOST_WAITING:
        return f"is {said['waiting']} entries behind"
    return ""


def _candidates(
    beats: Mapping[str, bytes], shard: int, leader: str, wall_ns: int
) -> tuple[list[str], list[str]]:
    """Who could take over, and why the others could not."""
    able, reasons = [], []
    for instance, payload in sorted(beats.items()):
        if not instance.startswith("arbiter:") or instance == leader:
            continue
        try:
            beat = decode_beat(payload)
        except DecodeError:
            continue
        if beat.counters.get("shard") != shard:
            continue
        reason = why_not(beat, age_ns=wall_ns - beat.ts_ns)
        if reason:
            reasons.append(f"{instance} {reason}")
        else:
            able.append(instance)
    return able, reasons


def _leadership(fields: list[bytes], shard: int) -> Event | None:
    """An event of this shard's leadership."""
    try:
        event = decode_event(fields[1])
    except (DecodeError, IndexError):
        return None  # somebody else's broken event
    mine = event.kind == EventKind.LEADERSHIP and event.body.get("shard") == shard
    return event if mine else None
