"""Errors of the account store.

MdhubError
└── AccountsError
    ├── UnknownAccount      no account of this id
    ├── AccountExists       there is one of this id already
    ├── RevisionConflict    somebody else has changed it since it was read
    ├── BadAccount          what was given does not fit (says the field, never a secret)
    ├── StoreUnavailable    the database does not answer, or has another layout
    ├── SealBroken          a secret cannot be opened: other key, other record, or altered
    └── BadKeys             no master keys where they should be (mdhub.accounts.keyring); code 2
"""

from collections.abc import Mapping

from mdhub.wire.errors import MdhubError

__all__ = [
    "AccountExists",
    "AccountsError",
    "BadAccount",
    "RevisionConflict",
    "SealBroken",
    "StoreUnavailable",
    "UnknownAccount",
]


class AccountsError(MdhubError):
    """Root of what the account store says."""


class UnknownAccount(AccountsError):
    """No account of this id."""


class AccountExists(AccountsError):
    """There is an account of this id already."""


class RevisionConflict(AccountsError):
    """The account has changed since it was read: read it again."""


class BadAccount(AccountsError):
    """What was given of an account does not fit. Quotes no value of a setting."""

    def __init__(self, message: str, problems: Mapping[str, str] | None = None) -> None:
        """`problems`: field (settings as `settings.<name>`) -> what is wrong, for a form."""
        super().__init__(message)
        self.problems = dict(problems or {})


class StoreUnavailable(AccountsError):
    """The database does not answer, refuses, or has a layout this program does not know."""


class SealBroken(AccountsError):
    """A sealed secret does not open: wrong master key, moved from another record, or altered."""
