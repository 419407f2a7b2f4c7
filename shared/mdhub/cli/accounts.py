"""`mdhub accounts`: what is in the store; in and out of files; master keys."""

from __future__ import annotations

import getpass
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from mdhub.accounts.edit import secrets_of, shown
from mdhub.accounts.keyring import (
    BadKeys,
    Keyring,
    add_key,
    read_keyring,
    write_keyring,
)
from mdhub.accounts.open import open_store
from mdhub.accounts.port import AccountStore
from mdhub.accounts.transfer import export_accounts, import_accounts
from mdhub.cli.pipe import reader_may_leave
from mdhub.config import load
from mdhub.config.model import AccountsKnobs
from mdhub.runtime.errors import ServiceError
from mdhub.runtime.secret import ENV, FILE, resolve

__all__ = [
    "Books",
    "author",
    "books",
    "export_file",
    "history_of",
    "import_file",
    "list_accounts",
    "make_key",
    "opened",
    "rotate_key",
    "say",
    "show_account",
]


@dataclass(frozen=True, slots=True)
class Books:
    """Where the accounts and their master keys are. Printing it shows no address."""

    knobs: AccountsKnobs

    def store(self) -> AccountStore:
        """Raises StoreUnavailable, SecretError; ServiceError if no store is configured."""
        if self.knobs.url is None:
            raise ServiceError(
                'no account store is configured: write url = "sqlite:///mdhub-data/accounts.db" '
                "into [accounts] of the configuration (docs/accounts.md) and give --config"
            )
        url = {"url": self.knobs.url.get_secret_value()}
        return open_store(str(resolve(url, dict(os.environ))["url"]))

    def keyring(self) -> Keyring:
        """Raises BadKeys."""
        return read_keyring(self._keys, os.environ)

    def key_file(self) -> Path:
        """Raises BadKeys if the keys are in a variable."""
        if self._keys.startswith(ENV):
            raise BadKeys(
                f"the master keys come from the variable {self._keys.removeprefix(ENV)}: change "
                "them where it is set, or name a file as key_file"
            )
        return Path(self._keys.removeprefix(FILE)).expanduser()

    @property
    def _keys(self) -> str:
        if self.knobs.key_file is None:
            raise BadKeys(
                'no master keys are configured: write key_file = "mdhub-keys/accounts.key" into '
                "[accounts], then mdhub accounts new-key"
            )
        return self.knobs.key_file


def books(config: Path | None) -> Books:
    """Raises ConfigError."""
    return Books(load(config).config.accounts)


@contextmanager
def opened(kept: Books) -> Iterator[AccountStore]:
    """Open the store for a block."""
    store = kept.store()
    try:
        yield store
    finally:
        store.close()


def author() -> str:
    """Return whom history names for what is done here."""
    try:
        return f"cli:{getpass.getuser()}"[:128]
    except (KeyError, OSError):  # no user of this number
        return f"cli:{os.getuid()}"


def say(facts: Any, words: str, *, as_json: bool) -> None:
    """Print one of the two."""
    with reader_may_leave():
        print(json.dumps(facts, ensure_ascii=False) if as_json else words)


def list_accounts(kept: Books, *, as_json: bool) -> int:
    """Print every account."""
    with opened(kept) as store:
        accounts = store.all()
    if as_json:
        say({"accounts": [shown(each) for each in accounts]}, "", as_json=True)
        return 0
    table = Table("ACCOUNT", "gateway", "priority", "enabled", "secrets", "revision", "description")
    for each in accounts:
        states = ", ".join(f"{name} {state}" for name, state in secrets_of(each).items())
        table.add_row(
            each.id, each.gateway_type, str(each.priority), "yes" if each.is_enabled else "no",
            states or "-", str(each.revision), each.description,
        )  # fmt: skip
    with reader_may_leave():
        Console(markup=False).print(table)
    return 0


def show_account(kept: Books, account_id: str, *, as_json: bool) -> int:
    """Print one account without its secrets."""
    with opened(kept) as store:
        told = shown(store.get(account_id))
    if as_json:
        say(told, "", as_json=True)
        return 0
    settings, secrets = told.pop("settings"), told.pop("secrets")
    for name in ("created_at", "updated_at"):
        told[name] = _moment(told[name])
    rows = [*told.items(), *((f"settings.{name}", value) for name, value in settings.items())]
    rows += [(f"secrets.{name}", state) for name, state in secrets.items()]
    width = max(len(name) for name, _ in rows)
    say(None, "\n".join(f"{name:{width}}  {_text(value)}" for name, value in rows), as_json=False)
    return 0


