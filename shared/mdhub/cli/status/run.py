"""Runs `mdhub status`."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from dataclasses import asdict
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
from mdhub.streams.errors import NotReady, StreamsError, UnknownOutcome
from mdhub.wire.errors import MdhubError

__all__ = ["run_status", "say_unfound"]

WATCH_EVERY_S: Final = 1.0
PIPE_WIDTH: Final = 200
WAYS_OUT: Final = {
    "loading": "it reads its data; wait until it has",
    "oom": "raise its memory limit (maxmemory_mb of [server]) or keep less ([retention])",
    "misconf": "it cannot write to its disk; make room, see its log",
    "readonly": "it is a replica; name the primary",
}


def run_status(hub: HubAddress, *, as_json: bool, watch: bool) -> int:
    """Look once, or every second until Ctrl-C; 0 = all is well, 1 = something is wrong."""
    if watch:
        with contextlib.suppress(KeyboardInterrupt), reader_may_leave():
            _watch_json(hub) if as_json else _watch(hub)
        return 0
    facts, wrong = _look(hub)
    with reader_may_leave():
        if as_json:
            print(_json(facts, wrong))
        else:
            _print(hub, facts, wrong)
    return 1 if wrong else 0


def say_unfound(error: MdhubError) -> None:
    """Print as JSON why there is no hub to look at."""
    print(_json(None, [str(error)]), flush=True)


def _watch(hub: HubAddress) -> None:
    with Live(auto_refresh=False, vertical_overflow="crop") as live:
        while True:
            facts, wrong = _look(hub)
            shown = [] if facts is None else [picture(facts, redacted_url(hub.url))]
            # First what matters: a low window cuts off the end.
            live.update(Group(verdict(wrong), *shown), refresh=True)
            time.sleep(WATCH_EVERY_S)


def _watch_json(hub: HubAddress) -> None:
    while True:
        print(_json(*_look(hub)), flush=True)
        time.sleep(WATCH_EVERY_S)


def _print(hub: HubAddress, facts: HubFacts | None, wrong: list[str]) -> None:
    # In a pipe nothing is folded: a row stays on its line.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)
    if facts is not None:
        console.print(picture(facts, redacted_url(hub.url)))
    if not wrong:
        console.print(verdict(wrong))
    for line in wrong:
        print(f"mdhub status: {line}", file=sys.stderr)


def _look(hub: HubAddress) -> tuple[HubFacts | None, list[str]]:
    try:
        log = open_log(hub.url, service="cli", prefix=hub.prefix)
        try:
            facts = read_facts(log, hub.shards, silent_ms=hub.silent_ms)
        finally:
            log.close()
    except UnknownOutcome as error:
        advice = "start it (mdhub up), or name another with --data, --config or MDHUB_REDIS_URL"
        return None, [f"{error}: {advice}"]
    except NotReady as error:
        return None, [f"{error}: {WAYS_OUT.get(error.state, 'see its log')}"]
    except StreamsError as error:
        return None, [str(error)]
    return facts, problems(facts, silent_ms=hub.silent_ms)


def _json(facts: HubFacts | None, wrong: list[str]) -> str:
    held: dict[str, Any] = {} if facts is None else asdict(facts)
    return json.dumps({"ok": not wrong, "problems": wrong, **held})
