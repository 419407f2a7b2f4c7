"""Which processes a hub on one host consists of, and their parent."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import entry_points
from pathlib import Path
from types import MappingProxyType
from typing import Final, TextIO
from uuid import uuid4

from mdhub.accounts.places import KEY_VARIABLE
from mdhub.accounts.places import URL_VARIABLE as ACCOUNTS_VARIABLE
from mdhub.host.console import Console
from mdhub.host.metrics import SOURCES, addresses
from mdhub.host.ports import free_port_pair
from mdhub.market.days import trading_day_at
from mdhub.runtime.errors import ServiceError
from mdhub.runtime.keeper import ChildSpec, ChildState, Keeper
from mdhub.runtime.metrics import Address
from mdhub.runtime.secret import URL_VARIABLE, variables_of
from mdhub.streams import open_log
from mdhub.streams.budgets import Budget, budget_environment
from mdhub.streams.open import check_shards
from mdhub.streams.port import Log
from mdhub.streams.server import (
    EmbeddedServer,
    FakeServer,
    HubProfile,
    answers,
    embedded_profile,
    find_server,
    wait_ready,
)

__all__ = [
    "URL_VARIABLE",
    "Host",
    "HubPlan",
    "Publisher",
    "dealt",
    "metrics_of",
    "service_module",
]

TAKEOVER_VARIABLE: Final = "MDHUB_ARBITER__TAKEOVER_MS"
CALENDAR_VARIABLE: Final = "MDHUB_CALENDAR__OVERRIDE"
RULES_VARIABLE: Final = "MDHUB_ARBITER__RULES"
CONTRACTS_VARIABLE: Final = "MDHUB_ARBITER__CONTRACTS"
ALERTS_VARIABLE: Final = "MDHUB_ALERTS"
LOG_LEVEL_VARIABLE: Final = "MDHUB_LOGS__LEVEL"
AFTER_THE_OTHER_S: Final = 0.4
"""A dead arbiter begins anew once the other one leads: its start would take the core from it."""
_POLL_S: Final = 0.02


@dataclass(frozen=True, slots=True)
class Publisher:
    """One publisher: its name and where its live stream is served (requests: one port above)."""

    name: str
    port: int
    bind: str = "127.0.0.1"
    curve_key: Path | None = None
    curve_clients: Path | None = None

    @property
    def curve(self) -> tuple[str | Path, ...]:
        """Options that let it serve with keys."""
        if self.curve_key is None or self.curve_clients is None:
            return ()
        return ("--curve-key", self.curve_key, "--curve-clients", self.curve_clients)


@dataclass(frozen=True, slots=True)
class HubPlan:
    """What to run on this host."""

    folder: Path
    profile: HubProfile = "single"
    prefix: str = "mdhub:"
    shards: int = 1
    standby: bool = False
    """Whether a second arbiter stands by for each shard."""
    publishers: tuple[Publisher, ...] = (Publisher("A", 5555),)
    sources: tuple[str, ...] = ()
    """Sources as JSON, see `mdhub run ingest --help`."""
    supervisors: int = 1
    """Ingest processes that the sources are dealt out to: if one dies, its children die with it
    and those of the others go on."""
    url: str | None = None
    """Server that runs already; None = the one MDHUB_REDIS_URL names, else an embedded one."""
    maxmemory_mb: int = 2048
    retention: Mapping[str, Budget] = field(default_factory=dict)
    """Budgets of streams that differ from what services take by themselves."""
    takeover_ms: int | None = None
    silent_ms: int | None = None
    calendar: Path | None = None
    """Override file of the trading calendar."""
    rules: str | None = None
    """Settings of the rules as JSON, see `mdhub run arbiter --help`; None = as the environment."""
    contracts: Path | None = None
    """Contract table."""
    schedule: str = ""
    """Trading-day schedule as JSON, see `mdhub run ingest --help`."""
    alerts: str | None = None
    """Settings of the alerts as JSON; addresses of channels are references."""
    accounts_url: str | None = field(default=None, repr=False)
    """Address of the account store; only supervisors and the console are told. None = no accounts.
    """
    accounts_key: str | None = None
    """Where the master keys of the accounts' secrets are: a path or a reference."""
    log_level: str | None = None
    """Of the services' lines; None = as the environment, else `info`."""
    console: Console | None = None
    """Where the console listens; None = none runs."""
    metrics: Address = Address()  # noqa: RUF009 - immutable
    """First port of the processes' metrics, see `mdhub.host.metrics`; port 0 = none."""
    fake: bool = False
    """Whether fakeredis takes the place of a server; of no use but for a demo."""
    run: str = field(default_factory=lambda: uuid4().hex)
    today: str = field(default_factory=lambda: f"{trading_day_at(time.time_ns()):%Y%m%d}")
    """Trading day that recordings mean by `today`: it stays the same over midnight."""


