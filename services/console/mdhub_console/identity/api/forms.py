"""Bodies that come in, and what goes out. Strict: a field that does not exist is refused."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from mdhub_console.identity.audit import Record
from mdhub_console.identity.model import (
    Language,
    Member,
    RoleName,
    Scope,
    Session,
    Theme,
    Token,
    User,
    UserName,
)

__all__ = [
    "AuditPage",
    "AuditState",
    "Login",
    "Me",
    "MeChange",
    "NewPassword",
    "NewToken",
    "NewUser",
    "Proof",
    "Seat",
    "TokenMade",
    "UserChange",
    "UserShown",
    "me_of",
    "seat_of",
    "shown",
]

_Password = Annotated[str, Meta(max_length=128)]
_Code = Annotated[str, Meta(pattern=r"^[0-9]{0,6}\Z")]


class Login(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Name, password, and the code of the second factor where it is on."""

    name: Annotated[str, Meta(max_length=128)]
    password: _Password
    code: _Code = ""

    def __repr__(self) -> str:
        return "Login(...)"


class Proof(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The password again."""

    password: _Password
    code: _Code = ""

    def __repr__(self) -> str:
        return "Proof(...)"


class NewUser(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A user to be made."""

    name: UserName
    password: _Password
    role: RoleName

    def __repr__(self) -> str:
        return f"NewUser({self.name!r}, {self.role})"


class UserChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What shall be different; what is left out stays."""

    role: RoleName | None = None
    is_enabled: bool | None = None
    password: _Password | None = None
    drop_second_factor: bool = False

    def __repr__(self) -> str:
        return "UserChange(...)"


class MeChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a user likes."""

    language: Language | None = None
    theme: Theme | None = None


class NewPassword(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One's own new password."""

    password: _Password

    def __repr__(self) -> str:
        return "NewPassword(...)"


class NewToken(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An API token to be made."""

    name: Annotated[str, Meta(min_length=1, max_length=64)]
    scope: Scope = "read"
    days: Annotated[int, Meta(ge=1, le=366)] = 90


class TokenMade(msgspec.Struct, frozen=True, kw_only=True):
    """A token with its text, which is shown this once."""

    token: Token
    text: str

    def __repr__(self) -> str:
        return f"TokenMade({self.token.id})"


class UserShown(msgspec.Struct, frozen=True, kw_only=True):
    """A user as others see it."""

    id: int
    name: str
    role: RoleName
    is_enabled: bool
    has_second_factor: bool
    created_at: int
    """Wall time, nanoseconds since 1970 UTC."""


class Seat(msgspec.Struct, frozen=True, kw_only=True):
    """A session as others see it. Times are nanoseconds since 1970 UTC."""

    created_ns: int
    used_ns: int
    address: str


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """Who one is."""

    name: str
    role: RoleName
    language: Language
    theme: Theme
    csrf_token: str
    """For the header `x-csrf-token` of every request that changes something."""


class AuditPage(msgspec.Struct, frozen=True, kw_only=True):
    """Records, the newest first."""

    records: tuple[Record, ...]
    before: int | None
    """For the next page; None = there is no older one."""


class AuditState(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the chain is whole."""

    whole: bool
    records: int
    first_break: int | None
    """Number of the first record that does not fit."""
    digest: str
    """Of the newest record; the hub's events have it too."""


def shown(member: Member) -> UserShown:
    """Leave out what nobody needs to see."""
    return UserShown(
        id=member.id, name=member.name, role=member.role.word, is_enabled=member.is_enabled,
        has_second_factor=bool(member.totp_secret), created_at=member.created_at,
    )  # fmt: skip


def seat_of(session: Session) -> Seat:
    """Leave out the digest."""
    return Seat(created_ns=session.created_ns, used_ns=session.used_ns, address=session.address)


def me_of(user: User, csrf_token: str) -> Me:
    """Tell somebody who they are."""
    return Me(
        name=user.name, role=user.role.word, language=user.language, theme=user.theme,
        csrf_token=csrf_token,
    )  # fmt: skip
