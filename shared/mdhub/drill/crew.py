"""Who belongs to a drill's hub, and how each is started."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TextIO

from mdhub.demo.progress import StrategyVoice
from mdhub.drill.port import Gear, Layout
from mdhub.host.ports import free_port_pair
from mdhub.host.stack import HubPlan, Publisher
from mdhub.runtime.errors import ServiceError
from mdhub.runtime.keeper import ChildSpec, ChildState, Keeper
from mdhub.streams.budgets import Budget
from mdhub.streams.topology import CLEAN, RAW, REJECTED

__all__ = ["CLIENT", "SOURCES", "Crew", "client_name", "client_spec", "hub_plan", "kind_of"]

CLIENT: Final = "client"
LONGEST_PAUSE_S: Final = 0.1
"""Of a restart: hundreds of faults on one hub must not meet the back-off of a crash loop."""
HOUR_MS: Final = 3_600_000
GIGABYTE: Final = 1 << 30
KEPT: Final = {
    RAW.name: Budget(HOUR_MS, GIGABYTE),
    CLEAN.name: Budget(HOUR_MS, GIGABYTE),
    REJECTED.name: Budget(HOUR_MS, GIGABYTE),
}
"""So that f(raw) can be compared from the first entry on."""
SOURCES: Final = ("A", "B")
"""Each with a supervisor of its own: `ingest 1`, `ingest 2`."""
SECOND_LAGS: Final = "lag_ms=2-12,repeat=0.002,seed={seed}"
"""Source B is a little later than A, loses nothing and repeats some."""


def kind_of(name: str) -> str:
    """`publisher A` -> `publisher`."""
    return name.split(maxsplit=1)[0]


class Crew(Keeper):
    """The keeper of a drill: dresses children before they start, restarts them soon."""

    def __init__(self, gear: Gear, *, on_exit: Callable[[ChildState], None]) -> None:
        super().__init__(on_exit=on_exit)
        self._gear = gear
        self.voices: dict[str, StrategyVoice] = {}

    def want(self, spec: ChildSpec) -> ChildState:
        dressed = self._gear.dress(
            replace(spec, longest_pause_s=max(LONGEST_PAUSE_S, spec.first_pause_s))
        )
        return super().want(dressed)

    def pid(self, name: str) -> int:
        """Process of a child that runs. Raises ServiceError."""
        state = self.children.get(name)
        if state is None:
            known = ", ".join(sorted(self.children)) or "nothing"
            raise ServiceError(f"no child {name!r} in this drill; there is {known}")
        if state.process is None or state.process.poll() is not None:
            raise ServiceError(f"{name} does not run (last exit code {state.last_exit})")
        return state.process.pid

    def named(self, kind: str) -> list[str]:
        """Children of one kind: `arbiter`, `publisher`, `ingest`, `client`, ..."""
        return sorted(name for name in self.children if kind_of(name) == kind)

    def instance(self, name: str) -> str:
        """What a service's child calls itself in events and heartbeats, such as `arbiter:B`."""
        state = self.children[name]
        command = list(state.spec.command(max(1, state.starts)))
        given = command[command.index("--id") + 1] if "--id" in command else "A"
        return f"{kind_of(name)}:{given}"


def hub_plan(folder: Path, layout: Layout, *, seed: int, run: str) -> HubPlan:
    """Describe the hub: two of each unless the layout says otherwise, a supervisor per source."""
    publishers = [Publisher("ABCDEFGH"[i], free_port_pair()) for i in range(layout.publishers)]
    return HubPlan(
        folder=folder / "data",
        profile=layout.profile,
        standby=layout.standby,
        publishers=tuple(publishers),
        sources=tuple(json.dumps(source) for source in sources(seed, layout.ticks_per_s)),
        supervisors=len(SOURCES),
        maxmemory_mb=layout.maxmemory_mb,
        retention=layout.retention or KEPT,
        takeover_ms=layout.takeover_ms,
        run=run,
    )


def sources(seed: int, ticks_per_s: float) -> list[dict[str, Any]]:
    """Describe both sources of the market."""
    market = {"seed": seed, "ticks_per_s": ticks_per_s}
    return [
        {"name": SOURCES[0], "sim": market},
        {"name": SOURCES[1], "sim": market, "misbehave": SECOND_LAGS.format(seed=seed % 10_000)},
    ]


def client_name(number: int) -> str:
    """Name of a recording client; the first is `client`."""
    return CLIENT if number == 0 else f"{CLIENT} {number + 1}"


def client_spec(
    number: int, receipts: Path, endpoints: Iterable[str], stderr: TextIO | None
) -> ChildSpec:
    """Describe a recording client."""
    command = [
        sys.executable, "-m", "mdhub.drill.client", "--out", str(receipts), *endpoints
    ]  # fmt: skip
    return ChildSpec(
        client_name(number),
        lambda _: command,
        stdout=subprocess.PIPE,
        stderr=stderr,
        restart_after_success=False,
        give_up_after=1,
    )
