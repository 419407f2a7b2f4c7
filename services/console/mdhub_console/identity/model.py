"""Who acts: users, roles, sessions, tokens. What they see and do is decided by `guards`."""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

__all__ = [
    "ROLES",
    "SCOPES",
    "Language",
    "Member",
    "Role",
    "RoleName",
    "Scope",
    "Session",
    "Theme",
    "Token",
    "User",
    "UserName",
]

Language = Literal["en", "zh"]
Theme = Literal["system", "dark", "light"]
RoleName = Literal["viewer", "operator", "admin"]
Scope = Literal["read", "operate", "admin"]
UserName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}\Z")]


class Role(IntEnum):
    """Each may do what the one before may."""

    VIEWER = 1
    OPERATOR = 2
    ADMIN = 3

    @property
    def word(self) -> RoleName:
        """As the API and the database write it."""
        return _WORDS[self]


_WORDS: Final[dict[Role, RoleName]] = {
    Role.VIEWER: "viewer",
    Role.OPERATOR: "operator",
    Role.ADMIN: "admin",
}
ROLES: Final[dict[str, Role]] = {word: role for role, word in _WORDS.items()}
SCOPES: Final[dict[str, Role]] = {
    "read": Role.VIEWER,
    "operate": Role.OPERATOR,
    "admin": Role.ADMIN,
}
"""What a token may do at most; never more than its owner."""


class User(msgspec.Struct, frozen=True, kw_only=True):
    """Who a request comes from. `request.user`; None = nobody has logged in."""

    id: int
    name: str
    role: Role
    language: Language = "en"
    theme: Theme = "system"
    token: str = ""
    """Id of the API token that spoke for it; empty = a browser's session."""

    @property
    def signature(self) -> str:
        """As the audit log and commands name it."""
        return f"{self.name} (token {self.token})" if self.token else self.name


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A user as it is kept. The hash and the TOTP secret never leave identity."""

    id: int
    name: str
    role: Role
    language: Language
    theme: Theme
    password_hash: str
    totp_secret: str
    """Empty = none."""
    is_enabled: bool
    created_at: int
    """Wall time, nanoseconds since 1970 UTC."""

    @property
    def user(self) -> User:
        """What a request is told."""
        return User(
            id=self.id, name=self.name, role=self.role, language=self.language, theme=self.theme
        )

    def __repr__(self) -> str:
        return f"Member({self.name!r}, {self.role.word})"


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A browser that has logged in. `digest` is what is kept of its secret."""

    digest: str
    user_id: int
    created_ns: int
    used_ns: int
    proved_ns: int
    """When its user last gave the password."""
    address: str = ""


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """An API token: `mdh_<id>_<secret>`; of the secret only a digest is kept."""

    id: str
    name: str
    user_id: int
    scope: Scope
    created_at: int
    expires_at: int
    used_at: int = 0
    """Wall times, nanoseconds since 1970 UTC; 0 = never."""
