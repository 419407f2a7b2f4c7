"""The hub of the week: its processes, its market clock, what is done to it."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from mdhub.host.ports import free_port_pair
from mdhub.host.stack import Host, HubPlan, Publisher
from mdhub.runtime.heartbeat import Beat, decode_beat
from mdhub.streams.asking import Request, ask
from mdhub.streams.errors import StreamsError
from mdhub.streams.port import FIRST_ID, Log
from mdhub.streams.topology import EVENTS
from mdhub.wire.codec import decode_event
from mdhub.wire.ops import Event
from week.plan import Outage

__all__ = ["LETTERS", "WeekHub", "running"]

SEED: Final = 7
TICKS_PER_S: Final = 1.0
"""Of market time: at 60 market seconds in a second there are 60 a second."""
RUN: Final = f"sim-{SEED}-full-{TICKS_PER_S:g}-0"
EVENTS_READ: Final = 5_000
LETTERS: Final = "alerts.jsonl"


class WeekHub:
    """Asked again and again by the run; survives that the server is away."""

    def __init__(self, host: Host, rate: float) -> None:
        self.host = host
        self.rate = rate
        self._log: Log | None = None
        self._after = FIRST_ID

    def log(self) -> Log:
        if self._log is None:
            self._log = self.host.open_log()
        return self._log

    def forget(self) -> None:
        """The connection may be of a server that is gone."""
        log, self._log = self._log, None
        if log is not None:
            with suppress(StreamsError):
                log.close()

    def market_ns(self) -> int:
        return self.log().watch(0)[1].market_ns

    def set_market(self, market_ns: int) -> None:
        """Move the market clock. Raises RuntimeError if the arbiter refuses."""
        args: dict[str, Any] = {"market_ns": market_ns, "rate": self.rate, "run": RUN}
        (answer,) = ask(
            self.log(), [Request("arbiter", "market_clock", args)], issuer="week", timeout_s=10,
            going=self._going,
        )  # fmt: skip
        if answer is None or not answer.ok:
            raise RuntimeError(f"market clock: {answer}")

    def events(self) -> Iterator[Event]:
        """What was written since the last call."""
        first = b"(" + self._after
        for entry_id, fields in self.log().entries(EVENTS, first=first, count=EVENTS_READ):
            self._after = entry_id
            yield decode_event(fields[1])

    def beats(self) -> dict[str, Beat]:
        return {name: decode_beat(payload) for name, payload in self.log().beats().items()}

    def do(self, outage: Outage) -> str:
        """Break something; return what."""
        match outage.what:
            case "source_killed":
                return self._signal("ingest:A", signal.SIGKILL)
            case "source_stopped":
                return self._signal("ingest:B", signal.SIGSTOP)
            case "arbiter_killed":
                leads = [n for n, b in self.beats().items()
                         if b.service == "arbiter" and b.state == "leading"]  # fmt: skip
                return self._signal(leads[0], signal.SIGKILL)
            case "publisher_killed":
                return self._signal("publisher:A", signal.SIGKILL)
            case "monitor_killed":
                return self._signal("monitor:A", signal.SIGKILL)
            case "server_killed":
                process = self.host.keeper.children["server"].process
                if process is None:
                    raise RuntimeError("the server does not run")
                os.kill(process.pid, signal.SIGKILL)
                return "server"

    def _signal(self, instance: str, number: int) -> str:
        os.kill(self.beats()[instance].pid, number)
        return instance

    def _going(self) -> bool:
        self.host.keeper.converge()
        return True


@contextmanager
def running(folder: Path, rate: float, start_ns: int) -> Iterator[WeekHub]:
    """Start everything, the market clock standing at `start_ns`; end everything."""
    sim = {"seed": SEED, "sessions": "full", "rate": rate, "ticks_per_s": TICKS_PER_S,
           "jump": False}  # fmt: skip
    sources = tuple(
        json.dumps({"name": name, "schedule": "futures", "sim": sim}) for name in ("A", "B")
    )
    alerts = {"channels": {"file": f"jsonl://{folder.absolute() / LETTERS}"}}
    plan = HubPlan(
        folder, profile="single", standby=True, supervisors=2, sources=sources,
        publishers=(Publisher("A", free_port_pair()), Publisher("B", free_port_pair())),
        schedule=json.dumps({}), alerts=json.dumps(alerts),
    )  # fmt: skip
    with (folder / "hub.log").open("w") as stderr:
        host = Host(plan, stderr=stderr)
        hub = WeekHub(host, rate)
        try:
            host.start_server()
            host.start("arbiter", "publisher", "monitor")
            host.wait_leader()
            hub.set_market(start_ns)
            host.start("ingest")
            yield hub
        finally:
            hub.forget()
            host.stop()
