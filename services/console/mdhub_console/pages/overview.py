"""The overview, which says whether we are fine."""

from __future__ import annotations

from typing import Any, Final

from litestar import MediaType, Request, get
from litestar.di import NamedDependency
from litestar.response import Template

from mdhub_console.identity.guards import requires
from mdhub_console.identity.model import Role
from mdhub_console.pages.looking import look
from mdhub_console.pages.overview_model import overview_of
from mdhub_console.pages.publishers import clients_of, publishers_of
from mdhub_console.parts import Parts
from mdhub_console.words.catalogue import language_of

__all__ = ["OVERVIEW"]

_SECOND_NS: Final = 1_000_000_000


@get("/", guards=[requires(Role.VIEWER)], sync_to_thread=True, include_in_schema=False)
def show_overview(request: Request[Any, Any, Any], parts: NamedDependency[Parts]) -> Template:
    """The whole page."""
    return Template("overview.html", context=_context(request, parts))


@get(
    "/overview/live", guards=[requires(Role.VIEWER)], sync_to_thread=True, include_in_schema=False,
    media_type=MediaType.HTML,
)  # fmt: skip
def show_overview_live(request: Request[Any, Any, Any], parts: NamedDependency[Parts]) -> str:
    """What of it changes: drawn once for all tabs of a language, at the latest after a second."""
    live, language = parts.live, language_of(request)
    mark = live.view.version, live.now_ns() // _SECOND_NS
    return parts.overview.get(language, mark, lambda: _drawn(request, parts))


def _drawn(request: Request[Any, Any, Any], parts: Parts) -> str:
    engine: Any = request.app.template_engine
    template = engine.get_template("parts/overview_live.html")
    return str(template.render(request=request, **_context(request, parts)))


def _context(request: Request[Any, Any, Any], parts: Parts) -> dict[str, Any]:
    sight = look(parts.live)
    clients = clients_of(publishers_of(parts, now_ns=sight.now_ns))
    return overview_of(sight, language_of(request)) | {"clients": clients}


OVERVIEW: Final = (show_overview, show_overview_live)
