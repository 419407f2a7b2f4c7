"""POST endpoints that send commands, and GET /api/commands/{id} that tells what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

import msgspec
from litestar import Request as HttpRequest
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter
from msgspec import Meta

from mdhub.health.alerts import TARGET
from mdhub.health.cover import cover_of
from mdhub.health.foretelling import told
from mdhub.runtime.errors import ServiceError
from mdhub.runtime.standing import next_source, rows_of
from mdhub.streams.asking import Request, arbiter_of, source_target
from mdhub_console.identity.guards import requires
from mdhub_console.identity.model import Role
from mdhub_console.live.commands import CommandLife, Order
from mdhub_console.orders.errors import OrderRefused, UnknownAlert, UnknownCommand
from mdhub_console.orders.send import TEST_S, Sent, of_each_shard, send
from mdhub_console.parts import Parts
from mdhub_console.read.errors import NothingKnown, UnknownSource
from mdhub_console.read.paging import shard_in
from mdhub_console.read.status import known_sources

__all__ = [
    "acknowledge",
    "command",
    "commands",
    "failover",
    "foretell",
    "order_account",
    "order_schedule",
    "order_source",
    "prefer",
    "sent",
]

HttpRequestOfUser = HttpRequest[Any, Any, Any]
Reason = Annotated[str, Meta(max_length=200)]
SourceName = Annotated[str, PathParameter(max_length=64, description="Name of a source.")]
SourceAction = Literal["restart", "start", "stop", "hold", "resume", "mute", "unmute"]
AccountAction = Literal["restart", "start", "stop", "test"]
TEST: Final = "test"
Foretold = Literal["restart", "start", "stop", "hold", "resume", "mute", "unmute", "prefer"]
ScheduleAction = Literal["holiday", "clear"]
OF_ARBITERS: Final = frozenset({"mute", "unmute", "prefer"})
SHOWN: Final = 100


class SourceOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why, and until when."""

    reason: Reason = ""
    until_ns: Annotated[int, Meta(ge=1, le=4_000_000_000_000_000_000)] | None = None
    """Market time at which start, stop or hold ends; without it, with the session or the day."""
    force: bool = False
    """Of `restart`: also while the schedule says closed."""


class PreferOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which source shall be the active one where exchanges are in mode priority."""

    source: Annotated[str, Meta(max_length=64)] | None = None
    """None = the best other."""
    reason: Reason = ""
    dry_run: bool = False


class FailoverOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which shard is handed over to its standby."""

    shard: Annotated[int, Meta(ge=0, le=1_023)] | None = None
    """None = the only one there is."""
    reason: Reason = ""
    dry_run: bool = False
    """The leader only says who would take over: that is the command's result."""


class ScheduleOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A day that does not trade, or does after all."""

    day: Annotated[int, Meta(ge=19900101, le=20991231)] | None = None
    """YYYYMMDD; None = today, of `clear` all."""
    reason: Reason = ""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What an order would do; nothing was sent."""

    action: str
    sentences: list[str]
    source: str
    covered_by: list[str] = []
    gap: str = ""
    """`none`, `some` or `all`."""
    uncovered: int = 0
    win_rate: float | None = None


@post(
    "/api/sources/{name:str}/{action:str}",
    guards=[requires(Role.OPERATOR)],
    status_code=202,
    opt={"audit": "sources.order"},
    sync_to_thread=True,
)
def order_source(
    request: HttpRequestOfUser,
    parts: NamedDependency[Parts],
    name: SourceName,
    action: Annotated[SourceAction, PathParameter()],
    data: JSONBody[SourceOrder],
) -> Response[Sent]:
    """Restart, start, stop, hold, resume, mute or unmute a source."""
    _check_source(parts, name)
    if action in OF_ARBITERS:
        args: dict[str, Any] = {"source": name, "reason": data.reason}
        with parts.log.borrow() as log:
            return _accepted(
                send(log, parts.live.view, of_each_shard(log, action, args), issuer=_who(request))
            )
    return sent(request, parts, [Request(source_target(name), action, _args_of(data))])


