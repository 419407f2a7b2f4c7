"""Commands and options of `mdhub accounts`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final

import typer

from mdhub.cli.epilog import epilog

__all__ = ["accounts_app"]

Config = Annotated[Path | None, typer.Option(help="Configuration file (TOML).")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object.")]
Name = Annotated[str, typer.Argument(help="Id of the account.")]
Setting = Annotated[
    list[str] | None,
    typer.Option("--set", help="NAME=VALUE of the gateway; NAME= takes it away; repeatable."),
]
Secret = Annotated[
    list[str] | None, typer.Option(help="A secret to ask for on the terminal; repeatable.")
]
FromStdin = Annotated[
    str | None, typer.Option(metavar="NAME", help="The secret that stands on stdin, one line.")
]
Priority = Annotated[int | None, typer.Option(min=0, max=1_000, help="Lower is preferred.")]
Description = Annotated[str | None, typer.Option(help="What people call it.")]
Group = Annotated[
    str | None, typer.Option(help="Group of [schedule] it is connected in, or always.")
]
Subscribe = Annotated[
    list[str] | None, typer.Option(help="Rule that says which contracts; repeatable.")
]
Canary = Annotated[
    list[str] | None, typer.Option(help="Contract it must deliver: symbol.EXCHANGE; repeatable.")
]
CODES: Final = "0 done, 1 refused, or no store: a sentence on stderr says why"

accounts_app = typer.Typer(
    help="Keep the accounts that the hub may use; their secrets are sealed.",
    no_args_is_help=True,
    epilog=epilog(
        "mdhub accounts new-key --config hub.toml",
        "mdhub accounts list --config hub.toml",
        codes=CODES,
    ),
    rich_markup_mode=None,
)


@accounts_app.command("list", epilog=epilog("mdhub accounts list --json", codes=CODES))
def list_(config: Config = None, json: Json = False) -> None:
    """List all accounts, the preferred one first."""
    from mdhub.cli.accounts import books, list_accounts

    sys.exit(list_accounts(books(config), as_json=json))


@accounts_app.command(epilog=epilog("mdhub accounts show CTP1 --json", codes=CODES))
def show(name: Name, config: Config = None, json: Json = False) -> None:
    """Show one account; of its secrets only whether they are there."""
    from mdhub.cli.accounts import books, show_account

    sys.exit(show_account(books(config), name, as_json=json))


@accounts_app.command(
    epilog=epilog(
        "mdhub accounts add CTP1 --type ctp --set user_id=123456 --set broker_id=9999 "
        "--set td_address=tcp://front.example:41205 --set md_address=tcp://front.example:41213",
        "mdhub accounts add SIM1 --type sim --set seed=7",
        codes=CODES,
    )
)
def add(  # noqa: PLR0913 - options of a command
    name: Name,
    type: Annotated[str, typer.Option(help="ctp, sopt, tts, ib, vnpy or sim.")],  # noqa: A002
    set: Setting = None,  # noqa: A002
    secret: Secret = None,
    secret_from_stdin: FromStdin = None,
    priority: Priority = None,
    description: Description = None,
    group: Group = None,
    subscribe: Subscribe = None,
    canary: Canary = None,
    disabled: Annotated[bool, typer.Option("--disabled", help="Do not connect it yet.")] = False,
    config: Config = None,
    json: Json = False,
) -> None:
    """Add an account. On a terminal it asks for the secrets that its gateway needs.

    A secret may be a reference: --set password=env:NAME or file:/path.
    """
    from mdhub.cli.accounts import books
    from mdhub.cli.accounts_edit import Asked, add_account

    asked = Asked(
        settings=set or (), secrets=secret or (), from_stdin=secret_from_stdin, priority=priority,
        description=description, group=group, subscribe=subscribe or (), canaries=canary or (),
        enabled=False if disabled else None,
    )  # fmt: skip
    sys.exit(add_account(books(config), name, type, asked, as_json=json))


@accounts_app.command(
    "set",
    epilog=epilog(
        "mdhub accounts set CTP1 --set md_address=tcp://other.example:41213 --priority 20",
        "mdhub accounts set CTP1 --secret password",
        codes=CODES,
    ),
)
def set_(  # noqa: PLR0913 - options of a command
    name: Name,
    set: Setting = None,  # noqa: A002
    secret: Secret = None,
    secret_from_stdin: FromStdin = None,
    priority: Priority = None,
    description: Description = None,
    group: Group = None,
    subscribe: Subscribe = None,
    canary: Canary = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Change an account; what is not named stays as it is.

    Running supervisors replace its process if need be, and no other.
    """
    from mdhub.cli.accounts import books
    from mdhub.cli.accounts_edit import Asked, set_account

    asked = Asked(
        settings=set or (), secrets=secret or (), from_stdin=secret_from_stdin, priority=priority,
        description=description, group=group, subscribe=subscribe or (), canaries=canary or (),
    )  # fmt: skip
    sys.exit(set_account(books(config), name, asked, as_json=json))


