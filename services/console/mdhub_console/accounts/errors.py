"""Errors of the accounts beside those of the store.

MdhubError
└── NoAccountStore    no store is configured: there is nothing to show or change
"""

from mdhub.wire.errors import MdhubError

__all__ = ["NoAccountStore"]


class NoAccountStore(MdhubError):
    """No account store is configured."""
