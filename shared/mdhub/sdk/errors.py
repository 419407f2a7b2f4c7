"""Errors of the SDK.

HubError
├── EndpointError     an address that is not one
├── PatternError      an instrument pattern that names nothing
├── HubUnreachable    no publisher answered; the message says what to check
├── HubClosed         the hub was closed before
├── ReplacedError     a newer iteration on the same hub has ended this one
└── SchemaError       a publisher's wire contract is not ours, and that is not accepted
"""

from __future__ import annotations

from mdhub.sdk.events import SchemaMismatch
from mdhub.wire.errors import MdhubError

__all__ = [
    "EndpointError",
    "HubClosed",
    "HubError",
    "HubUnreachable",
    "PatternError",
    "ReplacedError",
    "SchemaError",
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


class SchemaError(HubError):
    """A publisher's wire contract is not ours: `strict` was asked for, or its v is newer."""

    def __init__(self, mismatch: SchemaMismatch, advice: str) -> None:
        super().__init__(f"{mismatch}; {advice}")
        self.mismatch = mismatch
