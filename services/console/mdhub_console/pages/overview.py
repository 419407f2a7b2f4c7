"""The overview, which says whether we are fine."""

from __future__ import annotations

from typing import Any, Final

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.response import Template

from mdhub_console.identity.guards import requires
from mdhub_console.identity.model import Role
from mdhub_console.pages.looking import look
from mdhub_console.pages.overview_model import overview_of
from mdhub_console.parts import Parts
from mdhub_console.words.catalogue import language_of

__all__ = ["OVERVIEW"]


@get("/", guards=[requires(Role.VIEWER)], sync_to_thread=True, include_in_schema=False)
def show_overview(request: Request[Any, Any, Any], parts: NamedDependency[Parts]) -> Template:
    """The whole page."""
    context = overview_of(look(parts.live), language_of(request))
    return Template("overview.html", context=context)


@get("/overview/live", guards=[requires(Role.VIEWER)], sync_to_thread=True, include_in_schema=False)
def show_overview_live(request: Request[Any, Any, Any], parts: NamedDependency[Parts]) -> Template:
    """What of it changes."""
    context = overview_of(look(parts.live), language_of(request))
    return Template("parts/overview_live.html", context=context)


OVERVIEW: Final = (show_overview, show_overview_live)
