"""`mdhub keys`: CURVE keys of publishers and clients, in one folder.

mdhub-keys/
  server.key_secret   the publishers' pair (0600)
  server.key          their public key: strategies need it
  NAME.key_secret     a client's pair (0600), to be moved to its host
  clients/NAME.key    who may connect; publishers read it
  revoked/NAME.key    who may not any more
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from mdhub.config import HubConfig
from mdhub.config.locate import Key
from mdhub.runtime.errors import ServiceError
from mdhub.sdk.errors import BadKey
from mdhub.sdk.keys import (
    CLIENT_KEY_VARIABLE,
    SERVER_KEY_VARIABLE,
    KeyPair,
    fingerprint,
    new_pair,
    read_pair,
    read_public,
    write_pair,
    write_public,
)

__all__ = [
    "allow_key",
    "key_problems",
    "list_keys",
    "new_client_key",
    "new_server_key",
    "revoke_key",
]

SERVER: Final = "server"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def new_server_key(folder: Path, *, as_json: bool) -> int:
    """Make the publishers' pair. Raises BadKey if there is one."""
    pair = new_pair()
    secret, public = _secret(folder, SERVER), folder / f"{SERVER}.key"
    write_pair(secret, pair, name="the publishers")
    write_public(public, pair.public, name="the publishers")
    _clients(folder).mkdir(exist_ok=True)
    _say_made(
        SERVER, pair, secret, public, as_json=as_json,
        words=f"publishers: --curve-key {secret} --curve-clients {_clients(folder)}\n"
        f"strategies: give them {public}, and a key each: mdhub keys new NAME",
    )  # fmt: skip
    return 0


def new_client_key(folder: Path, name: str, *, as_json: bool) -> int:
    """Make a client's pair and allow it. Raises BadKey, ServiceError."""
    _check_name(name)
    allowed = _clients(folder) / f"{name}.key"
    if allowed.exists():
        raise ServiceError(f"client {name} is allowed already: revoke it first, or choose a name")
    pair = new_pair()
    secret = _secret(folder, name)
    write_pair(secret, pair, name=f"client {name}")
    write_public(allowed, pair.public, name=f"client {name}")
    _say_made(
        name, pair, secret, allowed, as_json=as_json,
        words=f"move {secret} to the client's host (mode 0600), with {folder / 'server.key'};\n"
        f"there: export {SERVER_KEY_VARIABLE}=server.key {CLIENT_KEY_VARIABLE}={secret.name}",
    )  # fmt: skip
    return 0


def allow_key(folder: Path, file: Path, *, as_json: bool) -> int:
    """Allow the public key of a file, under the file's name. Raises BadKey, ServiceError."""
    name = file.name.removesuffix("_secret").removesuffix(".key")
    _check_name(name)
    public = read_public(file)
    for path in _key_files(_clients(folder)):
        if read_public(path) == public:
            raise ServiceError(f"this key is allowed already, as {path.stem}")
    allowed = _clients(folder) / f"{name}.key"
    write_public(allowed, public, name=f"client {name}")
    (_revoked(folder) / allowed.name).unlink(missing_ok=True)
    _say(
        {"name": name, "key": fingerprint(public), "public_file": str(allowed)},
        f"{name} ({fingerprint(public)}) may connect within a second",
        as_json=as_json,
    )
    return 0


def revoke_key(folder: Path, name: str, *, as_json: bool) -> int:
    """Take a client off the list; publishers end its connections. Raises ServiceError."""
    allowed = _clients(folder) / f"{name}.key"
    if not _NAME.fullmatch(name) or not allowed.is_file():
        known = ", ".join(path.stem for path in _key_files(_clients(folder))) or "nobody"
        raise ServiceError(f"client {name!r} is not in {_clients(folder)}; allowed: {known}")
    _revoked(folder).mkdir(exist_ok=True)
    allowed.replace(_revoked(folder) / allowed.name)
    _say(
        {"name": name, "revoked": True},
        f"{name} is revoked; publishers that read {_clients(folder)} end its connections within "
        f"two seconds. Undo: mdhub keys allow {_revoked(folder) / allowed.name}",
        as_json=as_json,
    )
    return 0


def list_keys(folder: Path, *, as_json: bool) -> int:
    """List the publishers' key and the clients', with fingerprints; 1 if a file holds no key."""
    server = folder / f"{SERVER}.key"
    if not server.is_file() and not _clients(folder).is_dir():
        raise ServiceError(f"there are no keys in {folder}: begin with mdhub keys server")
    rows = [_row(server, "publisher")] if server.is_file() else []
    rows += [_row(path, "allowed") for path in _key_files(_clients(folder))]
    rows += [_row(path, "revoked") for path in _key_files(_revoked(folder))]
    if as_json:
        print(json.dumps(rows))
    else:
        table = Table("name", "key", "state", "file")
        for row in rows:
            table.add_row(row["name"], row["key"] or row["problem"], row["state"], row["file"])
        Console(markup=False).print(table)
    return 1 if any(row["problem"] for row in rows) else 0


def key_problems(config: HubConfig) -> list[tuple[Key, str]]:
    """What is wrong with the key files of publishers, before any of them is started."""
    problems: list[tuple[Key, str]] = []
    for number, publisher in enumerate(config.publishers):
        key, clients = publisher.curve_key, publisher.curve_clients
        at: Key = ("publishers", number, "curve_key" if key is not None else "curve_clients")
        if (key is None) != (clients is None):
            problems.append((at, "expected both curve_key and curve_clients, or none of them"))
            continue
        if key is None or clients is None:
            continue
        try:
            read_pair(key)
        except BadKey as error:
            problems.append((at, str(error)))
        if not clients.is_dir():
            words = f"folder {clients} was not found; `mdhub keys server` makes one"
            problems.append((("publishers", number, "curve_clients"), words))
    return problems


def _row(path: Path, state: str) -> dict[str, Any]:
    key = problem = ""
    try:
        key = fingerprint(read_public(path))
    except BadKey as error:
        problem = str(error)
    return {"name": path.stem, "key": key, "state": state, "file": str(path), "problem": problem}


def _clients(folder: Path) -> Path:
    return folder / "clients"


def _revoked(folder: Path) -> Path:
    return folder / "revoked"


def _secret(folder: Path, name: str) -> Path:
    return folder / f"{name}.key_secret"


def _key_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("[!.]*.key"))


def _check_name(name: str) -> None:
    if name == SERVER or not _NAME.fullmatch(name):
        raise ServiceError(
            f"name was {name!r}, expected up to 64 letters, digits, '_', '.' or '-' (and not "
            "'server'), e.g. strategy-1"
        )


def _say_made(
    name: str, pair: KeyPair, secret: Path, public: Path, *, words: str, as_json: bool
) -> None:
    facts = {
        "name": name,
        "key": fingerprint(pair.public),
        "public_key": pair.public,
        "secret_file": str(secret),
        "public_file": str(public),
    }
    _say(facts, f"{name}: key {facts['key']} in {secret} and {public}\n{words}", as_json=as_json)


def _say(facts: dict[str, Any], words: str, *, as_json: bool) -> None:
    print(json.dumps(facts) if as_json else words)
