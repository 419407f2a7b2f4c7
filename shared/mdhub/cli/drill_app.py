"""Options of `mdhub drill`."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated, Final

import typer

from mdhub.cli.epilog import epilog

__all__ = ["DRILL_EPILOG", "drill"]

DRILL_EPILOG: Final = epilog(
    "mdhub drill --only P1,P4,R1",
    "mdhub drill --only P1 --rounds 500 --json",
    codes="0 all rows that ran have passed, 1 at least one has not",
)


def drill(  # noqa: PLR0913 - options of a command
    only: Annotated[str | None, typer.Option(metavar="IDS", help="Rows, such as P1,P4,R1.")] = None,
    seed: Annotated[
        int | None, typer.Option(help="Of market and moments; shown, by default a new one.")
    ] = None,
    rounds: Annotated[
        int | None, typer.Option(min=1, help="Faults on one running hub. Default: the row's own.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(min=1, help="How long rows last that have a duration.")
    ] = None,
    long: Annotated[bool, typer.Option("--long", help="Long pauses: 30 s.")] = False,
    json: Annotated[bool, typer.Option("--json", help="The last line is one JSON object.")] = False,
    keep: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Keep logs, data and receipts there.")
    ] = None,
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Put the table into this page.")
    ] = None,
    prom: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the results there as metrics.")
    ] = None,
    list_them: Annotated[bool, typer.Option("--list", help="List the rows and end.")] = False,
) -> None:
    """Break a hub on purpose, and prove that nothing was lost.

    Each row starts a whole hub of real processes in a temporary folder, puts its fault in while
    two sources play a market, and compares: what the market made with what a client got, the clean
    log with what raw says. Rows that this machine cannot run are skipped, saying what is missing.
    """
    from mdhub.cli.drill import list_drills, run_drills
    from mdhub.drill.port import Options
    from mdhub.drill.registry import chosen

    if list_them:
        sys.exit(list_drills(as_json_list=json))
    options = Options(
        seed=time.time_ns() % 1_000_000 if seed is None else seed,
        rounds=rounds, seconds=seconds, long=long,
    )  # fmt: skip
    sys.exit(
        run_drills(chosen(only), options, keep=keep, json_object=json, markdown=markdown, prom=prom)
    )
