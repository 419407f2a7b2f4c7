"""Gives one service what `mdhub up` would give it: options and variables from the configuration.

Where each service is started by itself (a container, a systemd unit) the file stays the only place
of the settings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from mdhub.cli.hubs import find_hub, plan_of
from mdhub.cli.instances import names_in, sources_in
from mdhub.config import load
from mdhub.host.console import Console
from mdhub.host.stack import Host, HubPlan
from mdhub.runtime.errors import ServiceError
from mdhub.runtime.keeper import ChildSpec

__all__ = ["Told", "configured"]

CONSOLE_PORT: Final = 8080
"""Of a console that is started by itself where the file names none."""
_PROGRAM: Final = 3
"""Words of a child's command before its options: interpreter, -m, module."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a service is told."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]


def configured(service: str, file: Path, given: Sequence[str]) -> Told:
    """Options of a service by the configuration, then those given, which win; and its variables.

    Raises ConfigError, and ServiceError if the file knows no such instance.
    """
    hub = find_hub(file, None)
    plan = _alone(plan_of(load(file).config, file=file), hub.url, file)
    chosen = _chosen(service, Host(plan).children(service), given)
    options = tuple(chosen.command(1))[_PROGRAM:]
    if not sources_in(names_in(given)[0].only):  # it has all sources, and so all accounts
        options = tuple(each for each in options if not each.startswith("--accounts-part"))
    return Told((*_without_only(options), *_each_only(given)), chosen.environment)


def _alone(plan: HubPlan, url: str, file: Path) -> HubPlan:
    """Let every ingest process of a trading day ask for the same run of the market's clock."""
    console = plan.console or Console(port=CONSOLE_PORT, config=file)
    return replace(plan, url=url, run=f"configured-{plan.today}", console=console)


def _chosen(service: str, children: Sequence[ChildSpec], given: Sequence[str]) -> ChildSpec:
    """Pick the instance that the options name; the first one if they name none."""
    names, _ = names_in(given)
    if service == "ingest":
        first = next(iter(sources_in(names.only)), None)
        return next((c for c in children if first in _sources_of(c)), children[0])
    by_name = {child.name.partition(" ")[2]: child for child in children}
    if names.id is None or by_name.keys() == {""}:
        return children[0]
    if names.id not in by_name:
        raise ServiceError(
            f"the configuration has no {service} {names.id!r}; it has {', '.join(by_name)}"
        )
    return by_name[names.id]


def _sources_of(child: ChildSpec) -> list[str]:
    """Sources that `mdhub up` would deal out to an ingest process."""
    return sources_in(names_in(tuple(child.command(1))[_PROGRAM:])[0].only)


def _without_only(options: Sequence[str]) -> list[str]:
    """Which sources a process has that is started by itself is said by who starts it."""
    names, others = names_in(options)
    return [*others, *(() if names.id is None else ("--id", names.id))]


def _each_only(given: Sequence[str]) -> list[str]:
    """Split `--only A,B`: a unit file has one variable for the sources of a process."""
    only = [part for name in sources_in(names_in(given)[0].only) for part in ("--only", name)]
    return [*_without_only(given), *only]
