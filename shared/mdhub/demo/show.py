"""The demo on a terminal: one live picture; in a pipe: plain lines."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from mdhub.demo.checker import Report
from mdhub.demo.progress import Progress, StrategyVoice

__all__ = ["LineShow", "TableShow", "misdeeds"]

RACE: Final = (
    "source", "won the race", "duplicates dropped", "late", "rejected", "broke on purpose",
    "killed", "restarts",
)  # fmt: skip


class LineShow:
    """One line in a few seconds."""

    def __init__(self, console: Console, *, every_s: float = 5.0) -> None:
        self._console = console
        self._every_s = every_s
        self._due_s = 0.0
        self._plugs = ""
        self._link = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to restore."""

    def say(self, words: str) -> None:
        self._console.print(words, highlight=False)

    def update(self, progress: Progress, voice: StrategyVoice, report: Report | None) -> None:
        now_s = time.monotonic()
        if progress.console[1] != self._link:
            self._link = progress.console[1]
            self._console.print("\n  ".join(progress.console), highlight=False, soft_wrap=True)
        if now_s < self._due_s:
            return
        self._due_s = now_s + self._every_s
        if (plugs := _plugs(progress)) != self._plugs:
            self._plugs = plugs
            self.say(plugs)
        words = voice.newest
        checked = _checked(progress, report)
        self.say(
            f"{now_s - progress.started_s:5.0f} s  {words.get('received', 0)} ticks "
            f"({voice.rate:.0f}/s)  p50 {_ms(words.get('p50_ms'))}  "
            f"p99 {_ms(words.get('p99_ms'))}  {checked}"
        )


class TableShow:
    """The live picture."""

    def __init__(self, console: Console) -> None:
        self._notes: list[str] = []
        self._live = Live(console=console, refresh_per_second=4, transient=False)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def say(self, words: str) -> None:
        self._notes = [*self._notes[-4:], f"{time.strftime('%H:%M:%S')}  {words}"]

    def update(self, progress: Progress, voice: StrategyVoice, report: Report | None) -> None:
        body = Group(
            *([Text(progress.warning, style="bold red")] if progress.warning else []),
            _headline(progress, voice, report),
            _race(progress, voice),
            _ticks(voice.newest.get("latest", {})),
            Text(_plugs(progress), style="dim"),
            Text("\n".join(self._notes), style="dim"),
            *_way_in(progress),
        )
        title = "mdhub demo: two sources, one trusted stream  (Ctrl-C ends it)"
        self._live.update(Panel(body, title=title))


def _headline(progress: Progress, voice: StrategyVoice, report: Report | None) -> RenderableType:
    said = voice.newest
    grid = Table.grid(padding=(0, 3))
    grid.add_row(
        f"[b]{voice.rate:.0f}[/b] ticks/s",
        f"{said.get('received', 0)} received",
        f"gateway to strategy p50 [b]{_ms(said.get('p50_ms'))}[/b] p99 {_ms(said.get('p99_ms'))}",
        f"{said.get('gaps', 0)} gaps repaired",
        f"{time.monotonic() - progress.started_s:.0f} s",
    )
    words = f"independent checker: {_checked(progress, report)}"
    if progress.checker_error is not None:
        return Group(grid, Text(words, style="bold red"))
    if report is None:
        return Group(grid, Text(words, style="dim"))
    return Group(grid, Text(words, style="green" if report.clean else "bold red"))


def _way_in(progress: Progress) -> list[Text]:
    """The console's link, on a line of its own so that it can be copied whole."""
    words, link = progress.console
    return [Text(words), Text(link, style=f"bold link {link}")] if link else []


def _plugs(progress: Progress) -> str:
    """Name what may be killed by hand."""
    pids = ", ".join(f"{name} {pid}" for name, pid in sorted(progress.pids.items()))
    return f"pull any plug: kill -9 PID, of {pids}" if pids else ""


def _race(progress: Progress, voice: StrategyVoice) -> Table:
    table = Table(expand=True, title_justify="left")
    for name in RACE:
        table.add_column(name, justify="left" if name == "source" else "right")
    wins = voice.newest.get("wins", {})
    for source in ("A", "B"):
        table.add_row(
            source,
            str(wins.get(source, 0)),
            str(progress.of_source("duplicate", source)),
            str(progress.of_source("late", source)),
            str(progress.of_source("rejected", source)),
            misdeeds(progress.broke.get(source, {})),
            str(progress.kills.count(source)),
            str(progress.restarts.get(source, 0)),
        )
    reasons = ", ".join(f"{reason} {count}" for reason, count in progress.reasons().items())
    table.caption = f"rejections: {reasons or 'none'}"
    return table


def _ticks(latest: dict[str, list[Any]]) -> Table:
    table = Table(expand=True)
    for name in ("contract", "time", "last", "volume", "bid", "ask", "from"):
        table.add_column(name, justify="left" if name in {"contract", "from"} else "right")
    for name, (moment, last, volume, bid, ask, source) in sorted(latest.items()):
        table.add_row(name, moment, _number(last), str(volume), _number(bid), _number(ask), source)
    return table


def misdeeds(broke: Mapping[str, int]) -> str:
    """In words what a source did wrong on purpose."""
    return ", ".join(f"{kind} {count}" for kind, count in broke.items() if count) or "-"


def _checked(progress: Progress, report: Report | None) -> str:
    if progress.checker_error is not None:
        return f"checker failed: {progress.checker_error}"
    return "not checked yet" if report is None else _verdict(report)


def _verdict(report: Report) -> str:
    return (
        f"{report.made} made, {report.received} received of the span judged, lost {report.lost}, "
        f"doubled {report.duplicated}, false {report.false}, out of order {report.out_of_order}"
    )


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} ms"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"