@get(
    "/api/sources/{name:str}/foretell",
    guards=[requires(Role.VIEWER)],
    sync_to_thread=False,
)
def foretell(
    parts: NamedDependency[Parts],
    name: SourceName,
    action: Annotated[Foretold, QueryParameter(description="What would be done.")],
) -> Told:
    """Say what an order about a source would do, and what covers it meanwhile. Sends nothing."""
    _check_source(parts, name)
    live = parts.live
    fresh = live.view.health(now_ns=live.now_ns(), silent_ms=live.silent_ms)
    cover = None if fresh.report is None or fresh.stale else cover_of(fresh.report, name)
    if cover is None:
        why = fresh.sentence or f"the monitor does not know {name}"
        raise NothingKnown(f"{why}, so nobody can say what covers {name} meanwhile")
    return Told(
        action=action,
        sentences=told(action, cover),
        source=name,
        covered_by=cover.covered_by,
        gap=cover.gap,
        uncovered=cover.uncovered,
        win_rate=cover.win_rate,
    )


@post(
    "/api/sources/prefer",
    guards=[requires(Role.OPERATOR)],
    status_code=202,
    opt={"audit": "sources.prefer"},
    sync_to_thread=True,
)
def prefer(
    request: HttpRequestOfUser, parts: NamedDependency[Parts], data: JSONBody[PreferOrder]
) -> Response[Sent] | Response[Told]:
    """Make a source the active one where exchanges are in mode priority."""
    live = parts.live
    if data.source is not None:
        _check_source(parts, data.source)
    fresh = live.view.health(now_ns=live.now_ns(), silent_ms=live.silent_ms)
    rows = rows_of(live.view.beats, silent_ms=live.silent_ms, now_ns=live.now_ns())
    try:
        swap = next_source(rows, None if fresh.stale else fresh.report, data.source)
    except ServiceError as error:
        raise OrderRefused(str(error)) from error
    if data.dry_run:
        words = f"{swap.to} becomes the active source instead of {swap.active}"
        said = Told(
            action="prefer",
            sentences=[words, "expected gap: none"],
            source=swap.to,
            covered_by=[swap.active],
            gap="none",
        )
        return Response(said, status_code=200)
    args = {"source": swap.to, "reason": data.reason or f"failover from {swap.active}"}
    with parts.log.borrow() as log:
        return _accepted(
            send(log, parts.live.view, of_each_shard(log, "prefer", args), issuer=_who(request))
        )


@post(
    "/api/failover",
    guards=[requires(Role.OPERATOR)],
    status_code=202,
    opt={"audit": "failover"},
    sync_to_thread=True,
)
def failover(
    request: HttpRequestOfUser, parts: NamedDependency[Parts], data: JSONBody[FailoverOrder]
) -> Response[Sent]:
    """Hand a shard over to its standby."""
    args: dict[str, Any] = {"reason": data.reason} | ({"dry_run": True} if data.dry_run else {})
    with parts.log.borrow() as log:
        if data.shard is None and (log.shards() or 1) > 1:
            raise OrderRefused(
                f"this hub has {log.shards()} shards, expected the number of one: if its standby "
                "refuses, those of the others may be no better"
            )
        shard = shard_in(log, data.shard or 0)
        target = arbiter_of(shard)
        return _accepted(
            send(log, parts.live.view, [Request(target, "failover", args)], issuer=_who(request))
        )


@post(
    "/api/accounts/{name:str}/{action:str}",
    guards=[requires(Role.OPERATOR)],
    status_code=202,
    opt={"audit": "accounts.order"},
    sync_to_thread=True,
)
def order_account(
    request: HttpRequestOfUser,
    parts: NamedDependency[Parts],
    name: SourceName,
    action: Annotated[AccountAction, PathParameter()],
    data: JSONBody[SourceOrder],
) -> Response[Sent]:
    """Start, stop or restart the source of an account: it has the account's id as its name.

    `test` logs in once, in a process of its own; its result has the stages. It is refused while
    the account is connected.
    """
    if action == TEST:
        parts.accounts.get(name)
        order = Request(f"account:{name}", TEST, {})
        with parts.log.borrow() as log:
            issuer = _who(request)
            return _accepted(send(log, parts.live.view, [order], issuer=issuer, timeout_s=TEST_S))
    _check_account(parts, name)
    return sent(request, parts, [Request(source_target(name), action, _args_of(data))])


