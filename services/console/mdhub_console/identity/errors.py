"""Errors of identity.

MdhubError
└── IdentityError
    ├── LoginRefused      name, password or code is wrong; never says which
    ├── CodeNeeded        the password is right, the code of the second factor is missing
    ├── LockedOut         too many failures of this name or from this address
    ├── TooBusy           more passwords wait to be checked than is good for this machine
    ├── WeakPassword      the password does not follow the rules
    ├── ProofNeeded       the password must be given again for this
    ├── WrongProof        it was given again, and is wrong
    ├── SetupRefused      the one-time token is wrong, used or too old
    ├── LinkRefused       the demo's link is wrong, used or too old
    ├── NoMasterKey       a second factor needs a key, and none is configured
    ├── UnknownUser       no user, session or token of this id
    ├── UserExists        there is a user of this name already
    ├── LastAdmin         nobody could manage users any more
    └── StoreAway         the console's database does not answer, or has another layout
"""

from __future__ import annotations

from mdhub.wire.errors import MdhubError

__all__ = [
    "CodeNeeded",
    "IdentityError",
    "LastAdmin",
    "LinkRefused",
    "LockedOut",
    "LoginRefused",
    "NoMasterKey",
    "ProofNeeded",
    "SetupRefused",
    "StoreAway",
    "TooBusy",
    "UnknownUser",
    "UserExists",
    "WeakPassword",
    "WrongProof",
]


class IdentityError(MdhubError):
    """Root of what identity says."""

    retry_after_s = 0
    """When trying again may help; 0 = not by waiting."""


class LoginRefused(IdentityError):
    """Name, password or code is wrong."""


class CodeNeeded(IdentityError):
    """The second factor is on, and no code was given."""


class LockedOut(IdentityError):
    """Too many failures."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"too many failed attempts; try again in {retry_after_s} s")
        self.retry_after_s = retry_after_s


class TooBusy(IdentityError):
    """Too many passwords wait to be checked."""

    retry_after_s = 1


class WeakPassword(IdentityError):
    """Says which rule is broken, never the password."""


class ProofNeeded(IdentityError):
    """The password was last given too long ago for this."""


class WrongProof(IdentityError):
    """Password or code is wrong."""


class SetupRefused(IdentityError):
    """The one-time token does not open the set-up."""


class LinkRefused(IdentityError):
    """The demo's link does not open."""


class NoMasterKey(IdentityError):
    """Nothing can be sealed or opened here."""


class UnknownUser(IdentityError):
    """Nothing of this id."""


class UserExists(IdentityError):
    """The name is taken."""


class LastAdmin(IdentityError):
    """The last admin who can log in stays one."""


class StoreAway(IdentityError):
    """The database does not answer, or cannot be used."""
