"""A whole hub as a user runs it, `mdhub up --config`, with real gateways before stand-in fronts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from mdhub.host.ports import free_port_pair
from mdhub.runtime.heartbeat import Beat, decode_beat
from mdhub.streams import open_log
from mdhub.streams.asking import Request, arbiter_of, ask
from mdhub.streams.errors import StreamsError
from mdhub.streams.port import Log
from mdhub.streams.topology import CLEAN, EVENTS, RAW, REJECTED
from mdhub.wire.codec import (
    decode_clean_tick,
    decode_event,
    decode_raw_tick,
    decode_rejected_header,
)
from mdhub.wire.ops import Event, EventKind
from mdhub.wire.ticks import CHINA_TIME, CleanTick, RawTick
from tests.gateways.front.front import Front
from tests.gateways.harness import Installation
from tests.support.wait import until

__all__ = ["SECRETS", "NewHub", "RunningHub", "Source", "running_hub"]

SECRETS = {"GW_PASSWORD": "Kn0ck-Kn0ck-1937", "GW_AUTH": "A1B2C3D4E5F60718"}
"""Values nobody may ever show."""
CLASSES = {"ctp": "9999", "sopt": "8888"}


@dataclass(frozen=True, kw_only=True)
class Source:
    """A source of the hub: which gateway, to which front; `settings` changes single ones."""

    name: str
    front: Front
    type: str = "ctp"
    subscribe: Sequence[str] = ("all",)
    settings: Mapping[str, str] = field(default_factory=dict)
    deadlines: Mapping[str, float] = field(default_factory=dict)

    def toml(self) -> str:
        """Write it as a user would."""
        own = {
            "user_id": f"u{self.name}",
            "broker_id": CLASSES[self.type],
            "app_id": "client_mdhub_1.0",
            "auth_code": "env:GW_AUTH",
            "password": "env:GW_PASSWORD",
            "td_address": self.front.address,
            "md_address": self.front.address,
        }
        knobs = {"name": self.name, "type": self.type, "subscribe": list(self.subscribe)}
        knobs["schedule"] = "always"  # these markets are open when a test runs
        return (
            f"[[sources]]\n{_table(knobs)}[sources.settings]\n{_table(own | dict(self.settings))}"
            f"[sources.deadlines]\n{_table(self.deadlines)}"
        )


def _table(values: Mapping[str, object]) -> str:
    return "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())


@dataclass
class RunningHub:
    """A hub that runs, looked at through its log."""

    folder: Path
    endpoint: str
    log: Log
    process: subprocess.Popen[bytes]
    sources: Sequence[str]

    # Market time

    def market(self, moment: str) -> None:
        """Set the market's clock, such as `2026-11-20 21:03:17` in China; it goes on from there.

        Each supervisor looks at the clock before it starts a source, and may ask for real time.
        """
        self.wait(lambda: all(self.pid(name) for name in self.sources), "the sources' processes")
        at = datetime.fromisoformat(moment).replace(tzinfo=CHINA_TIME)
        args = {"market_ns": int(at.timestamp()) * 10**9, "rate": 1.0, "run": moment}
        answers = ask(
            self.log, [Request(arbiter_of(0), "market_clock", args)], issuer="test", timeout_s=10
        )
        assert [answer is not None and answer.ok for answer in answers] == [True], answers

    # Processes

    def pid(self, source: str) -> int:
        """Process of a source's gateway by its newest heartbeat, 0 = none yet."""
        beat = self.beat(source)
        return beat.pid if beat else 0

    def beat(self, source: str) -> Beat | None:
        payload = self.log.beats().get(f"ingest:{source}")
        return decode_beat(payload) if payload else None

    def counter(self, source: str, name: str) -> int:
        beat = self.beat(source)
        return beat.counters.get(name, 0) if beat else 0

    def kill(self, source: str) -> int:
        """SIGKILL a source's process; returns its pid."""
        pid = self.pid(source)
        os.kill(pid, signal.SIGKILL)
        return pid

    def cache(self, source: str) -> Path:
        """Give the file in which a source keeps its contracts."""
        return self.folder / "d" / "gateways" / source / "contracts.msgpack"

    def wait_replaced(self, source: str, pid: int, *, within_s: float = 25.0) -> None:
        self.wait(lambda: self.pid(source) not in (0, pid), f"{source} to be replaced", within_s)

    # What it says

    def changes(self, source: str) -> list[Event]:
        """Events of one source."""
        entries = self.log.entries(EVENTS, count=100_000)
        events = [decode_event(fields[1]) for _, fields in entries]
        return [e for e in events if e.kind == EventKind.SOURCE and e.subject == source]

    def wait_change(
        self, source: str, change: str, *, within_s: float = 20.0, **facts: object
    ) -> Event:
        """Wait for the first event of a source with this change and these facts."""

        def found() -> list[Event]:
            wanted = {"change": change, **facts}.items()
            return [e for e in self.changes(source) if wanted <= e.body.items()]

        self.wait(found, f"{change} {facts} of {source}", within_s)
        return found()[0]

    def output(self) -> str:
        """Read all lines the hub has written."""
        return (self.folder / "hub.log").read_text(errors="replace")

    def line(self, event: str, **fields: object) -> dict[str, Any] | None:
        """Find the newest log line of an event with these fields."""
        for text in reversed(self.output().splitlines()):
            if text.startswith("{") and f'"{event}"' in text:
                row: dict[str, Any] = json.loads(text)
                if row["event"] == event and fields.items() <= row.items():
                    return row
        return None

    # Ticks

    def raw(self, source: str = "") -> list[RawTick]:
        """Raw ticks in the log, of one source or all."""
        entries = self.log.entries(RAW, count=1_000_000)
        ticks = [decode_raw_tick(fields[1]) for _, fields in entries if fields[0] == b"t"]
        return [tick for tick in ticks if source in ("", tick.source)]

    def clean(self) -> list[CleanTick]:
        """Clean ticks in the log."""
        entries = self.log.entries(CLEAN, count=1_000_000)
        return [decode_clean_tick(fields[3]) for _, fields in entries if fields[2] == b"t"]

    def rejected(self) -> list[str]:
        """Reasons of what was refused."""
        entries = self.log.entries(REJECTED, count=1_000_000)
        return [decode_rejected_header(fields[1]).reason for _, fields in entries]

    # Waiting

    def wait(self, condition: Callable[[], object], what: str, within_s: float = 20.0) -> None:
        """Wait until something holds; fail with what the hub said last."""
        try:
            until(condition, what, timeout_s=within_s)
        except AssertionError as error:
            told = "\n".join(self.output().splitlines()[-25:])
            raise AssertionError(f"{error}\n{told}") from None

    def ready(self, *sources: Source) -> None:
        """Wait until each source has asked for every contract its front lists."""
        for source in sources:
            symbols = [str(contract["InstrumentID"]) for contract in source.front.contracts]
            source.front.wait_subscribed(*symbols)