@post(
    "/api/schedule/{action:str}",
    guards=[requires(Role.OPERATOR)],
    status_code=202,
    opt={"audit": "schedule.order"},
    sync_to_thread=True,
)
def order_schedule(
    request: HttpRequestOfUser,
    parts: NamedDependency[Parts],
    action: Annotated[ScheduleAction, PathParameter()],
    data: JSONBody[ScheduleOrder],
) -> Response[Sent]:
    """Say that a day does not trade (`holiday`), or take that back (`clear`)."""
    args: dict[str, Any] = {"reason": data.reason}
    if data.day is not None:
        args["day"] = data.day
    return sent(request, parts, [Request("schedule", action, args)])


@post(
    "/api/alerts/{key:str}/ack",
    guards=[requires(Role.OPERATOR)],
    status_code=202,
    opt={"audit": "alerts.ack"},
    sync_to_thread=True,
)
def acknowledge(
    request: HttpRequestOfUser,
    parts: NamedDependency[Parts],
    key: Annotated[str, PathParameter(max_length=200)],
) -> Response[Sent]:
    """Say that somebody knows of an alert: it is not told again."""
    book = parts.live.view.alerts
    if book is not None and all(alert.finding.key != key for alert in book.alerts):
        raise UnknownAlert(f"alert was {key!r}, but it does not last (any more)")
    args = {"pattern": key.replace("[", "[[]")}  # the monitor takes patterns as in a shell
    return sent(request, parts, [Request(TARGET, "alerts.ack", args)])


@get("/api/commands", guards=[requires(Role.VIEWER)], sync_to_thread=False)
def commands(parts: NamedDependency[Parts]) -> list[CommandLife]:
    """The newest commands of everybody, newest first, and what became of each."""
    with parts.live.view.held():
        return parts.live.view.commands().newest(SHOWN, now_ns=parts.live.now_ns())


@get("/api/commands/{command_id:str}", guards=[requires(Role.VIEWER)], sync_to_thread=False)
def command(
    parts: NamedDependency[Parts], command_id: Annotated[str, PathParameter(max_length=128)]
) -> Order:
    """What became of an order: sent, done, failed or expired; one result for each command."""
    with parts.live.view.held():
        found = parts.live.view.commands().order(command_id, now_ns=parts.live.now_ns())
    if found is None:
        raise UnknownCommand(
            f"no command {command_id!r} among the newest: see the events of its correlation id"
        )
    return found


def _args_of(order: SourceOrder) -> dict[str, Any]:
    args: dict[str, Any] = {"reason": order.reason}
    if order.until_ns is not None:
        args["until_ns"] = order.until_ns
    return args | ({"force": True} if order.force else {})


def sent(request: HttpRequestOfUser, parts: Parts, requests: Sequence[Request]) -> Response[Sent]:
    """Send and answer 202. Raises StreamsError."""
    with parts.log.borrow() as log:
        return _accepted(send(log, parts.live.view, requests, issuer=_who(request)))


def _accepted(sent: Sent) -> Response[Sent]:
    return Response(sent, status_code=202, headers={"Location": sent.location})


def _who(request: HttpRequestOfUser) -> str:
    return str(request.user.signature)


def _check_account(parts: Parts, name: str) -> None:
    """An account that was just made is known although no report speaks of its source yet."""
    account = next((each for each in parts.accounts.look().accounts if each.id == name), None)
    if account is None:
        _check_source(parts, name)
    elif not account.is_enabled:
        raise OrderRefused(f"account {name} is disabled, so it has no source: enable it first")


def _check_source(parts: Parts, name: str) -> None:
    live = parts.live
    known = known_sources(live.view, now_ns=live.now_ns(), silent_ms=live.silent_ms)
    if not known and not live.view.connection.live:
        raise NothingKnown(f"{live.view.connection.sentence}: no source is known yet")
    if name not in known:
        shown = ", ".join(sorted(known)) or "none"
        raise UnknownSource(f"source was {name!r}; the hub knows {shown}")
