"""`mdhub accounts add|set|enable|disable|remove`. Secrets come from the terminal or from stdin."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, get_args

import msgspec
from msgspec.structs import replace

from mdhub.accounts.check import check
from mdhub.accounts.edit import of_type, secrets_of, shown, with_kept_secrets
from mdhub.accounts.errors import BadAccount
from mdhub.accounts.kinds import account_profile
from mdhub.accounts.model import Account, Draft, GatewayType
from mdhub.accounts.port import AccountStore
from mdhub.accounts.sealed import is_sealed
from mdhub.cli.accounts import Books, author, opened, say
from mdhub.runtime.errors import ServiceError
from mdhub.runtime.secret import REFERENCE, Value, in_plain_text, is_reference

__all__ = ["Asked", "add_account", "enable_account", "remove_account", "set_account"]

STDIN_MAX: Final = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What options say of an account; None and empty = nothing."""

    settings: Sequence[str] = ()
    """`NAME=VALUE`; NAME= takes a setting away."""
    secrets: Sequence[str] = ()
    """Names of secrets to ask for on the terminal."""
    from_stdin: str | None = None
    """Name of the secret that stands on stdin."""
    priority: int | None = None
    description: str | None = None
    group: str | None = None
    subscribe: Sequence[str] = ()
    canaries: Sequence[str] = ()
    enabled: bool | None = None
    fields: Mapping[str, Any] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        given = {
            "priority": self.priority, "description": self.description,
            "schedule_group": self.group, "subscribe": tuple(self.subscribe) or None,
            "is_enabled": self.enabled,
        }  # fmt: skip
        told = {name: value for name, value in given.items() if value is not None}
        object.__setattr__(self, "fields", told)


def add_account(kept: Books, account_id: str, kind: str, asked: Asked, *, as_json: bool) -> int:
    """Create an account; what it needs and was not given is asked for on a terminal."""
    if kind not in get_args(GatewayType):
        raise BadAccount(f"type was {kind!a}, expected one of {', '.join(get_args(GatewayType))}")
    empty = Draft(id=account_id, gateway_type=msgspec.convert(kind, GatewayType), settings={})
    draft = _changed(empty, asked)
    lacking = [name for name, state in secrets_of(draft).items() if state == "missing"]
    if lacking and sys.stdin.isatty():
        draft = replace(draft, settings=draft.settings | _typed(lacking))
    with opened(kept) as store:
        account = store.create(_sealed(kept, draft), by=author())
    _say_done("added", account, as_json=as_json)
    return 0


def set_account(kept: Books, account_id: str, asked: Asked, *, as_json: bool) -> int:
    """Change an account; what is not named stays, secrets as well."""
    with opened(kept) as store:
        before = store.get(account_id)
        draft = with_kept_secrets(_changed(before, asked), before)
        account = store.replace(_sealed(kept, draft), revision=before.revision, by=author())
    _say_done("changed", account, as_json=as_json)
    return 0


def enable_account(kept: Books, account_id: str, *, enabled: bool, as_json: bool) -> int:
    """Enable or disable an account; nothing is written if it is so already."""
    with opened(kept) as store:
        account = store.get(account_id)
        if account.is_enabled != enabled:
            draft = replace(account, is_enabled=enabled)
            if enabled:
                check(draft)
            account = store.replace(draft, revision=account.revision, by=author())
    _say_done("enabled" if enabled else "disabled", account, as_json=as_json)
    return 0


def remove_account(kept: Books, account_id: str, *, as_json: bool) -> int:
    """Delete an account with its secrets; its history stays."""
    with opened(kept) as store:
        _delete(store, account_id)
    words = f"account {account_id} is removed; its history stays"
    say({"id": account_id, "change": "removed"}, words, as_json=as_json)
    return 0


def _delete(store: AccountStore, account_id: str) -> None:
    store.delete(account_id, revision=store.get(account_id).revision, by=author())


def _changed(before: Draft, asked: Asked) -> Draft:
    given = _pairs(asked.settings)
    probe = before.settings | {name: value for name, value in given.items() if value}
    profile = account_profile(before.gateway_type, probe)
    for name, value in given.items():
        if in_plain_text(name, value, secret=profile.is_secret(name)):
            raise BadAccount(
                f"settings.{name}: is a secret, which no command line may show; expected "
                f"--secret {name} (asks for it), --secret-from-stdin {name}, or {REFERENCE}"
            )
    typed: dict[str, Value] = {name: of_type(profile, name, v) for name, v in given.items()}
    typed |= _typed(asked.secrets)
    if asked.from_stdin is not None:
        typed[asked.from_stdin] = _line_of_stdin()
    renewed = {profile.key_of(name) for name in typed}
    settings = {n: v for n, v in before.settings.items() if profile.key_of(n) not in renewed}
    settings |= {name: value for name, value in typed.items() if value != ""}
    health = before.health
    if asked.canaries:
        health = replace(health, canaries=tuple(asked.canaries))
    return replace(before, settings=settings, health=health, **asked.fields)


def _sealed(kept: Books, draft: Draft) -> Draft:
    """Check, then seal what is secret in plain text; without such a secret no key is needed."""
    check(draft)
    profile = account_profile(draft.gateway_type, draft.settings)
    plain = [
        name
        for name, value in draft.settings.items()
        if profile.is_secret(name) and value != "" and not is_reference(value)
        and not is_sealed(value)
    ]  # fmt: skip
    if not plain:
        return draft
    from mdhub.accounts.vault import Vault

    return Vault(kept.keyring()).seal(draft)


def _pairs(settings: Sequence[str]) -> dict[str, str]:
    pairs = {}
    for text in settings:
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise ServiceError("a setting was expected as NAME=VALUE, such as broker_id=9999")
        pairs[name] = value
    return pairs


def _typed(names: Sequence[str]) -> dict[str, str]:
    if names and not sys.stdin.isatty():
        raise ServiceError(
            f"{', '.join(names)} cannot be asked for: this is no terminal; expected "
            "--secret-from-stdin NAME or a reference"
        )
    return {name: getpass.getpass(f"{name}: ") for name in names}


def _line_of_stdin() -> str:
    text = sys.stdin.read(STDIN_MAX).rstrip("\r\n")
    if not text or "\n" in text:
        raise ServiceError("stdin was expected to hold one line of text: the secret")
    return text


def _say_done(done: str, account: Account, *, as_json: bool) -> None:
    words = f"account {account.id} is {done} (revision {account.revision})"
    say({"change": done} | shown(account), words, as_json=as_json)
