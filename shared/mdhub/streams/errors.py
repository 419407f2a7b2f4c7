"""Errors of the log.

StreamsError
├── TopologyError           a service touched a stream that is not its own
├── ServerError             the server answered, and refused
│   ├── NotReady            loading, out of memory, disk full, read-only, busy, ...
│   ├── NoLeader            no leader has taken this server incarnation yet
│   ├── Fenced              another leader holds a newer token
│   ├── PositionMoved       the committed position is not the one expected
│   ├── Superseded          a newer session of this writer exists
│   └── SequenceHole        seq does not continue; a `lost` entry must say so first
├── Unusable                trying again does not help: address, login or rights are wrong
│   ├── WrongShards         the log was made for another number of shards
│   └── WrongLibrary        the server holds another build of our functions
├── UnknownOutcome          timeout or lost connection: the write may have happened or not
├── RecoveryError           state cannot be rebuilt from what the log still has
└── ServerStartError        the embedded server did not start

Where the server's state is the reason, `state` names a row of `mdhub.streams.states`.
"""

from __future__ import annotations

from mdhub.streams.states import STATES
from mdhub.wire.errors import MdhubError

__all__ = [
    "Fenced",
    "NoLeader",
    "NotReady",
    "PositionMoved",
    "RecoveryError",
    "SequenceHole",
    "ServerError",
    "ServerStartError",
    "StreamsError",
    "Superseded",
    "TopologyError",
    "UnknownOutcome",
    "Unusable",
    "WrongLibrary",
    "WrongShards",
]


class StreamsError(MdhubError):
    """Root of what can go wrong with the log."""

    state = ""
    """Row of the table of server states; empty where the server is not the reason."""

    @property
    def meaning(self) -> str:
        """What the state means; empty without one."""
        return STATES[self.state].meaning if self.state else ""

    @property
    def way_out(self) -> str:
        """What to do; empty without a state."""
        return STATES[self.state].way_out if self.state else ""

    @property
    def sentence(self) -> str:
        text = str(self)
        if not self.state or self.way_out in text:
            return text
        return f"{text}: {self.meaning}. {self.way_out}"


class TopologyError(StreamsError):
    """A service touched a stream that the topology table does not give it."""


class ServerError(StreamsError):
    """The server answered and refused; nothing was written."""


class NotReady(ServerError):
    """The server cannot take writes (or anything) now; that may heal by itself."""

    def __init__(self, state: str, message: str) -> None:
        super().__init__(message)
        self.state = state


class NoLeader(ServerError):
    """The first raw entry of every server incarnation is `lead`; it is not there yet."""

    state = "unled"


class Fenced(ServerError):
    """Another leader holds a newer fence token: this one must stop."""


class PositionMoved(ServerError):
    """The committed raw position is not the one this leader expected."""


class Superseded(ServerError):
    """A newer session of the same writer has written: this process is a leftover."""


class SequenceHole(ServerError):
    """The first seq offered does not continue what the log has."""


class Unusable(StreamsError):
    """Somebody must change something first: the address, the login, its rights, the library."""

    exit_code = 2

    def __init__(self, state: str, message: str) -> None:
        super().__init__(message)
        self.state = state


class WrongShards(Unusable):
    """The log was made for another number of shards."""

    def __init__(self, message: str) -> None:
        super().__init__("shards", message)


class WrongLibrary(Unusable):
    """The server holds functions of the same version but with other code."""

    def __init__(self, message: str) -> None:
        super().__init__("library", message)


class UnknownOutcome(StreamsError):
    """Timeout or lost connection: forget all state and start over from the log."""

    def __init__(self, message: str, *, state: str = "unreachable") -> None:
        super().__init__(message)
        self.state = state


class RecoveryError(StreamsError):
    """The log does not hold enough to rebuild the state."""


class ServerStartError(StreamsError):
    """The embedded server could not be started."""