def service_module(name: str) -> str:
    """Module to run with `python -m` for a service, found by its entry point.

    Raises ServiceError naming the services that are installed.
    """
    found = entry_points(group="mdhub.services")
    if name not in found.names:
        known = ", ".join(sorted(found.names)) or "none"
        raise ServiceError(f"no service {name!r} is installed; installed are: {known}")
    return found[name].value.partition(":")[0].removesuffix(".app")


class Host:
    """Parent of a hub's processes on this host. Belongs to the main thread."""

    def __init__(
        self,
        plan: HubPlan,
        *,
        on_exit: Callable[[ChildState], None] = lambda _: None,
        stderr: TextIO | None = None,
    ) -> None:
        self._plan = plan
        self._stderr = stderr
        self._metrics = metrics_of(plan)
        self.keeper = Keeper(on_exit=on_exit)
        named = plan.url or os.environ.get(URL_VARIABLE)
        self._server = _own_server(plan) if plan.fake or not named else None
        self.url = self._server.url if self._server else str(named)

    def start_server(self) -> None:
        """Start the embedded server unless another one was named; wait until it answers.

        Raises ServerStartError, and WrongShards if the log was made for other shards.
        """
        if self._server is not None:
            self._server.prepare()
            if answers(self._server.url):
                raise ServiceError(
                    f"a hub already runs on the data folder {self._plan.folder}; "
                    "stop it, or choose another folder with --data"
                )
            command = self._server.command()
            child = self.keeper.want(ChildSpec("server", lambda _: command, stderr=self._stderr))
            self.keeper.converge()
            wait_ready(
                self.url,
                ended=lambda: child.process is None or child.process.poll() is not None,
                log_file=self._server.log_file,
            )
        else:
            wait_ready(self.url)
        log = self.open_log()
        try:
            check_shards(log, self._plan.shards)
        finally:
            log.close()

    def start(self, *names: str) -> None:
        """Start services: any of arbiter, publisher, monitor, ingest, console."""
        for name in names:
            for child in self.children(name):
                self.keeper.want(child)
        self.keeper.converge()

    def open_log(self) -> Log:
        """Open the hub's log as the command line."""
        return open_log(self.url, service="cli", prefix=self._plan.prefix)

    def wait_leader(self, timeout_s: float = 10.0) -> None:
        """Wait until every shard is led. Raises ServiceError."""
        log = self.open_log()
        deadline_s = time.monotonic() + timeout_s
        try:
            for shard in range(self._plan.shards):
                while log.leadership(shard).incarnation != log.incarnation(shard):
                    if time.monotonic() > deadline_s:
                        raise ServiceError(f"no arbiter led shard {shard} after {timeout_s:g} s")
                    self.keeper.converge()
                    time.sleep(_POLL_S)
        finally:
            log.close()

    def stop_service(self, name: str) -> None:
        """End all processes of a service, and keep them ended."""
        children = self.keeper.children
        self.keeper.stop(*(child for child in children if child.partition(" ")[0] == name))

    def stop(self) -> None:
        """End everything: first what writes, the server last."""
        services = [name for name in self.keeper.children if name != "server"]
        if services:
            self.keeper.stop(*services)
        self.keeper.stop()

    def children(self, name: str) -> list[ChildSpec]:
        """Processes of a service, named `service` or `service id`."""
        plan = self._plan
        match name:
            case "arbiter":
                return [self._arbiter(shard, name) for name, shard in _arbiters(plan)]
            case "publisher":
                return [
                    self._child(
                        f"publisher {p.name}", name,
                        "--shards", plan.shards, "--id", p.name, "--bind", p.bind, "--port", p.port,
                        *p.curve,
                        "--profile", plan.profile,
                    )
                    for p in plan.publishers
                ]  # fmt: skip
            case "ingest":
                return self._ingests(name)
            case "console":
                if plan.console is None:
                    return []
                calendar = {CALENDAR_VARIABLE: str(plan.calendar)} if plan.calendar else {}
                child = self._child(
                    name, name,
                    "--shards", plan.shards, "--data", str(plan.folder.resolve()),
                    *plan.console.options,
                    environment=plan.console.environment | calendar | _of_accounts(plan),
                )  # fmt: skip
                return [replace(child, told=plan.console.told)]
            case _:
                silent = () if plan.silent_ms is None else ("--silent-ms", plan.silent_ms)
                told = {CALENDAR_VARIABLE: plan.calendar, ALERTS_VARIABLE: plan.alerts}
                return [
                    self._child(
                        name, name,
                        "--shards", plan.shards, "--data", str(plan.folder.resolve()), *silent,
                        environment={name: str(value) for name, value in told.items() if value},
                    )
                ]  # fmt: skip

    def _ingests(self, name: str) -> list[ChildSpec]:
        plan = self._plan
        told = {CALENDAR_VARIABLE: plan.calendar, **_of_accounts(plan)}
        sources = [part for text in plan.sources for part in ("--source", text)]
        schedule = ("--schedule", plan.schedule) if plan.schedule else ()
        hands = dealt(plan)
        return [
            self._child(
                child, name,
                "--shards", plan.shards, "--run", plan.run, "--today", plan.today,
                "--data", str(plan.folder.resolve()), *sources, *only,
                *schedule, "--metrics-sources", str(plan.metrics.moved(SOURCES)),
                *_accounts_of(plan, i, len(hands)),
                environment={key: str(value) for key, value in told.items() if value},
            )
            for i, (child, only) in enumerate(hands)
        ]  # fmt: skip

    def _arbiter(self, shard: int, name: str) -> ChildSpec:
        plan = self._plan
        told = {
            TAKEOVER_VARIABLE: plan.takeover_ms,
            CALENDAR_VARIABLE: plan.calendar,
            RULES_VARIABLE: plan.rules,
            CONTRACTS_VARIABLE: plan.contracts,
        }
        settings = {key: str(value) for key, value in told.items() if value is not None}
        child = self._child(
            f"arbiter {name}", "arbiter",
            "--id", name, "--shard", shard, "--shards", plan.shards, "--profile", plan.profile,
            environment=budget_environment(plan.retention) | settings,
        )  # fmt: skip
        return replace(child, first_pause_s=AFTER_THE_OTHER_S) if plan.standby else child

    def _child(
        self,
        child_name: str,
        service: str,
        *args: str | int | Path,
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> ChildSpec:
        metrics = ("--metrics", self._metrics[child_name]) if self._metrics else ()
        command = [
            sys.executable, "-m", service_module(service),
            "--prefix", self._plan.prefix, *map(str, (*args, *metrics)),
        ]  # fmt: skip
        level = {LOG_LEVEL_VARIABLE: self._plan.log_level} if self._plan.log_level else {}
        # Of the accounts only those are told who start or edit them, whatever stands in the
        # environment.
        may_know = service in {"ingest", "console"}
        hidden = {} if may_know else dict.fromkeys(_variables_of_accounts(self._plan), "")
        told = {**hidden, **environment, **level, URL_VARIABLE: self.url}
        return ChildSpec(child_name, lambda _: command, told, stderr=self._stderr)


def metrics_of(plan: HubPlan) -> dict[str, Address]:
    """Where each process of a plan serves its metrics, by its name."""
    return addresses(
        plan.metrics,
        supervisors=[name for name, _ in dealt(plan)],
        publishers=[f"publisher {each.name}" for each in plan.publishers],
        arbiters=[f"arbiter {name}" for name, _ in _arbiters(plan)],
        sources=_source_names(plan),
        console=plan.console is not None,
    )


def _arbiters(plan: HubPlan) -> list[tuple[str, int]]:
    """Names of all arbiters, and their shards."""
    names = ("A", "B") if plan.standby else ("A",)
    # Heartbeats go by name: arbiters of several shards need different ones.
    several = plan.shards > 1
    return [(f"{n}{x}" if several else n, x) for x in range(plan.shards) for n in names]


def _source_names(plan: HubPlan) -> list[str]:
    return [str(json.loads(source)["name"]) for source in plan.sources]


def dealt(plan: HubPlan) -> list[tuple[str, list[str]]]:
    """Name of each ingest process, and the options that say which sources are its own."""
    hands = plan.supervisors if plan.accounts_url else min(plan.supervisors, len(plan.sources))
    if hands <= 1:
        return [("ingest", [])]
    names = _source_names(plan)
    return [(f"ingest {i + 1}", _only(names[i::hands])) for i in range(hands)]


def _only(names: list[str]) -> list[str]:
    """Options for these sources; an empty name says that none of those described is meant."""
    return [part for name in names or [""] for part in ("--only", name)]


def _of_accounts(plan: HubPlan) -> dict[str, str]:
    """Where the accounts are, and what opens them; empty = the plan has none."""
    told = {ACCOUNTS_VARIABLE: plan.accounts_url, KEY_VARIABLE: plan.accounts_key}
    return {name: value for name, value in told.items() if value}


def _variables_of_accounts(plan: HubPlan) -> set[str]:
    """Variables that hold either."""
    return {ACCOUNTS_VARIABLE, KEY_VARIABLE} | variables_of(_of_accounts(plan))


def _accounts_of(plan: HubPlan, i: int, hands: int) -> list[str]:
    """Options that say which accounts an ingest process has."""
    if not plan.accounts_url:
        return []
    configured = bool(json.loads(plan.rules or "{}").get("preference"))
    return [f"--accounts-part={i + 1}/{hands}", *([] if configured else ["--prefer-by-priority"])]


def _own_server(plan: HubPlan) -> EmbeddedServer | FakeServer:
    if plan.fake:
        return FakeServer(plan.folder.resolve(), free_port_pair())
    profile = embedded_profile(plan.profile)
    return EmbeddedServer(find_server(), plan.folder.resolve(), profile, plan.maxmemory_mb)
