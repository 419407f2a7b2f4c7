"""What an arbiter says of itself: lines, events, heartbeats of a standby."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from mdhub.runtime.heartbeat import ENDED, beat_payload
from mdhub.runtime.logging import Logger, correlated
from mdhub.runtime.metrics import Board
from mdhub.streams.errors import StreamsError
from mdhub.streams.port import Leadership, Log
from mdhub.streams.topology import EVENTS, RAW
from mdhub.wire.codec import encode
from mdhub.wire.ops import Command, Event, EventKind, Severity
from mdhub.wire.ticks import SCHEMA_VERSION
from mdhub_arbiter.recovery import Recovered
from mdhub_arbiter.standby import Mismatch, Standby

__all__ = ["NOT_DURABLE", "Announcer", "Taken"]

NOT_DURABLE: Final = (
    "profile single was asked for, but the server does not say appendonly yes and appendfsync "
    "always, or Sentinels may put a replica in its place: ticks may then be withdrawn, in a new "
    "epoch; configure the server so (and allow CONFIG GET), or choose --profile fast, behind "
    "Sentinels --profile replicated"
)
INELIGIBLE: Final = (
    "this standby twice computed something else than the leader and will not take over: run the "
    "same version on both hosts, see which of them mdhub verify finds right, then restart it"
)


@dataclass(frozen=True, slots=True)
class Taken:
    """An office just taken, and the state it is taken with."""

    leadership: Leadership
    recovered: Recovered
    wall_ns: int
    """Log time of the own lead entry."""
    durable: bool
    """Whether the server loses nothing that it acknowledged."""


class Announcer:
    """Speaks for one arbiter."""

    def __init__(
        self, log: Log, logger: Logger, *, instance: str, shard: int, board: Board
    ) -> None:
        self._log = log
        self._logger = logger
        self._instance = instance
        self._shard = shard
        self._board = board

    def leading(self, taken: Taken, calendar: str, *, broken_promise: bool) -> None:
        """A take-over is an event; what does not agree or hold is somebody's business now."""
        recovered, leadership = taken.recovered, taken.leadership
        body: dict[str, Any] = {
            "shard": self._shard,
            "token": leadership.token,
            "epoch": leadership.epoch,
            "incarnation": leadership.incarnation,
            "n": recovered.at.n,
            "snapshot": recovered.from_snapshot.decode(),
            "folded": recovered.folded,
            "agrees": recovered.agrees,
        }
        self._logger.info("leading", **body, calendar=calendar)
        if recovered.damaged:
            damaged = [raw.decode() for raw in recovered.damaged]
            self._logger.error("damaged_snapshots", snapshots=" ".join(damaged))
            body["damaged_snapshots"] = damaged
        if broken_promise:
            self._logger.error("not_durable", reason=NOT_DURABLE)
            body["not_durable"] = NOT_DURABLE
        # A leader's place is the committed position; a standby's old cursor would look behind.
        self._log.drop_cursor(self._shard, RAW, reader=self._instance)
        well = recovered.agrees and not broken_promise and not recovered.damaged
        self._event(Severity.INFO if well else Severity.ERROR, body)

    def answered(self, command: Command, ok: bool) -> None:  # noqa: FBT001 - a callback
        """A command was obeyed or refused; its id ties this line to the events of it."""
        with correlated(command.id):
            say = self._logger.info if ok else self._logger.warning
            say(
                "command_done", ok=ok, action=command.action, target=command.target,
                issuer=command.issuer, shard=self._shard,
            )  # fmt: skip

    def mismatch(self, found: Mismatch) -> None:
        """The standby computed something else than the leader."""
        body: dict[str, Any] = {
            "shard": self._shard,
            "standby": "overtaken" if found.overtaken else "mismatch",
            "raw": found.raw.decode(),
            "leader_n": found.leader[0],
            "leader_digest": found.leader[1],
            "own_n": found.own[0],
            "own_digest": found.own[1],
            "after": found.after.decode(),
        }
        if not found.eligible:
            body["ineligible"] = INELIGIBLE
        level = self._logger.warning if found.overtaken else self._logger.error
        level("standby_reloads" if found.eligible else "standby_ineligible", **body)
        self._event(Severity.WARNING if found.overtaken else Severity.ERROR, body)

    def standing_by(self, standby: Standby, outages: Mapping[str, int]) -> None:
        """Heartbeat and cursor of a standby, about once a second."""
        counters = {
            "shard": self._shard,
            "n": standby.state.n,
            "read": standby.folded,
            "waiting": standby.waiting,
            "agreed": standby.agreed,
            "mismatches": standby.mismatches,
            "overtaken": standby.overtaken,
            "instruments": len(standby.state.instruments),
            **outages,
        }
        state = "standby" if standby.eligible else "ineligible"
        self._board.say(state, counters)
        self._log.beat(self._instance, beat_payload("arbiter", self._instance, state, counters))
        self._log.set_cursor(self._shard, RAW, reader=self._instance, cursor=standby.cursor)

    def ended(self) -> None:
        """The last heartbeat of a standby that was stopped: nobody needs to miss it."""
        with suppress(StreamsError):
            self._log.beat(self._instance, beat_payload("arbiter", self._instance, ENDED, {}))
            self._log.drop_cursor(self._shard, RAW, reader=self._instance)

    def _event(self, severity: Severity, body: dict[str, Any]) -> None:
        event = Event(
            SCHEMA_VERSION, uuid4().hex, time.time_ns(), "arbiter", EventKind.LEADERSHIP,
            self._instance, severity, "", body,
        )  # fmt: skip
        self._log.append(EVENTS, encode(event))
