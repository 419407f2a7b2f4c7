"""`mdhub tail`: follow clean ticks."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any, Final

from rich.console import Console
from rich.live import Live
from rich.table import Table

import mdhub
from mdhub.wire.topics import subscription_prefixes

__all__ = ["run_tail"]

ROWS: Final = 40
"""Contracts shown at a time: those with the newest ticks."""


def run_tail(
    patterns: Sequence[str],
    endpoints: Sequence[str],
    *,
    as_json: bool,
    snapshot: bool,
    count: int | None,
) -> int:
    """Print ticks until Ctrl-C or until `count` of them came."""
    for pattern in patterns:
        subscription_prefixes(pattern)  # a bad pattern is told before anything is waited for
    with mdhub.connect(*endpoints) as hub:
        ticks = _limited(hub.ticks(*patterns, start="snapshot" if snapshot else "live"), count)
        console = Console()
        try:
            if console.is_terminal and not as_json:
                _table(console, ticks)
            else:
                _lines(ticks, as_json=as_json)
        except KeyboardInterrupt:
            return 0
        except BrokenPipeError:
            sys.stderr.close()
            return 0
    return 0


def _limited(ticks: Iterator[mdhub.Tick], count: int | None) -> Iterator[mdhub.Tick]:
    for number, tick in enumerate(ticks, start=1):
        yield tick
        if number == count:
            return


def _lines(ticks: Iterator[mdhub.Tick], *, as_json: bool) -> None:
    for tick in ticks:
        print(json.dumps(_named(tick)) if as_json else _line(tick), flush=True)


def _named(tick: mdhub.Tick) -> dict[str, Any]:
    """All fields by name, with the exchange time in words."""
    fields = {name: getattr(tick, name) for name in tick.__struct_fields__}
    return fields | {"ts": tick.ts.isoformat()}


def _line(tick: mdhub.Tick) -> str:
    bid, ask = _best(tick.bids), _best(tick.asks)
    moment = tick.ts.strftime("%H:%M:%S.%f")[:-3]
    return f"{moment} {tick.vt_symbol} {tick.last} {tick.volume} {bid} {ask} {tick.source}"


def _best(levels: Sequence[tuple[float | None, int | None]]) -> str:
    return f"{levels[0][0]}x{levels[0][1]}" if levels else "-"


def _table(console: Console, ticks: Iterator[mdhub.Tick]) -> None:
    latest: dict[str, mdhub.Tick] = {}
    with Live(console=console, refresh_per_second=4) as live:
        for tick in ticks:
            latest[tick.vt_symbol] = tick
            live.update(_rendered(latest), refresh=False)


def _rendered(latest: dict[str, mdhub.Tick]) -> Table:
    table = Table(title=f"{len(latest)} contracts", expand=True)
    for name in ("contract", "time", "last", "volume", "bid", "ask", "source"):
        table.add_column(name, justify="left" if name in {"contract", "source"} else "right")
    newest = sorted(latest.values(), key=lambda tick: -tick.recv_ns)[:ROWS]
    for tick in sorted(newest, key=lambda tick: tick.vt_symbol):
        table.add_row(
            tick.vt_symbol, tick.ts.strftime("%H:%M:%S.%f")[:-3], f"{tick.last}",
            f"{tick.volume}", _best(tick.bids), _best(tick.asks), tick.source,
        )  # fmt: skip
    return table
