"""The instruments: a search over all of them, and one as it is now."""

from __future__ import annotations

from typing import Annotated, Any, Final
from urllib.parse import urlencode

from litestar import get
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from litestar.response import Template

from mdhub.market.products import EXCHANGES
from mdhub.streams.errors import StreamsError
from mdhub_console.identity.guards import requires
from mdhub_console.identity.model import Role
from mdhub_console.pages.formats import price
from mdhub_console.pages.instrument_model import instrument_of
from mdhub_console.pages.looking import look
from mdhub_console.parts import Parts
from mdhub_console.read.contracts import KINDS, SORTS, Book, Contract, Sort, search
from mdhub_console.read.market_api import Exchange, First, KindOrAll, SearchText, SortBy, Symbol
from mdhub_console.read.scan import split
from mdhub_console.read.tapes import followed_tape

__all__ = ["INSTRUMENTS"]

ROWS: Final = 50
USUAL: Final[Sort] = "volume"
"""Order of the page: what is traded most, so that a first look shows what matters."""
Held = Annotated[
    str,
    QueryParameter(description="Symbols that stay where they are.", max_length=ROWS * 84),
]


@get("/instruments", guards=[requires(Role.VIEWER)], sync_to_thread=True, include_in_schema=False)
def show_instruments(
    parts: NamedDependency[Parts],
    *,
    text: SearchText = "",
    exchange: Exchange = "",
    kind: KindOrAll = "",
    sort: SortBy = USUAL,
    first: First = 0,
) -> Template:
    """The whole page."""
    asked = {"text": text, "exchange": exchange, "kind": kind, "sort": sort}
    return Template("instruments.html", context=_found(parts, asked, first))


@get(
    "/instruments/rows",
    guards=[requires(Role.VIEWER)],
    sync_to_thread=True,
    include_in_schema=False,
)
def show_rows(  # noqa: PLR0913 - parameters of a request
    parts: NamedDependency[Parts],
    *,
    text: SearchText = "",
    exchange: Exchange = "",
    kind: KindOrAll = "",
    sort: SortBy = USUAL,
    first: First = 0,
    held: Held = "",
) -> Template:
    """What was found. `held`: show these anew, in this order: rows never move under the pointer."""
    asked = {"text": text, "exchange": exchange, "kind": kind, "sort": sort}
    context = _found(parts, asked, first, held.split(",") if held else None)
    headers = {} if held else {"HX-Replace-Url": context["here"]}
    return Template("parts/instruments_rows.html", context=context, headers=headers)


@get(
    "/instruments/{name:str}",
    guards=[requires(Role.VIEWER)],
    sync_to_thread=True,
    include_in_schema=False,
)
def show_instrument(parts: NamedDependency[Parts], name: Symbol) -> Template:
    """One of them."""
    return Template("instrument.html", context=_one(parts, name))


@get(
    "/instruments/{name:str}/live",
    guards=[requires(Role.VIEWER)],
    sync_to_thread=True,
    include_in_schema=False,
)
def show_instrument_live(parts: NamedDependency[Parts], name: Symbol) -> Template:
    """What of its page changes."""
    return Template("parts/instrument_live.html", context=_one(parts, name))


def _found(
    parts: Parts, asked: dict[str, str], first: int, held: list[str] | None = None
) -> dict[str, Any]:
    sight = look(parts.live)
    try:
        with parts.log.borrow() as log:
            book, away = parts.contracts.book(log), False
    except StreamsError:
        book, away = Book(), True
    found = search(book, **asked, first=first, limit=ROWS)  # type: ignore[arg-type]
    rows = found.rows
    if held is not None:
        rows = [book.contracts[symbol] for symbol in held if symbol in book.contracts]
    given = {key: value for key, value in asked.items() if value and value != USUAL}
    return {
        "sight": sight,
        "away": away,
        "asked": asked,
        "found": found,
        "rows": [(row, price(row.last, _places(row))) for row in rows],
        "first": first,
        "exchanges": sorted(EXCHANGES),
        "kinds": KINDS,
        "sorts": SORTS,
        "here": _address(given, first),
        "before": _address(given, max(0, first - ROWS)) if first else "",
        "after": _address(given, first + ROWS) if first + ROWS < found.total else "",
        "again": "/instruments/rows?" + urlencode(
            {**given, "first": first, "held": ",".join(row.symbol for row in rows)}
        ),
    }  # fmt: skip


def _places(contract: Contract) -> int:
    return len(f"{contract.price_tick:.4f}".rstrip("0").partition(".")[2])


def _address(given: dict[str, str], first: int) -> str:
    query = urlencode({**given, **({"first": first} if first else {})})
    return f"/instruments?{query}" if query else "/instruments"


def _one(parts: Parts, name: str) -> dict[str, Any]:
    tape = followed_tape(parts, name)
    with parts.log.borrow() as log:
        contract = parts.contracts.book(log).contracts.get(split(name)[0])
    return instrument_of(look(parts.live), tape.look(), contract, name)


INSTRUMENTS: Final = (show_instruments, show_rows, show_instrument, show_instrument_live)
