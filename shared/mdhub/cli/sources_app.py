"""Commands and options of `mdhub sources`."""

from __future__ import annotations

import sys
from collections.abc import Callable
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
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Only say what would happen and what covers meanwhile.")
]
Until = Annotated[
    str | None,
    typer.Option(help="Market time at which it ends: 90m, 2h, 15:00 (the next), or ISO."),
]
Force = Annotated[bool, typer.Option("--force", help="Also while the schedule says closed.")]
CODES: Final = "0 every shard has obeyed, 1 refused or no answer or no hub"
CODES_OF_ONE: Final = "0 done, 1 refused or no answer or no hub"

VERDICTS: Final = {
    "mute": "Refuse a source's ticks until it is unmuted.",
    "unmute": "Hear a muted source again.",
    "prefer": "Make a source the active one where exchanges are in mode priority.",
}
"""What the arbiters of all shards are told about a source."""
ORDERS: Final = {
    "restart": "Kill a source's process and start a new one at once.",
    "start": "Run a source now, whatever the schedule says.",
    "stop": "End a source's process in order.",
    "hold": "Keep a source ended until resumed, or --until.",
    "resume": "Let the schedule decide over a source again.",
}
"""What the supervisor that runs a source is told."""

sources_app = typer.Typer(
    help="List sources; mute, prefer, restart or hold one.",
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
    """List what became of each source's ticks; mute, prefer, restart or hold a source.

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


def _verdict(action: str) -> Callable[..., None]:
    def tell(  # noqa: PLR0913 - options of a command
        name: Name,
        reason: Reason = "",
        dry_run: DryRun = False,
        timeout: Timeout = 5.0,
        config: Config = None,
        data: Data = None,
        json: Json = False,
    ) -> None:
        from mdhub.cli.hubs import find_hub
        from mdhub.cli.source_orders import foretell
        from mdhub.cli.sources import tell_source

        hub = find_hub(config, data)
        if dry_run:
            sys.exit(foretell(hub, action, name, as_json=json))
        sys.exit(tell_source(hub, action, name, reason=reason, timeout_s=timeout, as_json=json))

    return tell


def _order(action: str) -> Callable[..., None]:
    def order(  # noqa: PLR0913 - options of a command
        name: Name,
        reason: Reason = "",
        until: Until = None,
        force: Force = False,
        dry_run: DryRun = False,
        timeout: Timeout = 10.0,
        config: Config = None,
        data: Data = None,
        json: Json = False,
    ) -> None:
        from mdhub.cli.hubs import find_hub
        from mdhub.cli.source_orders import Order, foretell, order_source

        hub = find_hub(config, data)
        if dry_run:
            sys.exit(foretell(hub, action, name, as_json=json))
        told = Order(action, name, reason=reason, until=until, force=force)
        sys.exit(order_source(hub, told, timeout_s=timeout, as_json=json))

    return order


for _action, _help in VERDICTS.items():
    _shown = epilog(f'mdhub sources {_action} A --reason "stale"', codes=CODES)
    sources_app.command(_action, help=_help, epilog=_shown)(_verdict(_action))
for _action, _help in ORDERS.items():
    _shown = epilog(f'mdhub sources {_action} A --reason "no ticks"', codes=CODES_OF_ONE)
    sources_app.command(_action, help=_help, epilog=_shown)(_order(_action))
