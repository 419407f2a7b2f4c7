"""What controllers need, handed in: nothing is found by looking around."""

from __future__ import annotations

from dataclasses import dataclass

from mdhub.runtime.clock import SYSTEM, Clock
from mdhub_console.identity.service import Identity
from mdhub_console.live.service import Live
from mdhub_console.server.logs import LogPool
from mdhub_console.settings import ConsoleSettings

__all__ = ["Parts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Handlers ask for it as `parts: NamedDependency[Parts]`."""

    log: LogPool
    """Connections to the log: `with parts.log.borrow() as log:`, in a thread."""
    live: Live
    """What the hub says now."""
    identity: Identity
    settings: ConsoleSettings
    clock: Clock = SYSTEM
