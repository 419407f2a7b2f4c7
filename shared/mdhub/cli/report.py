"""Runs `mdhub report`."""

from __future__ import annotations

import json as jsonlib
import sys
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.markdown import Markdown

from mdhub.cli.hubs import find_hub
from mdhub.cli.pipe import reader_may_leave
from mdhub.config import load
from mdhub.config.load import Option
from mdhub.config.locate import Key
from mdhub.health.day import FOLDER, DayReport, decode_day, measured
from mdhub.health.day_markdown import day_markdown
from mdhub.runtime.errors import ServiceError
from mdhub.streams import open_log
from mdhub.streams.port import Log
from mdhub.streams.topology import EVENTS
from mdhub.wire.codec import DecodeError, decode_event
from mdhub.wire.errors import MdhubError
from mdhub.wire.ops import EventKind

__all__ = ["run_report"]

MOST_SHOWN: Final = 10
NAMES: Final = "[0-9]" * 8 + ".json"


def run_report(
    day: int | None, config: Path | None, data: Path | None, *, json: bool, markdown: bool
) -> int:
    """Print a day; 0 = every goal was met. Raises MdhubError if there is no such report."""
    found = _find(day, config, data)
    with reader_may_leave():
        if json:
            print(jsonlib.dumps(_plain(found)))
        elif markdown or not sys.stdout.isatty():
            print(day_markdown(found), end="")
        else:
            Console().print(Markdown(day_markdown(found)))
    return 0 if all(each.met(each.goal.goal) for each in measured(found)) else 1


def _plain(report: DayReport) -> dict[str, Any]:
    figures = [
        {
            "name": each.goal.name, "value": each.value, "unit": each.goal.unit,
            "better": each.goal.better, "goal": each.goal.goal, "own_goal": each.goal.own,
            "met": each.met(each.goal.goal), "own_met": each.met(each.goal.own),
        }
        for each in measured(report)
    ]  # fmt: skip
    return {"figures": figures, "report": msgspec.to_builtins(report)}


def _find(day: int | None, config: Path | None, data: Path | None) -> DayReport:
    options: dict[Key, Option] = {}
    if data is not None:
        options = {("hub", "data"): ("--data", str(data))}
    folder = load(config, options=options).config.hub.data / FOLDER
    files = sorted(folder.glob(NAMES))
    chosen = [file for file in files if day is None or file.stem == str(day)]
    if chosen:
        return _read(chosen[-1])
    told, asked = None, "has none"
    try:
        told = _told(day, config, data)
    except MdhubError as error:
        asked = f"could not be asked: {error.sentence}"
    if told is not None:
        return told
    days = ", ".join(file.stem for file in files[-MOST_SHOWN:]) or "none"
    raise ServiceError(
        f"no report of {day or 'any trading day'} in {folder} (there: {days}), and the hub {asked}"
        "; the monitor writes one at the close: name its folder with --data"
    )


def _read(file: Path) -> DayReport:
    try:
        return decode_day(file.read_bytes())
    except (OSError, msgspec.DecodeError) as error:
        raise ServiceError(
            f"{file} is no report of a trading day: {error}; the monitor's event of that day has "
            "it too (mdhub tail --events --kind report)"
        ) from None


def _told(day: int | None, config: Path | None, data: Path | None) -> DayReport | None:
    """The newest report among the events; None = none. Raises MdhubError: no hub to ask."""
    hub = find_hub(config, data)
    log = open_log(hub.url, service="cli", prefix=hub.prefix)
    try:
        return _newest(log, day)
    finally:
        log.close()


def _newest(log: Log, day: int | None) -> DayReport | None:
    for _, fields in log.entries(EVENTS, count=EVENTS.max_entries or 0, newest_first=True):
        try:
            event = decode_event(fields[1])
            if event.kind == EventKind.REPORT and (day is None or event.subject == str(day)):
                return msgspec.convert(event.body.get("report"), DayReport)
        except (DecodeError, msgspec.ValidationError, IndexError):
            continue
    return None
