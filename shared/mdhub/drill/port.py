"""What a drill is: a hub, a fault, a criterion. Rows are written against this and `Rig`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Protocol

from mdhub.host.stack import HubPlan
from mdhub.runtime.keeper import ChildSpec
from mdhub.streams.budgets import Budget
from mdhub.streams.server import HubProfile

if TYPE_CHECKING:
    from mdhub.drill.evidence import Evidence
    from mdhub.drill.rig import Rig

__all__ = [
    "Claim",
    "Drill",
    "Fault",
    "Gear",
    "Layout",
    "Need",
    "NoGear",
    "Options",
    "nothing_more",
    "same_plan",
]


class Gear(Protocol):
    """What a drill puts around the hub's processes: shims, proxies, namespaces.

    It lives as long as the hub. Made with the drill's folder, the same as `Rig.folder`.
    """

    def dress(self, spec: ChildSpec) -> ChildSpec:
        """Change how a child is started: environment, command.

        Asked once for each, before its first start.
        """

    def close(self) -> None:
        """The hub has ended."""


class NoGear:
    """Start children as the host describes them."""

    def __init__(self, folder: Path) -> None:
        pass

    def dress(self, spec: ChildSpec) -> ChildSpec:
        return spec

    def close(self) -> None:
        pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The hub that a drill needs."""

    profile: HubProfile = "single"
    standby: bool = True
    publishers: int = 2
    clients: int = 1
    """How many record; the first one's silence is judged, the views of all are."""
    ticks_per_s: float = 1_000.0
    """Of the market. Each of the two sources delivers all of it, so raw has twice as much."""
    maxmemory_mb: int = 2_048
    retention: Mapping[str, Budget] = field(default_factory=dict)
    """Budgets of streams; without any nothing is dropped in an hour."""
    takeover_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the user asked for."""

    seed: int
    rounds: int | None = None
    """Faults on one running hub; None = as many as the drill does by itself."""
    seconds: float | None = None
    """How long a drill that lasts (load, slow disk) goes on; None = its own choice."""
    long: bool = False
    """Whether a row takes the long form of its fault (30 s instead of 3 s)."""


@dataclass(frozen=True, slots=True)
class Need:
    """Something of the machine that a drill cannot do without."""

    name: str
    present: Callable[[], bool]
    how: str
    """What to do to have it."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something broken on purpose. Moments are CLOCK_MONOTONIC."""

    words: str
    at_ns: int


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing a drill promises beyond the common criterion, and whether it held."""

    words: str
    """With the figure measured, e.g. `repaired 0.21 s after CONT, at most 1.0 s`."""
    held: bool


def same_plan(plan: HubPlan, gear: object) -> HubPlan:  # noqa: ARG001 - a plan
    """Keep the hub as the layout describes it."""
    return plan


def nothing_more(evidence: Evidence) -> Iterable[Claim]:  # noqa: ARG001 - a check
    """Ask for nothing beyond the common criterion."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """One row. Common to all: 0 lost, 0 doubled, 0 disordered, clean == f(raw), digests equal.

    `run(rig, random)` puts the fault in while the market ticks, waits on conditions (never longer
    than a deadline) and leaves a hub that works. It calls `rig.kill`, `rig.pause` and so on, which
    stamp the fault; one that acts by other means calls `rig.fault("words")`.
    """

    id: str
    title: str
    """A few words."""
    fault: str
    """What is done, in words."""
    criterion: str
    """What must hold beyond the common criterion, in words with figures."""
    run: Callable[[Rig, Random], None]
    layout: Layout = Layout()
    needs: tuple[Need, ...] = ()
    gear: Callable[[Path], Gear] = NoGear
    plan: Callable[[HubPlan, Any], HubPlan] = same_plan
    """Changes the hub, given the drill's gear: another server (`url`), other sources."""
    silence_p99_s: float | None = None
    """Limits on the silence around each fault; None = not judged."""
    silence_max_s: float | None = None
    check: Callable[[Evidence], Iterable[Claim]] = nothing_more
    """Called when the hub has ended, with everything that was recorded."""
    smoke: bool = False
    """Whether `make test` runs it."""
    loss_window_s: float = 0.0
    """So many seconds of the market may be lost: the window that the profile declares."""
    feedless: bool = False
    """Whether no source lives for a while: what reached none is counted, not owed (`Owed`)."""
