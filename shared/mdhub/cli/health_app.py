"""Options of `mdhub health`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from mdhub.cli.epilog import epilog

__all__ = ["HEALTH_EPILOG", "health"]

HEALTH_EPILOG: Final = epilog(
    "mdhub health --nagios || echo see to it",
    "mdhub health --json",
    codes="0 fine, 1 warnings only, 2 an error, or nobody can say (no hub, no monitor, old report)",
)


def health(
    config: Annotated[Path | None, typer.Option(help="Configuration file (TOML).")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder of an embedded server's data.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    nagios: Annotated[
        bool, typer.Option("--nagios", help="One line: verdict, words, figures behind a bar.")
    ] = False,
    lang: Annotated[
        Literal["en", "zh"] | None, typer.Option(help="Language. Default: as LANG says.")
    ] = None,
) -> None:
    """Say how the hub is, for cron, and what to do.

    The monitor's newest report: coverage of the wanted contracts, latency, silent contracts,
    sources and their ranking, services, shards, gaps, how far the calendar reaches. A report that
    is old is a finding itself: the monitor is dead.
    """
    from mdhub.cli.doctor.run import language_of
    from mdhub.cli.health.run import run_health

    sys.exit(run_health(config, data, json=json, nagios=nagios, language=language_of(lang)))
