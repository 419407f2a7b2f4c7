"""What `/` finds: pages, sources, contracts."""

from __future__ import annotations

from typing import Annotated, Any, Final
from urllib.parse import quote

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from litestar.response import Template

from mdhub.streams.errors import StreamsError
from mdhub_console.identity.guards import requires
from mdhub_console.identity.model import Language, Role
from mdhub_console.pages.globals import NAV
from mdhub_console.pages.search_model import Found, found_of
from mdhub_console.parts import Parts
from mdhub_console.read.status import known_sources
from mdhub_console.words.catalogue import LANGUAGES, language_of, text

__all__ = ["SEARCH"]

MORE_PAGES: Final = (
    ("api.title", "/api", Role.VIEWER),
    ("profile.title", "/profile", Role.VIEWER),
    ("users.title", "/users", Role.ADMIN),
    ("audit.title", "/audit", Role.ADMIN),
)
"""Pages of the user's menu: key of the word, path, and the role that may see it."""


@get("/search", guards=[requires(Role.VIEWER)], sync_to_thread=True, include_in_schema=False)
def search(
    request: Request[Any, Any, Any],
    parts: NamedDependency[Parts],
    q: Annotated[str, QueryParameter(max_length=64)] = "",
) -> Template:
    """Options of the list below the input."""
    live, language = parts.live, language_of(request)
    sources = known_sources(live.view, now_ns=live.now_ns(), silent_ms=live.silent_ms)
    try:
        contracts = _contracts(parts) if q else []
        unread = False
    except StreamsError:
        contracts, unread = [], True
    found = found_of(
        q, pages=_pages(request.user.role, language),
        sources=[(name, f"/sources/{quote(name, safe='')}") for name in sorted(sources)],
        contracts=contracts,
    )  # fmt: skip
    return Template("parts/search_found.html", context={"found": found, "q": q, "unread": unread})


def _contracts(parts: Parts) -> list[str]:
    """Symbols of every contract the hub knows, by name."""
    with parts.log.borrow() as log:
        return list(parts.contracts.book(log).contracts)


def _pages(role: Role, language: Language) -> list[Found]:
    named = [(f"shell.nav.{name}", path) for name, path in NAV]
    named += [(key, path) for key, path, least in MORE_PAGES if role >= least]
    return [
        Found("page", text(key, language), path, tuple(text(key, each) for each in LANGUAGES))
        for key, path in named
    ]


SEARCH: Final = (search,)
