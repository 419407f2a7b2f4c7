"""Where each process of a host serves its metrics, and the list of them that Prometheus reads."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from mdhub.runtime.metrics import LOOPBACK, Address

__all__ = ["SOURCES", "TARGETS", "addresses", "write_targets"]

MONITOR: Final = 0
SUPERVISORS: Final = 1
PUBLISHERS: Final = 10
ARBITERS: Final = 30
CONSOLE: Final = 190
SOURCES: Final = 200
"""Ports above the first one. The processes of a kind follow one another."""
TARGETS: Final = "metrics-targets.json"
"""In the hub's data folder; the form is that of Prometheus' file_sd_configs."""
ANY: Final = frozenset({"0.0.0.0", "*", "::"})  # noqa: S104  # nosec B104 # compared with, not bound to


def addresses(
    first: Address,
    *,
    supervisors: Iterable[str],
    publishers: Iterable[str],
    arbiters: Iterable[str],
    sources: Iterable[str],
    console: bool = False,
) -> dict[str, Address]:
    """Address by process, as the host names its processes; empty without a first port."""
    kinds = (
        (MONITOR, ["monitor"]), (SUPERVISORS, supervisors), (PUBLISHERS, publishers),
        (ARBITERS, arbiters), (CONSOLE, ["console"] * console),
        (SOURCES, (f"source {name}" for name in sources)),
    )  # fmt: skip
    return {
        process: first.moved(offset + i)
        for offset, names in kinds
        for i, process in enumerate(names)
        if first.port
    }


def write_targets(folder: Path, processes: Mapping[str, Address]) -> None:
    """Tell Prometheus whom to ask; without metrics there is no list."""
    file = folder / TARGETS
    if not processes:
        file.unlink(missing_ok=True)
        return
    folder.mkdir(parents=True, exist_ok=True)
    shown = [
        {"targets": [f"{_reached(at.host)}:{at.port}"], "labels": {"process": process}}
        for process, at in processes.items()
    ]
    # Prometheus watches the folder: it shall never read half a list.
    draft = file.with_suffix(".new")
    draft.write_text(json.dumps(shown, indent=1) + "\n", encoding="utf-8")
    draft.replace(file)


def _reached(host: str) -> str:
    return LOOPBACK if host in ANY else host
