"""Commands and options of `mdhub keys`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from mdhub.cli.epilog import epilog

__all__ = ["keys_app"]

Folder = Annotated[Path, typer.Option(help="Folder of the keys.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object.")]
Name = Annotated[str, typer.Argument(help="Name of the client.")]
FOLDER: Final = Path("mdhub-keys")
CODES: Final = "0 done, 1 refused: a sentence on stderr says why"

keys_app = typer.Typer(
    help="Make, list, allow and revoke the keys that clients connect with.",
    no_args_is_help=True,
    epilog=epilog(
        "mdhub keys server", "mdhub keys new strategy-1", "mdhub keys revoke strategy-1",
        codes=CODES,
    ),
    rich_markup_mode=None,
)  # fmt: skip


@keys_app.command(epilog=epilog("mdhub keys server --folder mdhub-keys", codes=CODES))
def server(folder: Folder = FOLDER, json: Json = False) -> None:
    """Make the key pair of the publishers.

    Secret keys are written to files of mode 0600 and never printed.
    """
    from mdhub.cli.keys import new_server_key

    sys.exit(new_server_key(folder, as_json=json))


@keys_app.command(epilog=epilog("mdhub keys new strategy-1 --json", codes=CODES))
def new(name: Name, folder: Folder = FOLDER, json: Json = False) -> None:
    """Make a client's key pair and allow it.

    Running publishers let it in within a second.
    """
    from mdhub.cli.keys import new_client_key

    sys.exit(new_client_key(folder, name, as_json=json))


@keys_app.command(epilog=epilog("mdhub keys allow strategy-2.key", codes=CODES))
def allow(
    file: Annotated[Path, typer.Argument(help="Key file; its name is the client's.")],
    folder: Folder = FOLDER,
    json: Json = False,
) -> None:
    """Allow the public key of a file.

    For clients that made their pair themselves, and for those that were revoked.
    """
    from mdhub.cli.keys import allow_key

    sys.exit(allow_key(folder, file, as_json=json))


@keys_app.command(epilog=epilog("mdhub keys revoke strategy-1", codes=CODES))
def revoke(name: Name, folder: Folder = FOLDER, json: Json = False) -> None:
    """Take a client off the list; it is thrown out.

    Running publishers end its connections within two seconds, and nobody else's.
    """
    from mdhub.cli.keys import revoke_key

    sys.exit(revoke_key(folder, name, as_json=json))


@keys_app.command(
    "list",
    epilog=epilog("mdhub keys list --json", codes="0 done, 1 no keys, or a file that holds none"),
)
def list_(folder: Folder = FOLDER, json: Json = False) -> None:
    """List who may connect and who was revoked.

    With the fingerprints that publishers name in their events.
    """
    from mdhub.cli.keys import list_keys

    sys.exit(list_keys(folder, as_json=json))
