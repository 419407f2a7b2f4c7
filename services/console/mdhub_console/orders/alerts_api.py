"""POST endpoints that order the alerting: silence, end a silence, try the channels."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Response, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta

from mdhub.health.alerts import TARGET
from mdhub.streams.asking import Request
from mdhub_console.identity.guards import requires
from mdhub_console.identity.model import Role
from mdhub_console.orders.api import HttpRequestOfUser, Reason, sent
from mdhub_console.orders.send import Sent
from mdhub_console.parts import Parts

__all__ = ["silence", "try_channels", "unsilence"]

MINUTE_NS = 60_000_000_000
Pattern = Annotated[str, Meta(min_length=1, max_length=200)]


class SilenceOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What nobody wants to hear of for a while."""

    pattern: Pattern
    """Of keys, as in a shell: `source_silent:CTP1`, `source_*`."""
    minutes: Annotated[int, Meta(ge=1, le=43_200)]
    reason: Reason = ""


class UnsilenceOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which silence ends."""

    pattern: Pattern


@post(
    "/api/alerts/silence",
    guards=[requires(Role.OPERATOR)],
    status_code=202,
    opt={"audit": "alerts.silence"},
    sync_to_thread=True,
)
def silence(
    request: HttpRequestOfUser, parts: NamedDependency[Parts], data: JSONBody[SilenceOrder]
) -> Response[Sent]:
    """Hold back what fits a pattern, errors too, for so many minutes."""
    until_ns = parts.live.now_ns() + data.minutes * MINUTE_NS
    args = {"pattern": data.pattern, "until_ns": until_ns, "reason": data.reason}
    return sent(request, parts, [Request(TARGET, "alerts.silence", args)])


@post(
    "/api/alerts/unsilence",
    guards=[requires(Role.OPERATOR)],
    status_code=202,
    opt={"audit": "alerts.unsilence"},
    sync_to_thread=True,
)
def unsilence(
    request: HttpRequestOfUser, parts: NamedDependency[Parts], data: JSONBody[UnsilenceOrder]
) -> Response[Sent]:
    """End a silence."""
    return sent(request, parts, [Request(TARGET, "alerts.unsilence", {"pattern": data.pattern})])


@post(
    "/api/alerts/test",
    guards=[requires(Role.OPERATOR)],
    status_code=202,
    opt={"audit": "alerts.test"},
    sync_to_thread=True,
)
def try_channels(request: HttpRequestOfUser, parts: NamedDependency[Parts]) -> Response[Sent]:
    """Send a message through every channel; the result says how each took it."""
    return sent(request, parts, [Request(TARGET, "alerts.test", {})])
