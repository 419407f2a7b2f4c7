"""Commands and options of `mdhub failover`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from mdhub.cli.epilog import epilog

__all__ = ["failover_app"]

Config = Annotated[Path | None, typer.Option(help="Configuration file (TOML).")]
Data = Annotated[Path | None, typer.Option(help="Folder of an embedded server's data.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object.")]
Reason = Annotated[str, typer.Option(help="Why; it stands in the log.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")]
Timeout = Annotated[float, typer.Option(min=0.1, max=60, help="Seconds to wait for each answer.")]
ENDPOINT: Final = "tcp://127.0.0.1:5555"
CODES: Final = "0 done, 1 refused or no answer or no hub"

failover_app = typer.Typer(
    help="Swap primary and backup: arbiters, sources, or all.",
    epilog=epilog("mdhub failover --dry-run", 'mdhub failover --reason "patch day"', codes=CODES),
    invoke_without_command=True,
    rich_markup_mode=None,
)


@failover_app.callback()
def failover(  # noqa: PLR0913 - options of a command
    context: typer.Context,
    shard: Annotated[int | None, typer.Option(min=0, help="Only this shard. Default all.")] = None,
    reason: Reason = "",
    dry_run: DryRun = False,
    timeout: Timeout = 10.0,
    config: Config = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Hand each shard over from its leader to its standby, by command.

    Refused unless a standby lives, agrees and is near. The result names the new leader and how
    long there was none. `failover sources` swaps sources, `failover drill` swaps everything.
    """
    if context.invoked_subcommand is not None:
        if shard is not None or reason or dry_run or config or data or json:
            raise typer.BadParameter(f"give options behind {context.invoked_subcommand}")
        return
    from mdhub.cli.failover.arbiters import run_failover
    from mdhub.cli.hubs import find_hub

    hub = find_hub(config, data)
    code = run_failover(hub, shard, reason=reason, dry_run=dry_run, timeout_s=timeout, as_json=json)
    sys.exit(code)


@failover_app.command(epilog=epilog("mdhub failover sources --to B", codes=CODES))
def sources(  # noqa: PLR0913 - options of a command
    to: Annotated[
        str | None, typer.Option(help="Source that shall be active. Default: the best other.")
    ] = None,
    reason: Reason = "",
    dry_run: DryRun = False,
    timeout: Timeout = 5.0,
    config: Config = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Swap active and standby source (mode priority)."""
    from mdhub.cli.failover.sources import run_swap
    from mdhub.cli.hubs import find_hub

    hub = find_hub(config, data)
    sys.exit(run_swap(hub, to, reason=reason, dry_run=dry_run, timeout_s=timeout, as_json=json))


@failover_app.command(
    epilog=epilog(
        "mdhub failover drill --yes --seconds 10",
        codes="0 each swap was done and no tick was lost, 1 not so, or no hub",
    )
)
def drill(  # noqa: PLR0913 - options of a command
    yes: Annotated[bool, typer.Option("--yes", help="Do it; else only say what.")] = False,
    seconds: Annotated[
        float, typer.Option(min=0.5, max=600, help="Listen so long before and after each swap.")
    ] = 5.0,
    endpoint: Annotated[
        list[str] | None,
        typer.Option(help=f"Publisher; repeatable: name all. Default {ENDPOINT}."),
    ] = None,
    server_key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The publishers' public key, if any.")
    ] = None,
    key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The own key pair that goes with it.")
    ] = None,
    config: Config = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Swap every primary with its backup and back; measure gaps.

    On the running hub: arbiters of every shard, publishers of this host (ended in order, started
    again by their parent), sources (docs/ops/failover-drill.md). A client that follows everything
    says what strategies saw.
    """
    from mdhub.cli.failover.playbook import run_playbook
    from mdhub.cli.hubs import find_hub
    from mdhub.cli.tail import Publishers

    where = Publishers(tuple(endpoint or [ENDPOINT]), server_key, key)
    hub = find_hub(config, data)
    sys.exit(run_playbook(hub, where, seconds=seconds, really=yes, as_json=json))