def history_of(kept: Books, account_id: str, count: int, *, as_json: bool) -> int:
    """Print who changed what, the newest first; of deleted accounts as well."""
    with opened(kept) as store:
        changes = store.history(account_id, count=count)
    rows = [
        {
            "revision": each.revision, "ts_ns": each.ts_ns, "by": each.by, "action": each.action,
            "fields": list(each.fields),
        }
        for each in changes
    ]  # fmt: skip
    lines = [
        f"{each.revision:>5}  {_moment(each.ts_ns)}  {each.by}  {each.action}  "
        f"{', '.join(each.fields)}"
        for each in changes
    ]
    words = "\n".join(lines) or f"nothing is known of an account {account_id}"
    say({"id": account_id, "changes": rows}, words, as_json=as_json)
    return 0 if changes else 1


def export_file(kept: Books, file: Path | None) -> int:
    """Write all accounts without secrets to a file, or to stdout."""
    with opened(kept) as store:
        content = export_accounts(store.all())
    if file is None:
        with reader_may_leave():
            sys.stdout.write(content.decode())
        return 0
    try:
        file.write_bytes(content)
    except OSError as error:
        raise ServiceError(f"{file} cannot be written: {error.strerror}") from error
    return 0


def import_file(kept: Books, file: Path, *, as_json: bool) -> int:
    """Take accounts from a file; 1 if one lacks a secret."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ServiceError(f"{file} cannot be read: {error.strerror}") from error
    with opened(kept) as store:
        done = import_accounts(store, content, by=author())
    lines = [
        f"{each.id}: {each.change}"
        + (f"; disabled, it lacks {', '.join(each.missing)}" if each.missing else "")
        for each in done
    ]
    rows = [{"id": e.id, "change": e.change, "missing": list(e.missing)} for e in done]
    say({"accounts": rows}, "\n".join(lines), as_json=as_json)
    return int(any(each.missing for each in done))


def make_key(kept: Books, *, as_json: bool) -> int:
    """Put a new active key into the key file."""
    file = kept.key_file()
    keyring = add_key(file)
    older = ", ".join(keyring.ids[1:])
    words = f"{file}: new secrets are sealed with {keyring.active}; "
    words += f"still there: {older}" if older else "keep a copy apart from the database's backups"
    say({"file": str(file), "active": keyring.active, "keys": keyring.ids}, words, as_json=as_json)
    return 0


def rotate_key(kept: Books, *, new: bool, drop: bool, as_json: bool) -> int:
    """Move all secrets to a new key (or the active one); 1 if one is left on an old key."""
    from mdhub.accounts.rotation import key_use, reseal_all
    from mdhub.accounts.vault import Vault

    keyring = add_key(kept.key_file()) if new else kept.keyring()
    with opened(kept) as store:
        rotation = reseal_all(store, Vault(keyring), by=author())
        use = key_use(store)
    free = [each for each in keyring.ids if each not in use and each != keyring.active]
    dropped = free if drop and not rotation.left else []
    if dropped:
        write_keyring(kept.key_file(), keyring.only_active())
    facts = {
        "active": rotation.key_id, "resealed": list(rotation.resealed),
        "left": list(rotation.left), "broken": list(rotation.broken), "unused": free,
        "dropped": dropped,
    }  # fmt: skip
    say(facts, _rotated(facts), as_json=as_json)
    return int(bool(rotation.left))


def _rotated(facts: dict[str, Any]) -> str:
    lines = [f"{len(facts['resealed'])} accounts were sealed anew with {facts['active']}"]
    if facts["broken"]:
        lines.append(f"do not open, give their secrets anew: {', '.join(facts['broken'])}")
    elif facts["left"]:
        lines.append(f"still on an old key, run it again: {', '.join(facts['left'])}")
    elif facts["dropped"]:
        lines.append(f"dropped: {', '.join(facts['dropped'])} (older backups still need them)")
    elif facts["unused"]:
        lines.append(f"no account needs {', '.join(facts['unused'])} any more: --drop-old")
    return "\n".join(lines)


def _moment(ts_ns: int) -> str:
    return datetime.fromtimestamp(ts_ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
