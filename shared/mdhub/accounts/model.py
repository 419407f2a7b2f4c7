"""An account as it is kept: what it is called, what its gateway asks for, when it is connected."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from mdhub.runtime.secret import Value

__all__ = ["FIRST_REVISION", "Account", "AccountHealth", "Draft", "GatewayType", "Name"]

FIRST_REVISION: Final = 1

GatewayType = Literal["ctp", "sopt", "tts", "ib", "vnpy", "sim"]
"""As the `type` of a source; `sim` is the simulated market, for trying things out."""

Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}\Z")]
"""An account's id is the name of its source in every tick it wins."""


class AccountHealth(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the monitor watches it."""

    canaries: tuple[str, ...] = ()
    """Contracts, `symbol.EXCHANGE`, that it must deliver; empty = the monitor chooses."""
    silence_ms: dict[str, Annotated[int, Meta(ge=500, le=600_000)]] = {}
    """Silence limits by canary, in place of the learned ones."""


class Draft(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person says of an account: everything but what the store adds."""

    id: Name
    gateway_type: GatewayType
    settings: dict[str, Value]
    """What its gateway asks for. Secret values are never in plain text here once they are kept:
    `mdhub.accounts.vault` seals them, `sealed:...` is what a reader gets."""
    priority: Annotated[int, Meta(ge=0, le=1_000)] = 100
    """Lower = preferred, in mode priority and where two are equally good."""
    is_enabled: bool = True
    description: Annotated[str, Meta(max_length=500)] = ""
    schedule_group: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.-]{0,32}\Z")] = ""
    """Group of [schedule] in whose windows it is connected, or `always`; empty = as befits its
    gateway."""
    subscribe: tuple[str, ...] = ("all",)
    """Rules that say which contracts it delivers."""
    health: AccountHealth = msgspec.field(default_factory=AccountHealth)


class Account(Draft, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An account as the store has it."""

    created_at: int
    """Wall time, nanoseconds since 1970 UTC."""
    updated_at: int
    """Wall time, nanoseconds since 1970 UTC."""
    revision: int = FIRST_REVISION
    """Rises by one with each change; a change names the revision it was made from."""
