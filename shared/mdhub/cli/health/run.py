"""Runs `mdhub health`."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Final

from rich.console import Console

from mdhub.cli.health.show import as_json, one_line, picture
from mdhub.cli.health.verdict import verdict_of
from mdhub.cli.hubs import find_hub
from mdhub.cli.pipe import reader_may_leave
from mdhub.health.freshness import FreshReport, judged
from mdhub.health.model import Finding
from mdhub.streams import open_log
from mdhub.wire.errors import MdhubError
from mdhub.wire.ops import Severity

__all__ = ["run_health"]

PIPE_WIDTH: Final = 240


def run_health(
    config: Path | None, data: Path | None, *, json: bool, nagios: bool, language: str
) -> int:
    """Print the newest report; the exit code is its `Verdict`, whatever goes wrong here."""
    fresh = _look(config, data)
    with reader_may_leave():
        if json:
            print(as_json(fresh))
        elif nagios:
            print(one_line(fresh))
        else:
            # In a pipe nothing is folded: a row stays on its line.
            width = None if sys.stdout.isatty() else PIPE_WIDTH
            Console(highlight=False, markup=False, width=width).print(picture(fresh, language))
    return int(verdict_of(fresh.findings))


def _look(config: Path | None, data: Path | None) -> FreshReport:
    now_ns = time.time_ns()
    try:
        hub = find_hub(config, data)
        log = open_log(hub.url, service="cli", prefix=hub.prefix)
        try:
            return judged(log.health(), now_ns=now_ns, silent_ms=hub.silent_ms)
        finally:
            log.close()
    except MdhubError as error:
        away = Finding(
            key="server_away:", rule="server_away", subject="", severity=Severity.ERROR,
            since_ns=now_ns,
        )  # fmt: skip
        return FreshReport(None, None, stale=True, sentence=error.sentence, findings=[away])
