"""The schedule: who is connected when, and what operators said against it."""

from __future__ import annotations

from typing import Any, Final

from litestar import get
from litestar.di import NamedDependency
from litestar.response import Template

from mdhub_console.identity.guards import requires
from mdhub_console.identity.model import Role
from mdhub_console.pages.looking import look
from mdhub_console.pages.schedule_model import schedule_of
from mdhub_console.parts import Parts
from mdhub_console.read.hub_api import supervised

__all__ = ["SCHEDULE"]


@get("/schedule", guards=[requires(Role.VIEWER)], sync_to_thread=True, include_in_schema=False)
def show_schedule(parts: NamedDependency[Parts]) -> Template:
    """The whole page."""
    return Template("schedule.html", context=_context(parts))


@get("/schedule/live", guards=[requires(Role.VIEWER)], sync_to_thread=True, include_in_schema=False)
def show_schedule_live(parts: NamedDependency[Parts]) -> Template:
    """What of it changes."""
    return Template("parts/schedule_live.html", context=_context(parts))


def _context(parts: Parts) -> dict[str, Any]:
    sight = look(parts.live)
    live = parts.live
    rows = supervised(live.view.beats, silent_ms=live.silent_ms, now_ns=sight.now_ns)
    return schedule_of(sight, live.calendar, rows)


SCHEDULE: Final = (show_schedule, show_schedule_live)
