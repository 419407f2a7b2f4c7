"""What controllers need, handed in: nothing is found by looking around."""

from __future__ import annotations

from dataclasses import dataclass, field

from mdhub.config.load import Loaded
from mdhub.runtime.clock import SYSTEM, Clock
from mdhub_console.accounts.book import AccountBook
from mdhub_console.identity.demo_link import DemoLink
from mdhub_console.identity.service import Identity
from mdhub_console.kept import Kept, Newest
from mdhub_console.live.service import Live
from mdhub_console.read.contracts import Contracts
from mdhub_console.read.doctor import Examined
from mdhub_console.read.storage import Storage
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
    accounts: AccountBook
    """The account store, which may be none, or away."""
    settings: ConsoleSettings
    demo: DemoLink | None = None
    """None = no demo: its link does not exist."""
    clock: Clock = SYSTEM
    contracts: Contracts = field(default_factory=Contracts)
    """Every contract the hub knows."""
    config: Kept[Loaded] = field(default_factory=lambda: Kept(5.0))
    """The hub's configuration, read anew every few seconds."""
    storage: Kept[Storage] = field(default_factory=lambda: Kept(5.0))
    """Streams and server."""
    examined: Kept[Examined] = field(default_factory=lambda: Kept(300.0))
    """What the doctor has found."""
    overview: Newest[str] = field(default_factory=Newest)
    """The overview's live part by language: the same for whoever looks."""

    def close(self) -> None:
        """Close databases and connections."""
        self.log.close()
        self.identity.close()
        self.accounts.close()
