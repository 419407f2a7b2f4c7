"""`mdhub tail`: follow clean ticks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.live import Live
from rich.table import Table

import mdhub
from mdhub.cli.formats import Format, named_tick, writer
from mdhub.cli.pipe import reader_may_leave
from mdhub.wire.topics import subscription_prefixes

__all__ = ["Publishers", "TickFilter", "best", "run_tail"]

ROWS: Final = 40
"""Contracts shown at a time: those with the newest ticks."""


@dataclass(frozen=True, slots=True)
class Publishers:
    """Where ticks come from, and the files with the keys to it."""

    endpoints: tuple[str, ...]
    server_key: Path | None = None
    key: Path | None = None


@dataclass(frozen=True, slots=True)
class TickFilter:
    """Which ticks are shown."""

    source: str | None = None
    """Only those this source won."""
    changed: bool = False
    """Only those whose volume differs from the contract's tick before."""
    count: int | None = None
    """End after so many."""

    def of(self, ticks: Iterator[mdhub.Tick]) -> Iterator[mdhub.Tick]:
        """The ticks that pass."""
        volumes: dict[str, int | None] = {}
        passed = 0
        for tick in ticks:
            still = self.changed and volumes.get(tick.vt_symbol, -1) == tick.volume
            volumes[tick.vt_symbol] = tick.volume
            if still or self.source not in {None, tick.source}:
                continue
            yield tick
            passed += 1
            if passed == self.count:
                return


def run_tail(
    patterns: Sequence[str],
    publishers: Publishers,
    *,
    form: Format | None,
    snapshot: bool,
    chosen: TickFilter,
) -> int:
    """Print ticks until Ctrl-C or until enough came; without a format a terminal gets a table."""
    for pattern in patterns:
        subscription_prefixes(pattern)  # a bad pattern is told before anything is waited for
    console = Console(markup=False)
    at = publishers
    with mdhub.connect(*at.endpoints, server_key=at.server_key, key=at.key) as hub:
        ticks = chosen.of(hub.ticks(*patterns, start="snapshot" if snapshot else "live"))
        with suppress(KeyboardInterrupt), reader_may_leave():
            if form == "table" or (form is None and console.is_terminal):
                _table(console, ticks)
            else:
                _print(ticks, form or "lines")
    return 0


def _print(ticks: Iterator[mdhub.Tick], form: Format) -> None:
    write = writer(form, line=_line, named=named_tick)
    for tick in ticks:
        write(tick)


def _line(tick: mdhub.Tick) -> str:
    moment = tick.ts.strftime("%H:%M:%S.%f")[:-3]
    return (
        f"{moment} {tick.vt_symbol} {tick.last} {tick.volume} {best(tick.bids)} "
        f"{best(tick.asks)} {tick.source}"
    )


def best(levels: Sequence[tuple[float | None, int | None]]) -> str:
    """First level of a side: `3125.0x12`."""
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
            f"{tick.volume}", best(tick.bids), best(tick.asks), tick.source,
        )  # fmt: skip
    return table
