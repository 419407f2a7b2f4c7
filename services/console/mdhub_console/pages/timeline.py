"""The timeline: what happened to the hub, in one history."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from litestar.response import Template

from mdhub_console.identity.guards import requires
from mdhub_console.identity.model import Role
from mdhub_console.live.rows import EventRow
from mdhub_console.pages.filters import names_in
from mdhub_console.pages.timeline_model import TIMELINE, Place, timeline_of
from mdhub_console.pages.timeline_words import GROUPS
from mdhub_console.parts import Parts
from mdhub_console.words.catalogue import language_of

__all__ = ["TIMELINES"]

ORDERS: Final = 1_000
_decode: Final = msgspec.json.Decoder(EventRow).decode

Kind = Annotated[str, QueryParameter(description=f"Some of {', '.join(GROUPS)}.", max_length=200)]
EntryId = Annotated[str, QueryParameter(description="Of an entry.", max_length=100)]


@get(TIMELINE, guards=[requires(Role.VIEWER)], sync_to_thread=True, include_in_schema=False)
def show_timeline(
    request: Request[Any, Any, Any],
    parts: NamedDependency[Parts],
    *,
    kind: Kind = "",
    before: EntryId = "",
    at: EntryId = "",
) -> Template:
    """A page of it: the newest, older ones, or those around an entry."""
    context = _context(request, parts, kind, Place(before, at))
    return Template("timeline.html", context=context)


@get(
    f"{TIMELINE}/live",
    guards=[requires(Role.VIEWER)],
    sync_to_thread=True,
    include_in_schema=False,
)
def show_timeline_live(
    request: Request[Any, Any, Any], parts: NamedDependency[Parts], *, kind: Kind = ""
) -> Template:
    """The newest page again."""
    context = _context(request, parts, kind, Place())
    return Template("parts/timeline_live.html", context=context)


def _context(
    request: Request[Any, Any, Any], parts: Parts, kind: str, place: Place
) -> dict[str, Any]:
    view, now_ns = parts.live.view, parts.live.now_ns()
    events = [_decode(row.json) for row in view.rows("events")]
    with view.held():
        orders = view.commands().newest(ORDERS, now_ns=now_ns)
    kinds = names_in(kind) & {*GROUPS}
    shown = timeline_of(events, orders, language_of(request), kinds=kinds, place=place)
    return shown | {"now_ns": now_ns}


TIMELINES: Final = (show_timeline, show_timeline_live)
