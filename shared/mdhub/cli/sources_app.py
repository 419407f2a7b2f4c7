"""Commands and options of `mdhub sources`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from mdhub.cli.epilog import epilog

__all__ = ["sources_app"]

Config = Annotated[Path | None, typer.Option(help="Configuration file (TOML).")]
Data = Annotated[Path | None, typer.Option(help="Folder of an embedded server's data.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object.")]
Name = Annotated[str, typer.Argument(help="Name of the source.")]
Reason = Annotated[str, typer.Option(help="Why; it stands in the log.")]
Timeout = Annotated[float, typer.Option(min=0.1, max=60, help="Seconds to wait for the answers.")]
CODES: Final = "0 every shard has obeyed, 1 refused or no answer or no hub"

sources_app = typer.Typer(
    help="List sources; mute, unmute or prefer one.",
    epilog=epilog(
        "mdhub sources --json",
        'mdhub sources mute A --reason "stale since 10:31"',
        codes="0 done, 1 no hub, or no arbiter speaks",
    ),
    invoke_without_command=True,
    rich_markup_mode=None,
)


@sources_app.callback()
def sources(
    context: typer.Context, config: Config = None, data: Data = None, json: Json = False
) -> None:
    """List what became of each source's ticks; mute, unmute or prefer a source.

    From the heartbeats of the arbiters: won, duplicate, late, rejected, held, lost, over all
    shards since the log began.
    """
    if context.invoked_subcommand is not None:
        if config or data or json:
            raise typer.BadParameter(f"give options behind {context.invoked_subcommand}")
        return
    from mdhub.cli.hubs import find_hub
    from mdhub.cli.sources import list_sources

    sys.exit(list_sources(find_hub(config, data), as_json=json))


@sources_app.command(epilog=epilog('mdhub sources mute A --reason "stale"', codes=CODES))
def mute(
    name: Name,
    reason: Reason = "",
    timeout: Timeout = 5.0,
    config: Config = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Refuse a source's ticks until it is unmuted."""
    _tell("mute", name, reason, timeout, config, data, as_json=json)


@sources_app.command(epilog=epilog("mdhub sources unmute A", codes=CODES))
def unmute(
    name: Name,
    reason: Reason = "",
    timeout: Timeout = 5.0,
    config: Config = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Hear a muted source again."""
    _tell("unmute", name, reason, timeout, config, data, as_json=json)


@sources_app.command(epilog=epilog("mdhub sources prefer B --json", codes=CODES))
def prefer(
    name: Name,
    reason: Reason = "",
    timeout: Timeout = 5.0,
    config: Config = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Make a source the active one where exchanges are in mode priority."""
    _tell("prefer", name, reason, timeout, config, data, as_json=json)


def _tell(  # noqa: PLR0913 - options of a command
    action: str,
    name: str,
    reason: str,
    timeout_s: float,
    config: Path | None,
    data: Path | None,
    *,
    as_json: bool,
) -> None:
    from mdhub.cli.hubs import find_hub
    from mdhub.cli.sources import tell_source

    hub = find_hub(config, data)
    sys.exit(tell_source(hub, action, name, reason=reason, timeout_s=timeout_s, as_json=as_json))
