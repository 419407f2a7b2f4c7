"""Options of `mdhub report`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from mdhub.cli.epilog import epilog

__all__ = ["REPORT_EPILOG", "report"]

REPORT_EPILOG: Final = epilog(
    "mdhub report",
    "mdhub report 20260923 --json",
    codes="0 every goal was met, 1 one was missed, or there is no such report",
)


def report(
    day: Annotated[
        int | None,
        typer.Argument(metavar="[DAY]", help="Trading day, YYYYMMDD. Default: the newest."),
    ] = None,
    config: Annotated[Path | None, typer.Option(help="Configuration file (TOML).")] = None,
    data: Annotated[Path | None, typer.Option(help="Data folder, where reports/ is.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Markdown as it is, also on a terminal.")
    ] = False,
) -> None:
    """Show how a trading day was.

    Figures beside their goals, seconds without data by cause, sources ranked,
    incidents. The monitor writes it a minute after the last session's end, and once a minute what
    it knows of a day that is not over. It is read from the data folder, else from the hub's events.
    """
    from mdhub.cli.report import run_report

    sys.exit(run_report(day, config, data, json=json, markdown=markdown))