def _switch(*, enabled: bool) -> Callable[..., None]:
    def switch(name: Name, config: Config = None, json: Json = False) -> None:
        from mdhub.cli.accounts import books
        from mdhub.cli.accounts_edit import enable_account

        sys.exit(enable_account(books(config), name, enabled=enabled, as_json=json))

    return switch


accounts_app.command(
    "enable", help="Let the hub use an account.",
    epilog=epilog("mdhub accounts enable CTP1", codes=CODES),
)(_switch(enabled=True))  # fmt: skip
accounts_app.command(
    "disable", help="Let the hub use an account no longer; it stays in the store.",
    epilog=epilog("mdhub accounts disable CTP1", codes=CODES),
)(_switch(enabled=False))  # fmt: skip


@accounts_app.command(epilog=epilog("mdhub accounts remove CTP1", codes=CODES))
def remove(name: Name, config: Config = None, json: Json = False) -> None:
    """Delete an account and its secrets."""
    from mdhub.cli.accounts import books
    from mdhub.cli.accounts_edit import remove_account

    sys.exit(remove_account(books(config), name, as_json=json))


@accounts_app.command(epilog=epilog("mdhub accounts history CTP1 --count 10", codes=CODES))
def history(
    name: Name,
    count: Annotated[int, typer.Option(min=1, max=500, help="At most so many.")] = 50,
    config: Config = None,
    json: Json = False,
) -> None:
    """Show who changed what of an account, also of one that is gone."""
    from mdhub.cli.accounts import books, history_of

    sys.exit(history_of(books(config), name, count, as_json=json))


@accounts_app.command(epilog=epilog("mdhub accounts export --file accounts.json", codes=CODES))
def export(
    file: Annotated[Path | None, typer.Option(help="Where to; without it to stdout.")] = None,
    config: Config = None,
) -> None:
    """Write all accounts as JSON, without secrets; references stay."""
    from mdhub.cli.accounts import books, export_file

    sys.exit(export_file(books(config), file))


@accounts_app.command(
    "import",
    epilog=epilog(
        "mdhub accounts import accounts.json --json",
        codes="0 done, 1 refused, or an account lacks a secret and came in disabled",
    ),
)
def import_(
    file: Annotated[Path, typer.Argument(help="What export wrote.")],
    config: Config = None,
    json: Json = False,
) -> None:
    """Take accounts from a file; none is deleted.

    Secrets of accounts that are there already are kept.
    """
    from mdhub.cli.accounts import books, import_file

    sys.exit(import_file(books(config), file, as_json=json))


@accounts_app.command("new-key", epilog=epilog("mdhub accounts new-key", codes=CODES))
def new_key(config: Config = None, json: Json = False) -> None:
    """Put a new master key into the key file.

    It seals from now on; older ones still open.
    """
    from mdhub.cli.accounts import books, make_key

    sys.exit(make_key(books(config), as_json=json))


@accounts_app.command(
    "rotate-key",
    epilog=epilog(
        "mdhub accounts rotate-key --drop-old",
        codes="0 done, 1 an account is left on an old key, or no store",
    ),
)
def rotate_key(
    active: Annotated[
        bool, typer.Option("--active", help="Make no new key: move to the one active now.")
    ] = False,
    drop_old: Annotated[
        bool, typer.Option("--drop-old", help="Take keys that nothing needs out of the file.")
    ] = False,
    config: Config = None,
    json: Json = False,
) -> None:
    """Seal every secret anew with a new master key.

    The hub may run meanwhile. With several machines: new-key, copy the file to all of them, then
    rotate-key --active.
    """
    from mdhub.cli.accounts import books
    from mdhub.cli.accounts import rotate_key as rotate

    sys.exit(rotate(books(config), new=not active, drop=drop_old, as_json=json))
