"""A real gateway as a source of a real hub: supervisor, child, gateway, raw log."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mdhub.streams import open_log
from mdhub.streams.port import Log
from mdhub.streams.topology import EVENTS, RAW
from mdhub.wire.codec import decode_event, decode_raw_tick
from mdhub.wire.ops import EventKind
from mdhub.wire.ticks import RawTick
from tests.gateways.front.answers import refuse
from tests.gateways.front.front import Front
from tests.gateways.front.market import DBL_MAX, etf_option, future, option, tick
from tests.gateways.harness import Installation, environment
from tests.support.server import TestServer
from tests.support.wait import until

pytestmark = [pytest.mark.gateways, pytest.mark.process, pytest.mark.timeout(180)]

CONTRACTS = {
    "ctp": [future("rb2610", "SHFE"), option("m2611-C-3000", "DCE", "m2611")],
    "sopt": [etf_option("10008888"), etf_option("90004444", "SZSE")],
}
PASSWORD, AUTH_CODE = "correct-horse", "0123456789ABCDEF"
both = pytest.mark.parametrize("gateway", ["ctp", "sopt"])


class Hub:
    """A server, an arbiter that leads, and ingest with one account, in processes of their own."""

    def __init__(self, folder: Path, where: Installation, libraries: Path) -> None:
        self.folder = folder
        self.output = folder / "output.txt"
        self._where = where
        self._libraries = libraries
        self._stack = ExitStack()

    @contextmanager
    def running(
        self, gateway: str, front: Front, *, subscribe: str = "all", **changes: str
    ) -> Iterator[Log]:
        """Start everything; what it writes to the log can be read."""
        settings = {
            "user_id": "tester", "broker_id": "9999", "password": "env:PW_OF_TEST",
            "td_address": front.address, "md_address": front.address,
            "app_id": "client_mdhub_1.0", "auth_code": f"file:{self.folder / 'auth_code'}",
        } | changes  # fmt: skip
        (self.folder / "auth_code").write_text(f"{AUTH_CODE}\n")
        knobs = {"type": gateway, "settings": settings, "subscribe": [subscribe]}
        source = json.dumps({"name": "ACC1", "schedule": "always", "gateway": knobs})
        with ExitStack() as stack:
            server = stack.enter_context(TestServer())
            log = open_log(server.url, service="arbiter", prefix="mdhub:")
            stack.callback(log.close)
            self._start(stack, server.url, sys.executable, "mdhub_arbiter", "--profile", "fast")
            arguments = ("--source", source, "--data", str(self.folder / "data"))

            def begin() -> None:
                self.ingest = self._start(
                    stack, server.url, str(self._where.python), "mdhub_ingest", *arguments
                )

            self._begin = begin
            begin()
            yield log

    def restart(self) -> None:
        """End ingest as an operator would, and start it again."""
        self.ingest.terminate()
        assert self.ingest.wait(10) == 0
        self._begin()

    def said(self) -> str:
        return self.output.read_text(errors="replace")

    def _start(
        self, stack: ExitStack, url: str, python: str, module: str, *arguments: str
    ) -> subprocess.Popen[bytes]:
        own = {"MDHUB_REDIS_URL": url, "PW_OF_TEST": PASSWORD}
        with self.output.open("ab") as output:
            process = subprocess.Popen(
                [python, "-m", module, *arguments],
                env=environment(self._where, self._libraries) | own,
                stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            )  # fmt: skip
        stack.callback(_end, process)
        return process


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.fixture
def hub(installed: Installation, libraries: dict[str, Path], tmp_path: Path, gateway: str) -> Hub:
    return Hub(tmp_path, installed, libraries[gateway])


def ticks(log: Log) -> list[RawTick]:
    entries = log.entries(RAW, shard=0, count=10_000)
    return [decode_raw_tick(fields[1]) for _, fields in entries if fields[0] == b"t"]


def received(raw: RawTick) -> tuple[Any, ...]:
    """What a front sent, from `symbol` on."""
    fields = msgspec.structs.astuple(raw)[5:]
    return (*fields[:-2], *([tuple(level) for level in side] for side in fields[-2:]))


def changes_of(log: Log) -> list[dict[str, Any]]:
    events = [decode_event(fields[1]) for _, fields in log.entries(EVENTS, count=10_000)]
    return [event.body for event in events if event.kind == EventKind.SOURCE]


@both
def test_a_tick_of_an_account_lands_in_raw_as_the_front_sent_it(gateway: str, hub: Hub) -> None:
    """By nothing but its description; contracts reach the arbiter; no secret is seen anywhere."""
    symbols = [str(each["InstrumentID"]) for each in CONTRACTS[gateway]]
    with Front(CONTRACTS[gateway]) as front, hub.running(gateway, front) as log:
        front.wait_subscribed(*symbols)
        sent = tick(
            symbols[0], TradingDay="20261123", ActionDay="20261120", UpdateTime="21:03:17",
            UpdateMillisec=62, LastPrice=3456.5, Volume=77, OpenInterest=1234.0,
            BidPrice1=3456.0, BidVolume1=5, AskPrice1=3457.0, AskVolume1=6,
        )  # fmt: skip
        front.tick(sent)
        until(lambda: ticks(log), f"the tick; {hub.said()}")
        tick_of_front = ticks(log)[0]
        until(lambda: set(log.contracts().rows) == set(symbols), "the contracts")
        until(lambda: any(b["change"] == "coverage" for b in changes_of(log)), "coverage")
        login = front.requests("ReqUserLogin", "td")[0].fields
        child = front.hellos[0].pid
        seen = hub.said() + json.dumps(changes_of(log), default=str)
        seen += "".join(Path(f"/proc/{pid}/cmdline").read_text() for pid in (child, hub.ingest.pid))
        hub.ingest.terminate()
        assert hub.ingest.wait(10) == 0

    assert received(tick_of_front) == (
        symbols[0], "", "20261123", "20261120", "21:03:17", 62,
        3456.5, 77, 5458000000.0, 1234.0, 3005.0, 3020.0, 2998.0, DBL_MAX, DBL_MAX,
        3003.0, 3001.0, 1500000.0, 3211.0, 2791.0, 30116.0,
        [(3456.0, 5)], [(3457.0, 6)],
    )  # fmt: skip
    assert (tick_of_front.source, tick_of_front.seq) == ("ACC1", 1)
    assert login["Password"] == PASSWORD
    assert PASSWORD not in seen and AUTH_CODE not in seen


@both
def test_ticks_flow_although_the_trading_login_fails(
    gateway: str, hub: Hub, tmp_path: Path
) -> None:
    """With the contracts of the start before."""
    symbol = str(CONTRACTS[gateway][0]["InstrumentID"])
    kept = tmp_path / "data/gateways/ACC1/contracts.msgpack"
    with Front(CONTRACTS[gateway]) as front, hub.running(gateway, front) as log:
        front.wait_subscribed(symbol)
        until(kept.exists, "the contracts of this start")
        front.answer("ReqUserLogin", refuse(7, "还没有初始化"), kind="td")
        hub.restart()
        front.wait_request("ReqUserLogin", "td", count=2)
        until(lambda: any(b["change"] == "login_refused" for b in changes_of(log)), "the refusal")
        front.wait_subscribed(symbol)
        front.tick(tick(symbol))
        until(lambda: ticks(log), f"a tick; {hub.said()}")


@pytest.mark.parametrize("gateway", ["ctp"])
def test_what_decided_a_choice_is_unsubscribed(gateway: str, hub: Hub) -> None:
    """The front sends the dominant contract only, also after a reconnection."""
    interests = {"rb2701": 9.0, "rb2705": 7.0, "rb2710": 8.0}
    listed = [future(symbol, "SHFE", ExpireDate=f"20{symbol[2:]}15") for symbol in interests]
    with Front(listed) as front:
        front.snapshots |= {
            symbol: tick(symbol, PreOpenInterest=interest) for symbol, interest in interests.items()
        }

        def dominant_alone() -> bool:
            return any(session.subscribed == {"rb2701"} for session in front.sessions("md"))

        with hub.running(gateway, front, subscribe="dominant") as log:
            front.wait_request("UnSubscribeMarketData", "md", count=2)
            front.wait(dominant_alone, "the dominant contract alone")
            until(lambda: len(ticks(log)) == len(interests), "a snapshot of each")
            front.drop("md")
            front.wait_hello("md", count=2)
            front.wait(dominant_alone, "the dominant contract alone, again")
            until(lambda: len(ticks(log)) > len(interests), "its next snapshot")
            assert {tick.symbol for tick in ticks(log)[3:]} == {"rb2701"}


@both
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"user_id": "x" * 300}, "setting:user_id"),
        ({"password": "env:NOT_SET_ANYWHERE"}, "variable NOT_SET_ANYWHERE is not set"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_no_restart_mends_stops_the_source_and_says_why(
    gateway: str, hub: Hub, changes: dict[str, str], words: str
) -> None:
    """In an event as well; nothing has connected, nothing is tried again."""
    with Front(CONTRACTS[gateway]) as front, hub.running(gateway, front, **changes) as log:
        until(lambda: "source_quarantined" in hub.said(), "the source to be stopped")
        told = [body for body in changes_of(log) if body["change"] == "failed"]
        assert front.hellos == []
    assert len(told) == 1 and words in told[0]["reason"] and told[0]["exit_code"] == 4
    assert PASSWORD not in hub.said()
