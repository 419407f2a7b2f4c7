"""`mdhub up`: server and services on this host, until Ctrl-C."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

from mdhub.host.stack import Host, HubPlan, Publisher
from mdhub.runtime.errors import ServiceError
from mdhub.runtime.keeper import ChildState

__all__ = ["run_up"]

TURN_S: Final = 0.05
SIMULATED: Final = (
    '{"name": "A", "sim": {"seed": 7}}',
    '{"name": "B", "sim": {"seed": 7}, "misbehave": "lag_ms=5-30"}',
)
_PROFILES: Final[dict[str, Literal["single", "fast"]]] = {"single": "single", "fast": "fast"}


def run_up(  # noqa: PLR0913 - the options of the command
    *,
    folder: Path,
    port: int,
    bind: str,
    second_port: int | None,
    profile: str,
    sources: Sequence[str],
    shards: int,
) -> int:
    """Be the parent of a hub until SIGINT or SIGTERM."""
    if profile not in _PROFILES:
        raise ServiceError(f"profile was {profile!r}, expected one of: {', '.join(_PROFILES)}")
    second = () if second_port is None else (Publisher("B", second_port),)
    plan = HubPlan(
        folder=folder,
        profile=_PROFILES[profile],
        bind=bind,
        publishers=(Publisher("A", port), *second),
        sources=tuple(sources or SIMULATED),
        shards=shards,
    )
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    host = Host(plan, on_exit=_say_exit)
    try:
        host.start_server()
        host.start("arbiter", "publisher", "monitor", "ingest")
        _say(f"server {host.url} (profile {profile})")
        if not sources:
            _say("no --source was given: two SIMULATED sources play a synthetic market")
        _say(f"follow it with: mdhub tail --endpoint tcp://{bind}:{port}   (Ctrl-C ends the hub)")
        while not stop.wait(TURN_S):
            host.keeper.converge()
    finally:
        host.stop()
    return 0


def _say(words: str) -> None:
    print(f"mdhub up: {words}", file=sys.stderr, flush=True)


def _say_exit(state: ChildState) -> None:
    _say(f"{state.spec.name} ended (exit code {state.last_exit}); it is started again")
