"""Runs `mdhub status`."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from dataclasses import asdict, dataclass
from typing import Any, Final

from rich.console import Console, Group
from rich.live import Live

from mdhub.cli.hubs import HubAddress
from mdhub.cli.pipe import reader_may_leave
from mdhub.cli.status.facts import HubFacts, read_facts
from mdhub.cli.status.judge import problems
from mdhub.cli.status.show import picture, verdict
from mdhub.config.show import redacted_url
from mdhub.streams import open_log
from mdhub.streams.errors import StreamsError
from mdhub.streams.port import Log
from mdhub.wire.errors import MdhubError

__all__ = ["run_status", "say_unfound"]

WATCH_EVERY_S: Final = 1.0
PIPE_WIDTH: Final = 200


@dataclass(frozen=True, slots=True)
class _Look:
    facts: HubFacts | None
    """None if the server cannot be read."""
    state: str
    """Why the server cannot be used: a row of the table of server states; empty if it can."""
    wrong: list[str]


def run_status(hub: HubAddress, *, as_json: bool, watch: bool) -> int:
    """Look once, or every second until Ctrl-C; 0 = all is well, 1 = something is wrong."""
    if watch:
        with contextlib.suppress(KeyboardInterrupt), reader_may_leave():
            _watch_json(hub) if as_json else _watch(hub)
        return 0
    look = _look(hub)
    with reader_may_leave():
        if as_json:
            print(_json(look))
        else:
            _print(hub, look.facts, look.wrong)
    return 1 if look.wrong else 0


def say_unfound(error: MdhubError) -> None:
    """Print as JSON why there is no hub to look at."""
    print(_json(_Look(None, "", [str(error)])), flush=True)


def _watch(hub: HubAddress) -> None:
    with Live(console=Console(markup=False), auto_refresh=False, vertical_overflow="crop") as live:
        while True:
            look = _look(hub)
            shown = [] if look.facts is None else [picture(look.facts, redacted_url(hub.url))]
            # First what matters: a low window cuts off the end.
            live.update(Group(verdict(look.wrong), *shown), refresh=True)
            time.sleep(WATCH_EVERY_S)


def _watch_json(hub: HubAddress) -> None:
    while True:
        print(_json(_look(hub)), flush=True)
        time.sleep(WATCH_EVERY_S)


def _print(hub: HubAddress, facts: HubFacts | None, wrong: list[str]) -> None:
    # In a pipe nothing is folded: a row stays on its line.
    console = Console(
        highlight=False, markup=False, width=None if sys.stdout.isatty() else PIPE_WIDTH
    )
    if facts is not None:
        console.print(picture(facts, redacted_url(hub.url)))
    if not wrong:
        console.print(verdict(wrong))
    for line in wrong:
        print(f"mdhub status: {line}", file=sys.stderr)


def _look(hub: HubAddress) -> _Look:
    try:
        log = open_log(hub.url, service="cli", prefix=hub.prefix)
        try:
            facts = read_facts(log, hub.shards, silent_ms=hub.silent_ms)
            refusal = _refusal(log)
        finally:
            log.close()
    except StreamsError as error:
        return _Look(None, error.state, [error.sentence])
    if refusal is not None:
        # What else is wrong follows from it: nobody can say that he lives.
        return _Look(facts, refusal.state, [refusal.sentence])
    return _Look(facts, "", problems(facts, silent_ms=hub.silent_ms))


def _refusal(log: Log) -> StreamsError | None:
    try:
        log.check_writable()
    except StreamsError as error:
        return error
    return None


def _json(look: _Look) -> str:
    held: dict[str, Any] = {} if look.facts is None else asdict(look.facts)
    head = {"ok": not look.wrong, "problems": look.wrong, "server_state": look.state or "ok"}
    return json.dumps({**head, **held})
