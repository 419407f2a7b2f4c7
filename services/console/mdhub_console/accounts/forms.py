"""Bodies of the account API. Strict; printing one shows no setting."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from mdhub.accounts.edit import SecretState, shown
from mdhub.accounts.model import Account, AccountHealth, Draft, GatewayType
from mdhub.accounts.port import Change
from mdhub.runtime.secret import Value

__all__ = [
    "AccountChange",
    "AccountFile",
    "AccountShown",
    "Changed",
    "NewAccount",
    "changed",
    "shown_of",
]


class NewAccount(Draft, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An account to be made. Secrets in plain text are sealed; `env:NAME` and `file:/path` stay."""

    def __repr__(self) -> str:
        return f"NewAccount({self.id})"


class AccountChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What takes the account's place. Secrets that it does not name are kept; an empty one goes."""

    revision: Annotated[int, Meta(ge=1, le=1 << 62)]
    """Of the account that was read: another one by now is answered with 409."""
    gateway_type: GatewayType
    settings: dict[str, Value]
    priority: Annotated[int, Meta(ge=0, le=1_000)] = 100
    is_enabled: bool = True
    description: Annotated[str, Meta(max_length=500)] = ""
    schedule_group: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.-]{0,32}\Z")] = ""
    subscribe: tuple[str, ...] = ("all",)
    health: AccountHealth = msgspec.field(default_factory=AccountHealth)

    def __repr__(self) -> str:
        return f"AccountChange(revision={self.revision})"

    def draft(self, account_id: str) -> Draft:
        """Return it as what is kept."""
        names = [name for name in Draft.__struct_fields__ if name != "id"]
        return Draft(id=account_id, **{name: getattr(self, name) for name in names})


class AccountFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `export` wrote. Secrets in it are empty or references."""

    format: Literal["mdhub-accounts"]
    version: Literal[1]
    accounts: tuple[NewAccount, ...]

    def content(self) -> bytes:
        """Return it as the file that it came from."""
        return msgspec.json.encode(self)


class AccountShown(msgspec.Struct, frozen=True, kw_only=True):
    """An account as it may be shown."""

    id: str
    gateway_type: GatewayType
    settings: dict[str, Value]
    """Without secrets; references are shown."""
    secrets: dict[str, SecretState]
    priority: int
    is_enabled: bool
    description: str
    schedule_group: str
    subscribe: tuple[str, ...]
    health: AccountHealth
    created_at: int
    """Wall time, nanoseconds since 1970 UTC."""
    updated_at: int
    """Wall time, nanoseconds since 1970 UTC."""
    revision: int


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """One revision: who made it, what it touched. No value of a setting."""

    revision: int
    ts_ns: int
    by: str
    action: str
    """`created`, `changed`, `deleted` or `resealed`."""
    fields: tuple[str, ...]


def shown_of(account: Account) -> AccountShown:
    """Leave out what is secret."""
    return msgspec.convert(shown(account), AccountShown)


def changed(change: Change) -> Changed:
    """Return it with the names of its fields."""
    return msgspec.convert(change, Changed, from_attributes=True)
