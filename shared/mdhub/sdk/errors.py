"""Errors of the SDK.

HubError
├── EndpointError     an address that is not one
├── PatternError      an instrument pattern that names nothing
├── HubUnreachable    no publisher answered; the message says what to check
├── HubClosed         the hub was closed before
└── ReplacedError     a newer iteration on the same hub has ended this one
"""

from __future__ import annotations

from mdhub.wire.errors import MdhubError

__all__ = [
    "EndpointError",
    "HubClosed",
    "HubError",
    "HubUnreachable",
    "PatternError",
    "ReplacedError",
]


class HubError(MdhubError):
    """Root of what the SDK raises."""


class EndpointError(HubError):
    """An address that is not of the form tcp://host:port."""


class PatternError(HubError):
    """An instrument pattern that is not of the form symbol.EXCHANGE."""


class HubUnreachable(HubError):
    """No publisher answered in time."""


class HubClosed(HubError):
    """The hub was closed; connect again."""


class ReplacedError(HubError):
    """One hub serves one iteration at a time, and a newer one has begun."""
