"""Commands and options of `mdhub config`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from mdhub.cli.epilog import epilog

__all__ = ["config_app"]

config_app = typer.Typer(
    help="Show, check and explain the configuration.",
    no_args_is_help=True,
    epilog=epilog("mdhub config show --config hub.toml"),
    rich_markup_mode=None,
)


@config_app.command(epilog=epilog("mdhub config show --config hub.toml --json"))
def show(
    config: Annotated[Path | None, typer.Option(help="Configuration file (TOML).")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Show every value in force and where it comes from.

    That is: a default, a file and its line, or a variable. Secrets are redacted.
    """
    from mdhub.cli.config import run_show

    sys.exit(run_show(config, as_json=json))


@config_app.command(epilog=epilog("mdhub config check hub.toml", codes="0 good"))
def check(
    file: Annotated[Path, typer.Argument(help="Configuration file (TOML).")],
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Find every mistake of a file at once.

    Also those of MDHUB_ variables. Exit code 2 if there are any.
    """
    from mdhub.cli.config import run_check

    sys.exit(run_check(file, as_json=json))


@config_app.command(epilog=epilog("mdhub config example > hub.toml"))
def example() -> None:
    """Print a commented example with every default."""
    from mdhub.cli.config import run_example

    sys.exit(run_example())
