"""Errors of the SDK.

HubError
├── EndpointError     an address that is not one
├── PatternError      an instrument pattern that names nothing
├── HubUnreachable    no publisher answered; the message says what to check
│   └── AccessDenied  the ones that are there did not let us in: a matter of keys
├── BadKey            a key or key file that cannot be used; what it holds is never told
├── HubClosed         the hub was closed before
├── ReplacedError     a newer iteration on the same hub has ended this one
├── StartUnavailable  the hub has nothing so old as `start` asks for
├── TooSlow           the strategy does not keep up, and was to be ended for it
└── SchemaError       a publisher's wire contract is not ours, and that is not accepted
"""

from __future__ import annotations

from mdhub.sdk.events import Access, SchemaMismatch
from mdhub.wire.errors import MdhubError

__all__ = [
    "AccessDenied",
    "BadKey",
    "EndpointError",
    "HubClosed",
    "HubError",
    "HubUnreachable",
    "PatternError",
    "ReplacedError",
    "SchemaError",
    "StartUnavailable",
    "TooSlow",
]


class HubError(MdhubError):
    """Root of what the SDK raises."""


class EndpointError(HubError):
    """An address that is not of the form tcp://host:port."""


class PatternError(HubError):
    """An instrument pattern that is not of the form symbol.EXCHANGE."""


class HubUnreachable(HubError):
    """No publisher answered in time."""


class AccessDenied(HubUnreachable):
    """No publisher lets us in; `refusals` and the message say of each why, and what to do."""

    def __init__(self, refusals: tuple[Access, ...]) -> None:
        super().__init__("; ".join(map(str, refusals)))
        self.refusals = refusals


class BadKey(HubError):
    """A key or key file that cannot be used; the message never quotes what it holds."""


class HubClosed(HubError):
    """The hub was closed; connect again."""


class ReplacedError(HubError):
    """One hub serves one iteration at a time, and a newer one has begun."""


class StartUnavailable(HubError):
    """The hub does not keep what `start` asks for; the message names the first it has."""


class TooSlow(HubError):
    """The strategy did not keep up with the feed (`slow="disconnect"`): better none than late."""

    def __init__(self, *, behind_s: float, waiting: int) -> None:
        super().__init__(
            f"this strategy has been behind the feed for {behind_s:.1f} s, with {waiting} messages "
            "not read yet: do less for each tick, follow fewer instruments, or iterate with "
            "slow='conflate' (the newest tick of each instrument) or slow='all' (every tick, late)"
        )
        self.behind_s = behind_s
        """Since it was last seen to have read everything."""
        self.waiting = waiting
        """Live messages that had come in and were not read."""


class SchemaError(HubError):
    """A publisher's wire contract is not ours: `strict` was asked for, or its v is newer."""

    def __init__(self, mismatch: SchemaMismatch, advice: str) -> None:
        super().__init__(f"{mismatch}; {advice}")
        self.mismatch = mismatch
