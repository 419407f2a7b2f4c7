"""Everything a drill left behind, for the judge and for a row's own check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import Any

from mdhub.demo.checker import Report
from mdhub.drill.port import Fault
from mdhub.wire.ops import Event

__all__ = ["CleanFacts", "Evidence", "Silence", "Verified"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Intervals without a delivery although the market ticked, in seconds."""

    samples_s: Sequence[float] = ()
    """The longest one of each fault, in order of the faults."""
    quiet_s: float = 0.0
    """The longest one before the first fault: what the machine does by itself."""
    market_s: float = 0.0
    """The longest interval of the market itself."""

    def percentile(self, share: float) -> float | None:
        """Nearest rank; None without a fault."""
        if not self.samples_s:
            return None
        ordered = sorted(self.samples_s)
        return ordered[max(0, ceil(len(ordered) * share) - 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanFacts:
    """The clean log as it was at the end, against what a client got."""

    entries: int = 0
    breaks: int = 0
    """Where n does not go on by one."""
    unseen: int = 0
    """In clean, after the client's first tick, and not got by it."""
    phantom: int = 0
    """Got by the client, not withdrawn, and not in clean (or there with other bytes)."""
    doubled: int = 0
    """Got more than once with the same n."""
    disordered: int = 0
    """Got after a higher n."""
    examples: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What `mdhub verify` said: clean and rejected recomputed from raw and compared in bytes."""

    equal: bool
    raw: int = 0
    start: str = ""
    words: str = ""


@dataclass(slots=True, kw_only=True)
class Evidence:
    """What a run left."""

    folder: Path
    """Receipts of each client, `services.log`, `data/`."""
    faults: Sequence[Fault]
    clients: dict[str, Path]
    """Receipts by client (`mdhub.drill.receipts.read_receipts`)."""
    events: Sequence[Event]
    market: dict[str, Report]
    """Made against received, by client."""
    clean: dict[str, CleanFacts]
    """The clean log against what was received, by client."""
    verified: Verified
    silence: Silence
    mismatches: int
    """Times a standby computed something else than the leader."""
    figures: dict[str, Any] = field(default_factory=dict)
