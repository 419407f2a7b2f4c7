"""Which pages, sources and contracts fit what was typed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple
from urllib.parse import quote

from mdhub.market.products import exchange_of

__all__ = ["MOST", "Found", "found_of"]

MOST: Final = 12


class Found(NamedTuple):
    """One place to go."""

    kind: str
    """`page`, `source` or `contract`."""
    name: str
    path: str
    known_as: tuple[str, ...] = ()
    """Names it is found by; empty = its name."""


def found_of(
    text: str,
    *,
    pages: Iterable[Found],
    sources: Iterable[tuple[str, str]],
    contracts: Sequence[str],
) -> list[Found]:
    """What begins with the text, then what holds it; pages, sources, contracts; `MOST` in all.

    Without a text: pages and sources.
    """
    wanted = text.strip().casefold()
    places = [*pages, *(Found("source", name, path) for name, path in sources)]
    begin = [each for each in places if _rank(each, wanted) == 0]
    hold = [each for each in places if _rank(each, wanted) == 1]
    some = [*begin, *hold][:MOST]
    return [*some, *_of_contracts(wanted, contracts, MOST - len(some))] if wanted else some


def _rank(each: Found, wanted: str) -> int | None:
    names = [name.casefold() for name in each.known_as or (each.name,)]
    if any(name.startswith(wanted) for name in names):
        return 0
    return 1 if any(wanted in name for name in names) else None


def _of_contracts(wanted: str, contracts: Sequence[str], most: int) -> list[Found]:
    symbol, _, exchange = wanted.partition(".")
    begin: list[str] = []
    hold: list[str] = []
    for name in contracts:
        folded = name.casefold()
        if len(begin) >= most:
            break
        if folded.startswith(symbol):
            begin.append(name)
        elif symbol in folded and len(hold) < most:
            hold.append(name)
    found: list[Found] = []
    for name in [*begin, *hold]:
        place = exchange_of(name) or ""
        if not place.casefold().startswith(exchange):
            continue
        full = f"{name}.{place}" if place else name
        found.append(Found("contract", full, f"/instruments/{quote(full, safe='')}"))
    return found[:most]
