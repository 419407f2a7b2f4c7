"""`mdhub drill`: runs the rows chosen and shows their table."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from mdhub.drill.port import Drill, Options
from mdhub.drill.registry import chosen
from mdhub.drill.run import Row, check_keep, run_drill
from mdhub.drill.table import as_json, as_text, into_page
from mdhub.host.stack import URL_VARIABLE
from mdhub.metrics.of_drill import samples_of_drill

__all__ = ["list_drills", "run_drills"]

TERMINATED: Final = 143
"""Exit code of a process ended by SIGTERM, as a shell has it."""


def list_drills(*, as_json_list: bool) -> int:
    """Print the rows there are."""
    drills = chosen(None)
    if as_json_list:
        print(json.dumps([_described(drill) for drill in drills]))
        return 0
    for drill in drills:
        print(f"{drill.id:4} {drill.fault}\n     {drill.criterion}")
    return 0


def run_drills(
    drills: Sequence[Drill],
    options: Options,
    *,
    keep: Path | None,
    json_object: bool,
    markdown: Path | None,
    prom: Path | None = None,
) -> int:
    """Run them one after the other; exit code 1 if any failed. SIGTERM ends the hub as well.

    Raises FolderTaken.
    """
    check_keep(keep, drills)
    os.environ.pop(URL_VARIABLE, None)  # a drill breaks a server of its own, never the user's
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    rows: list[Row] = []
    say_to = sys.stderr if json_object else sys.stdout
    for drill in drills:
        print(f"{drill.id}: {drill.fault} (seed {options.seed})", file=say_to, flush=True)
        began_s = time.monotonic()

        def say(words: str, began_s: float = began_s) -> None:
            print(f"  {time.monotonic() - began_s:6.1f} s  {words}", file=say_to, flush=True)

        row = run_drill(drill, options, keep=keep, say=say)
        rows.append(row)
        say("; ".join([row.verdict, *row.reasons[:1]]))
    print(as_text(rows), file=say_to, flush=True)
    if markdown is not None:
        into_page(markdown, rows, _command())
    if prom is not None:
        _write_metrics(prom, rows)
    if json_object:
        print(json.dumps(as_json(rows)), flush=True)
    return 1 if any(row.failed for row in rows) else 0


def _write_metrics(file: Path, rows: Sequence[Row]) -> None:
    from mdhub.runtime.health_http import exposition

    found = [asdict(row) for row in rows]
    text = exposition(lambda: samples_of_drill(found, time.time()))
    draft = file.with_name(file.name + ".new")  # a collector shall never read half a file
    draft.write_bytes(text)
    draft.replace(file)


def _command() -> str:
    return " ".join(["mdhub", *sys.argv[1:]])


def _described(drill: Drill) -> dict[str, object]:
    return {
        "id": drill.id,
        "title": drill.title,
        "fault": drill.fault,
        "criterion": drill.criterion,
        "smoke": drill.smoke,
        "needs": [need.name for need in drill.needs],
        "missing": [need.how for need in drill.needs if not need.present()],
    }
