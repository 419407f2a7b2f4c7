"""Refused ticks: by reason, the newest, and one of them beside the last clean tick."""

from __future__ import annotations

from itertools import islice
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, get
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, PathParameter, QueryParameter
from litestar.response import Template

from mdhub_console.identity.guards import requires
from mdhub_console.identity.model import Role
from mdhub_console.live.rows import RejectedRow, Row
from mdhub_console.live.view import View
from mdhub_console.pages.rejected_model import (
    PAGE,
    REJECTED,
    Choice,
    newest_of,
    reasons_of,
    shown,
    verdict_tone,
)
from mdhub_console.pages.rejected_tick import tick_of
from mdhub_console.parts import Parts
from mdhub_console.read.paging import Before
from mdhub_console.read.refused import refused_tick
from mdhub_console.words.catalogue import language_of

__all__ = ["REFUSED"]

_decode: Final = msgspec.json.Decoder(RejectedRow).decode

Word = Annotated[str, QueryParameter(max_length=200)]
EntryId = Annotated[
    str, PathParameter(description="Stream id.", pattern=r"^[0-9]{1,19}-[0-9]{1,19}$")
]


@get(REJECTED, guards=[requires(Role.VIEWER)], sync_to_thread=True, include_in_schema=False)
def show_rejected(
    request: Request[Any, Any, Any],
    parts: NamedDependency[Parts],
    *,
    reason: Word = "",
    source: Word = "",
    symbol: Word = "",
    before: Before = "",
) -> Template:
    """Reasons and the newest ticks."""
    choice = Choice(reason=reason, source=source, symbol=symbol.strip(), before=before)
    return Template("rejected.html", context=_context(request, parts, choice))


@get(
    f"{REJECTED}/live",
    guards=[requires(Role.VIEWER)],
    sync_to_thread=True,
    include_in_schema=False,
)
def show_rejected_live(
    request: Request[Any, Any, Any],
    parts: NamedDependency[Parts],
    *,
    reason: Word = "",
    source: Word = "",
    symbol: Word = "",
) -> Template:
    """What of it changes."""
    choice = Choice(reason=reason, source=source, symbol=symbol.strip())
    return Template("parts/rejected_live.html", context=_context(request, parts, choice))


@get(
    f"{REJECTED}/{{shard:int}}/{{entry_id:str}}",
    guards=[requires(Role.VIEWER)],
    sync_to_thread=True,
    include_in_schema=False,
)
def show_rejected_tick(
    request: Request[Any, Any, Any],
    parts: NamedDependency[Parts],
    shard: FromPath[int],
    entry_id: EntryId,
) -> Template:
    """One tick: why was this refused."""
    with parts.log.borrow() as log:
        found = refused_tick(log, shard, entry_id.encode())
    if found is None:
        raise NotFoundException(f"shard {shard} keeps no rejected entry {entry_id} any more")
    context = tick_of(found.row, found.before, found.released, language_of(request))
    return Template("rejected_tick.html", context=context)


def _context(request: Request[Any, Any, Any], parts: Parts, choice: Choice) -> dict[str, Any]:
    view, now_ns = parts.live.view, parts.live.now_ns()
    held = _held(view)
    rows = (_decode(row.json) for row in newest_of(held, choice.before))
    page = list(islice((row for row in rows if choice.passes(row)), PAGE + 1))
    report = view.report
    sources = [source.name for source in report.sources] if report else []
    context = shown(page, choice, sources)
    return context | {
        "now_ns": now_ns,
        "held": len(held),
        "reasons": reasons_of(view.reasons(now_ns=now_ns), choice, language_of(request)),
        "tone_of": verdict_tone,
    }


def _held(view: View) -> list[Row]:
    return [row for shard in range(view.shards) for row in view.rows(f"rejected:{shard}")]


REFUSED: Final = (show_rejected, show_rejected_live, show_rejected_tick)
