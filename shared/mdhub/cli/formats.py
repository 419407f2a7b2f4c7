"""Rows to standard output: lines, JSON lines with field names, CSV with a header."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal, TypeVar

import msgspec

from mdhub.wire.ticks import CleanTick, RawTick

__all__ = ["LEVELS", "Format", "named_tick", "writer"]

Format = Literal["table", "lines", "json", "csv"]
LEVELS: Final = 5
"""Book levels that CSV has columns for."""

T = TypeVar("T")


def writer(
    form: Format, *, line: Callable[[T], str], named: Callable[[T], Mapping[str, Any]]
) -> Callable[[T], None]:
    """Make what prints one row in a format; each row is visible at once."""
    if form == "json":
        return lambda row: print(_json(named(row)), flush=True)
    if form == "csv":
        return _CsvWriter(named)
    return lambda row: print(line(row), flush=True)


def named_tick(tick: CleanTick | RawTick) -> dict[str, Any]:
    """All fields of a tick by name; a clean one also has its exchange time in words."""
    fields = msgspec.structs.asdict(tick)
    return fields | {"ts": tick.ts.isoformat()} if isinstance(tick, CleanTick) else fields


class _CsvWriter:
    """Header from the first row; every row has the same columns."""

    def __init__(self, named: Callable[[T], Mapping[str, Any]]) -> None:
        self._named: Callable[[Any], Mapping[str, Any]] = named
        self._out = csv.writer(sys.stdout, lineterminator="\n")
        self._started = False

    def __call__(self, row: Any) -> None:
        flat = _flat(self._named(row))
        if not self._started:
            self._out.writerow(flat)
            self._started = True
        self._out.writerow(flat.values())
        sys.stdout.flush()


def _flat(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Books as `bid_price_1, bid_volume_1, ...`; tables as JSON."""
    flat: dict[str, Any] = {}
    for name, value in fields.items():
        if name in {"bids", "asks"}:
            flat |= _book(name.removesuffix("s"), value or ())
        else:
            flat[name] = _json(value) if isinstance(value, dict) else value
    return flat


def _book(side: str, levels: Sequence[tuple[Any, Any]]) -> dict[str, Any]:
    padded = [*levels, *[("", "")] * LEVELS][:LEVELS]
    return {
        f"{side}_{part}_{place}": level[column]
        for place, level in enumerate(padded, start=1)
        for column, part in enumerate(("price", "volume"))
    }


def _json(value: Any) -> str:
    """JSON has no NaN: it becomes null, as `no value` is."""
    return msgspec.json.encode(value).decode()
