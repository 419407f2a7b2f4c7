"""Filters of a list as links: every choice has an address and works by keyboard. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from mdhub_console.pages.verdict import Tone

__all__ = ["Chip", "address", "names_in", "names_text", "one_of", "some_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """One choice of a filter; `parts/ui.html` draws it."""

    value: str
    label: str
    href: str
    on: bool
    count: int | None = None
    """How many rows it would show; None = nobody counted."""
    tone: Tone = ""


def address(path: str, **params: str) -> str:
    """Path and what of the parameters is not empty."""
    query = urlencode({name: value for name, value in params.items() if value})
    return f"{path}?{query}" if query else path


def one_of(
    path: str, name: str, labels: Iterable[tuple[str, str, Tone]], *, chosen: str, **others: str
) -> list[Chip]:
    """Choices of which exactly one holds; `labels`: value, label, tone; "" is no filter."""
    return [
        Chip(
            value=value,
            label=label,
            href=address(path, **(others | {name: value})),
            on=value == chosen,
            tone=tone,
        )
        for value, label, tone in labels
    ]


def some_of(
    path: str,
    name: str,
    labels: Iterable[tuple[str, str, int | None]],
    *,
    chosen: Collection[str],
    **others: str,
) -> list[Chip]:
    """Choices that are switched on and off one by one; `labels`: value, label, count."""
    return [
        Chip(
            value=value,
            label=label,
            href=address(path, **(others | {name: _toggled(chosen, value)})),
            on=value in chosen,
            count=count,
        )
        for value, label, count in labels
    ]


def names_in(text: str) -> frozenset[str]:
    """Read a list of names as addresses carry it."""
    return frozenset(filter(None, text.split(",")))


def names_text(values: Iterable[str]) -> str:
    """Write what `names_in` reads."""
    return ",".join(sorted(values))


def _toggled(chosen: Collection[str], value: str) -> str:
    return names_text({*chosen} ^ {value})
