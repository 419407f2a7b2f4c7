"""The alerts: what lasts, who was told, how the channels do."""

from __future__ import annotations

from typing import Any, Final

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.response import Template

from mdhub_console.identity.guards import requires
from mdhub_console.identity.model import Role
from mdhub_console.pages.alerts_model import alerts_of_sight
from mdhub_console.pages.in_force import config_of
from mdhub_console.pages.looking import look
from mdhub_console.parts import Parts
from mdhub_console.words.catalogue import language_of

__all__ = ["ALERTS"]

Call = Request[Any, Any, Any]


@get("/alerts", guards=[requires(Role.VIEWER)], sync_to_thread=True, include_in_schema=False)
def show_alerts(request: Call, parts: NamedDependency[Parts]) -> Template:
    """The whole page."""
    return Template("alerts.html", context=_context(request, parts))


@get("/alerts/live", guards=[requires(Role.VIEWER)], sync_to_thread=True, include_in_schema=False)
def show_alerts_live(request: Call, parts: NamedDependency[Parts]) -> Template:
    """What of it changes."""
    return Template("parts/alerts_live.html", context=_context(request, parts))


def _context(request: Call, parts: Parts) -> dict[str, Any]:
    config = config_of(parts)
    knobs = config.alerts if config else None
    book = parts.live.view.alerts
    return alerts_of_sight(look(parts.live), book, knobs, language_of(request))


ALERTS: Final = (show_alerts, show_alerts_live)
