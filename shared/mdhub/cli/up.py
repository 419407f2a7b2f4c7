"""`mdhub up`: server and services on this host, until Ctrl-C."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from mdhub.calendar import Calendar
from mdhub.cli.hubs import Overrides, load_hub, plan_of
from mdhub.cli.speaker import Speaker
from mdhub.config import HubConfig
from mdhub.config.layers import DEFAULT
from mdhub.config.show import redacted_url
from mdhub.host.console import Console
from mdhub.host.metrics import write_targets
from mdhub.host.server_watch import ServerWatch
from mdhub.host.stack import Host, metrics_of
from mdhub.runtime.errors import ServiceError
from mdhub.runtime.keeper import ChildState
from mdhub.runtime.metrics import Address
from mdhub.runtime.outage import Outage
from mdhub.runtime.ports import port_problem

__all__ = ["run_up"]

TURN_S: Final = 0.05


def run_up(file: Path | None, overrides: Overrides, sources: tuple[str, ...]) -> int:
    """Be the parent of a hub until SIGINT or SIGTERM. Raises BadCalendar before anything starts."""
    loaded = load_hub(file, overrides, sources)
    config = loaded.config
    plan = plan_of(config, sources, file=file)
    metrics = metrics_of(plan)
    _check_ports(config)
    _check_metrics(metrics)
    _check_console(plan.console)
    Calendar.load(config.calendar.override)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    host = Host(plan, on_exit=_say_exit)
    simulated = plan.sources and not sources and loaded.origin(("sources", 0, "name")) == DEFAULT
    try:
        host.start_server()
        host.start("arbiter", "publisher", "monitor", "ingest", "console")
        write_targets(plan.folder, metrics)
        _say(f"server {redacted_url(host.url)} (profile {config.hub.profile})")
        if simulated:
            _say("no source was given: two SIMULATED sources play a synthetic market")
        first = config.publishers[0]
        _say(f"follow it with: mdhub tail --endpoint tcp://{first.bind}:{first.port}")
        if plan.console is not None:
            _say(f"the console is at {plan.console.address}")
        _say("look at it with: mdhub status   (Ctrl-C ends the hub)")
        with ServerWatch(host.open_log, Outage(Speaker("up"))):
            while not stop.wait(TURN_S):
                host.keeper.converge()
    finally:
        host.stop()
    return 0


def _check_ports(config: HubConfig) -> None:
    """Refuse to start anything if a publisher could not serve. Raises ServiceError."""
    problems = [
        f"{problem} (publisher {publisher.id} needs {publisher.port} and {publisher.port + 1})"
        for publisher in config.publishers
        for port in (publisher.port, publisher.port + 1)
        if (problem := port_problem(publisher.bind, port))
    ]
    if problems:
        raise ServiceError(
            f"{'; '.join(problems)}. Choose another port with --port or --second-port, or as "
            "`port` under [[publishers]] in the file; or end what holds it"
        )


def _check_metrics(metrics: Mapping[str, Address]) -> None:
    """Refuse to start anything if a process could not show its metrics. Raises ServiceError."""
    problems = [
        f"{problem} (metrics of {process})"
        for process, at in metrics.items()
        if (problem := port_problem(at.host, at.port))
    ]
    if problems:
        raise ServiceError(
            f"{'; '.join(problems)}. Choose another `port` under [metrics], or 0 for no metrics"
        )


def _check_console(console: Console | None) -> None:
    """Refuse to start anything if the console could not listen. Raises ServiceError."""
    problem = console and port_problem(console.bind, console.port)
    if problem:
        raise ServiceError(f"{problem} (the console). Choose another `port` under [console]")


def _say(words: str) -> None:
    print(f"mdhub up: {words}", file=sys.stderr, flush=True)


def _say_exit(state: ChildState) -> None:
    _say(f"{state.spec.name} ended (exit code {state.last_exit}); it is started again")
