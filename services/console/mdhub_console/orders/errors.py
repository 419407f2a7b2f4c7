"""Errors of orders.

MdhubError
├── UnknownAlert        no alert of this key lasts
├── UnknownCommand      no command of this id is known (any more)
└── OrderRefused        it makes no sense now: the sentence says why
"""

from mdhub.wire.errors import MdhubError

__all__ = ["OrderRefused", "UnknownAlert", "UnknownCommand"]


class UnknownAlert(MdhubError):
    """No alert of this key lasts."""


class UnknownCommand(MdhubError):
    """No command of this id is known."""


class OrderRefused(MdhubError):
    """Nothing was sent."""
