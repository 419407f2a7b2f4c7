"""The sources: all of them, and one."""

from __future__ import annotations

from typing import Any, Final

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Template

from mdhub_console.identity.guards import requires
from mdhub_console.identity.model import Role
from mdhub_console.pages.looking import look
from mdhub_console.pages.source_model import source_of, sources_of
from mdhub_console.parts import Parts
from mdhub_console.words.catalogue import language_of

__all__ = ["SOURCES"]


@get("/sources", guards=[requires(Role.VIEWER)], sync_to_thread=True, include_in_schema=False)
def show_sources(parts: NamedDependency[Parts]) -> Template:
    """All of them."""
    return Template("sources.html", context=sources_of(look(parts.live)))


@get("/sources/live", guards=[requires(Role.VIEWER)], sync_to_thread=True, include_in_schema=False)
def show_sources_live(parts: NamedDependency[Parts]) -> Template:
    """What of the list changes."""
    return Template("parts/sources_live.html", context=sources_of(look(parts.live)))


@get(
    "/sources/{name:str}",
    guards=[requires(Role.VIEWER)],
    sync_to_thread=True,
    include_in_schema=False,
)
def show_source(
    request: Request[Any, Any, Any], parts: NamedDependency[Parts], name: FromPath[str]
) -> Template:
    """One of them."""
    return Template("source.html", context=_found(request, parts, name))


@get(
    "/sources/{name:str}/live",
    guards=[requires(Role.VIEWER)],
    sync_to_thread=True,
    include_in_schema=False,
)
def show_source_live(
    request: Request[Any, Any, Any], parts: NamedDependency[Parts], name: FromPath[str]
) -> Template:
    """What of its page changes."""
    return Template("parts/source_live.html", context=_found(request, parts, name))


def _found(request: Request[Any, Any, Any], parts: Parts, name: str) -> dict[str, Any]:
    context = source_of(look(parts.live, source=name), name, language_of(request))
    if context is None:
        raise NotFoundException(f"the hub knows no source {name} now")
    return context


SOURCES: Final = (show_sources, show_sources_live, show_source, show_source_live)
