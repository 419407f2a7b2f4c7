"""Commands and options of `mdhub backup`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from mdhub.cli.epilog import epilog

__all__ = ["backup_app"]

Json = Annotated[bool, typer.Option("--json", help="One JSON object.")]
Folder = Annotated[Path, typer.Option(help="Folder of the backups.")]
Only = Annotated[
    Literal["files", "databases"] | None, typer.Option(help="One half alone. Default: both.")
]
FOLDER: Final = Path("mdhub-backups")
CODES: Final = "0 done, 1 refused or failed: a sentence on stderr says why"

backup_app = typer.Typer(
    help="Back up configuration and databases, and put them back.",
    no_args_is_help=True,
    epilog=epilog(
        "mdhub backup create --config hub.toml", "mdhub backup restore FILE --dry-run", codes=CODES
    ),
    rich_markup_mode=None,
)


@backup_app.command(
    epilog=epilog(
        "mdhub backup create --config /etc/mdhub/hub.toml --also /etc/mdhub/mdhub.env "
        "--folder /var/backups/mdhub --keep-days 30",
        codes=CODES,
    )
)
def create(  # noqa: PLR0913 - options of a command
    config: Annotated[Path, typer.Option(help="Configuration file (TOML).")],
    folder: Folder = FOLDER,
    also: Annotated[
        list[Path] | None,
        typer.Option(help="A further file, such as variables or accounts; repeatable."),
    ] = None,
    keep_days: Annotated[
        int, typer.Option(min=1, help="Older backups are deleted; the newest three never.")
    ] = 30,
    note: Annotated[str, typer.Option(help="Why it was made, such as: before 0.9.")] = "",
    only: Only = None,
    json: Json = False,
) -> None:
    """Back up configuration, its files, and databases.

    Files: calendar override, contract table and allowed client keys. Secrets are refused: files
    hold references (env:NAME, file:/path) to what is kept elsewhere. Databases: accounts, their
    secrets sealed, and the console's users, tokens and audit log, without its sessions. The keys
    that open the seals are in no backup. Each part is read back, hashed and opened.
    """
    from mdhub.cli.backup import run_create

    half = [only] if only else []
    code = run_create(config, folder, also or [], keep_days, note, only=half, as_json=json)
    sys.exit(code)


@backup_app.command(epilog=epilog("mdhub backup restore FILE --into trial --json", codes=CODES))
def restore(  # noqa: PLR0913 - options of a command
    file: Annotated[Path, typer.Argument(help="The backup.")],
    into: Annotated[
        Path | None, typer.Option(help="Put all of it below this folder, not where it was.")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(help="Configuration that names the databases. Default: the one backed up."),
    ] = None,
    only: Only = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace what differs; it stays as .before-restore.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
    json: Json = False,
) -> None:
    """Put the files and databases of a backup back.

    Nothing is written if one differs, unless --force. Databases may be in use meanwhile; restart
    ingest and console afterwards. Accounts on a server that the backup does not have stay.
    """
    from mdhub.cli.backup import run_restore

    half = [only] if only else []
    code = run_restore(
        file, into, config=config, only=half, force=force, dry_run=dry_run, as_json=json
    )
    sys.exit(code)


@backup_app.command("list", epilog=epilog("mdhub backup list --json", codes=CODES))
def list_(folder: Folder = FOLDER, json: Json = False) -> None:
    """List backups, the newest first.

    Each is read and checked; exit code 1 if one is damaged.
    """
    from mdhub.cli.backup import run_list

    sys.exit(run_list(folder, as_json=json))