class NewHub(Protocol):
    """Starts a hub that ends with the test."""

    def __call__(self, *sources: Source) -> RunningHub:
        """All sources use the gateways of the set the test runs with."""


@contextmanager
def running_hub(
    folder: Path, where: Installation, libraries: Mapping[str, Path], sources: Sequence[Source]
) -> Iterator[RunningHub]:
    """Run `mdhub up` on a configuration with these sources, and see that it ends well."""
    port = free_port_pair()
    config = folder / "hub.toml"
    head = f'[hub]\nprofile = "fast"\ndata = "d"\n\n[[publishers]]\nport = {port}\n\n'
    config.write_text(head + "\n".join(source.toml() for source in sources), encoding="utf-8")
    command = [str(where.python), "-m", "mdhub.cli.app", "up", "--config", str(config)]
    own = {
        "LD_LIBRARY_PATH": ":".join(str(path) for path in libraries.values()),
        "MDHUB_TEST_FRONT_RETRY_MS": "50",
        **SECRETS,
    }
    with (folder / "hub.log").open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=os.environ | own)
    try:
        log = _open(f"unix://{(folder / 'd').resolve() / 'redis.sock'}", process, folder)
        names = [source.name for source in sources]
        hub = RunningHub(folder, f"tcp://127.0.0.1:{port}", log, process, names)
        hub.wait(lambda: log.leadership(0).token, "an arbiter to lead")
        yield hub
        log.close()
        process.send_signal(signal.SIGINT)
        assert process.wait(15) == 0, hub.output()[-2000:]
        _check_secrets(folder, hub)
    finally:
        process.kill()
        process.wait()


def _open(url: str, process: subprocess.Popen[bytes], folder: Path) -> Log:
    opened: list[Log] = []

    def opens() -> bool:
        assert process.poll() is None, (folder / "hub.log").read_text(errors="replace")
        try:
            opened.append(open_log(url, service="cli"))
        except StreamsError:
            return False
        return True

    until(opens, "the server of the hub")
    return opened[0]


def _check_secrets(folder: Path, hub: RunningHub) -> None:
    """Nothing that was logged, told or kept may hold a secret."""
    kept = [path.read_bytes() for path in (folder / "d" / "gateways").rglob("*") if path.is_file()]
    for name, value in SECRETS.items():
        assert value not in hub.output(), f"{name} stands in the log lines"
        assert not any(value.encode() in data for data in kept), f"{name} stands in a file"
