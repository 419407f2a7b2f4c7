"""`mdhub failover` and orders to sources: who is asked, what is said."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Self

import pytest

from mdhub.cli import source_orders
from mdhub.cli.failover import arbiters
from mdhub.cli.hubs import HubAddress
from mdhub.cli.moments import MomentError, until_ns
from mdhub.cli.source_orders import Order, foretell, order_source
from mdhub.health.cover import cover_of
from mdhub.health.model import HealthReport, SourceFacts, encode_health
from mdhub.runtime.errors import ServiceError
from mdhub.runtime.standing import SourceRow, next_source
from mdhub.streams.memory import MemoryServer
from mdhub.streams.port import FIRST_ID
from mdhub.streams.topology import COMMANDS
from mdhub.wire.codec import decode_command, encode
from mdhub.wire.ops import Command, Event, EventKind

HUB = HubAddress("redis://h", "mdhub:", None, 3_000)
NINE_NS = 1_795_482_000_000_000_000  # 2026-11-24 09:00 in China
Answer = Callable[[Command], tuple[bool, dict[str, Any]]]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> MemoryServer:
    server = MemoryServer()
    for module in (arbiters, source_orders):
        monkeypatch.setattr(module, "open_log", lambda *_, **__: server.log("cli"))
    return server


class Servant:
    """Answers every command, in a thread."""

    def __init__(self, server: MemoryServer, answer: Answer) -> None:
        self.asked: list[Command] = []
        self._log = server.log("arbiter")
        self._answer = answer
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(5)

    def _run(self) -> None:
        tail = self._log.tail(COMMANDS, after=FIRST_ID)
        while not self._stop.is_set():
            for _, fields in tail.read(block_ms=20, count=10):
                command = decode_command(fields[1])
                self.asked.append(command)
                ok, result = self._answer(command)
                body = {"ok": ok, "result": result}
                event = Event(
                    1, "e", 1, "arbiter", EventKind.COMMAND_DONE, "", "info", command.id, body
                )
                self._log.command_done(command.id, encode(event))


def run_failover(**changed: Any) -> int:
    options: dict[str, Any] = {
        "shard": None, "reason": "patch", "dry_run": False, "timeout_s": 5.0, "as_json": False,
    } | changed  # fmt: skip
    return arbiters.run_failover(HUB, **options)


def test_each_shard_is_handed_over_in_turn(
    server: MemoryServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """One command each; who leads now and the silence are said."""
    server.shard_count = 2
    taken = {"before": "arbiter:A", "leader": "arbiter:B", "token": 2, "silence_ms": 12}
    with Servant(server, lambda _: (True, taken)) as servant:
        assert run_failover() == 0
    assert [(each.target, each.action, each.args) for each in servant.asked] == [
        (f"arbiter:{shard}", "failover", {"reason": "patch"}) for shard in range(2)
    ]
    words = "arbiter:B leads instead of arbiter:A; it was without a leader for 12 ms"
    assert capsys.readouterr().out == f"shard 0: {words}\nshard 1: {words}\n"


def test_the_first_refusal_ends_it(server: MemoryServer) -> None:
    """The standbys of other shards may be no better."""
    server.shard_count = 2
    with (
        Servant(server, lambda _: (False, {"error": "no standby"})) as servant,
        pytest.raises(ServiceError, match="shard 0: no standby"),
    ):
        run_failover()
    assert len(servant.asked) == 1


def test_a_shard_that_is_not_there_is_said(server: MemoryServer) -> None:
    """With those there are."""
    with pytest.raises(ServiceError, match="shard was 3, but this hub has shards 0 to 0"):
        run_failover(shard=3)


def test_no_answer_is_an_error_also_as_json(
    server: MemoryServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """The exit code says it too."""
    assert run_failover(timeout_s=0.1, as_json=True) == 1
    said = json.loads(capsys.readouterr().out)
    assert "no answer within 0.1 s" in said["shards"][0]["error"]


def test_an_order_goes_to_the_supervisor_of_the_source(
    server: MemoryServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the reason, its end in market time, and the result shown."""
    order = Order("hold", "A", reason="broker maintenance", until="2h", force=True)
    with Servant(server, lambda _: (True, {"pid": 7})) as servant:
        assert order_source(HUB, order, timeout_s=5.0, as_json=False) == 0
    (asked,) = servant.asked
    assert (asked.target, asked.action) == ("source:A", "hold")
    until = asked.args.pop("until_ns")
    assert asked.args == {"reason": "broker maintenance", "force": True}
    assert abs(until - time.time_ns() - 7_200e9) < 60e9
    assert capsys.readouterr().out == "A's process ends and stays ended (pid 7)\n"


def test_a_refused_order_says_why(server: MemoryServer) -> None:
    """In the words of the supervisor."""
    order = Order("restart", "A")
    with (
        Servant(server, lambda _: (False, {"error": "the schedule says closed"})),
        pytest.raises(ServiceError, match="the schedule says closed"),
    ):
        order_source(HUB, order, timeout_s=5.0, as_json=False)


@pytest.mark.parametrize(
    ("text", "hours"), [("90m", 1.5), ("10:00", 1), ("08:00", 23), ("2026-11-24T15:00", 6)]
)
def test_the_end_of_a_hold_is_ahead(text: str, hours: float) -> None:
    """A clock time is the next such, a span counts from now."""
    assert until_ns(text, NINE_NS) - NINE_NS == hours * 3_600_000_000_000


@pytest.mark.parametrize("text", ["", "0m", "soon", "25:00", "2026-11-24T08:59", "99999999d"])
def test_a_moment_that_is_none_or_past_is_refused(text: str) -> None:
    """Nothing would be held."""
    with pytest.raises(MomentError, match="until was"):
        until_ns(text, NINE_NS)


def source(name: str, **changed: Any) -> SourceFacts:
    facts: dict[str, Any] = {"state": "connected", "age_ms": 100, "confirmed": 50, "rank": 1}
    return SourceFacts(name=name, **(facts | changed))


@pytest.mark.parametrize(
    ("others", "session", "covered_by", "gap"),
    [
        ([], "day", [], "all"),
        ([], "closed", [], "none"),
        ([source("B")], "day", ["B"], "none"),
        ([source("B", confirmed=40)], "day", ["B"], "some"),
        ([source("B", rank=3), source("C", rank=2)], "day", ["C", "B"], "none"),
        ([source("B", muted="x")], "day", [], "all"),
        ([source("B", down="x"), source("C", frozen=True)], "day", [], "all"),
        ([source("B", age_ms=9_000), source("C", age_ms=None)], "day", [], "all"),
    ],
)
def test_what_covers_a_source_is_who_delivers_now(
    others: list[SourceFacts], session: str, covered_by: list[str], gap: str
) -> None:
    """Muted, down, frozen and silent ones cover nothing; the best comes first."""
    report = HealthReport(session=session, sources=[source("A"), *others])
    cover = cover_of(report, "A")
    assert cover is not None
    assert (cover.covered_by, cover.gap) == (covered_by, gap)
    assert cover_of(report, "Z") is None


def test_a_dry_run_sends_nothing(server: MemoryServer, capsys: pytest.CaptureFixture[str]) -> None:
    """It says what covers meanwhile; without a monitor nobody knows."""
    with pytest.raises(ServiceError, match="no monitor has ever written a report"):
        foretell(HUB, "restart", "A", as_json=False)
    sources = [source("A", win_rate=0.6), source("B", confirmed=48)]
    report = HealthReport(ts_ns=time.time_ns(), session="day", sources=sources)
    server.log("monitor").save_health(encode_health(report))
    assert foretell(HUB, "restart", "A", as_json=False) == 0
    shown = capsys.readouterr().out
    for words in ("60.0 %", "meanwhile: B covers", "expected gap: 2 contracts that only A"):
        assert words in shown
    with pytest.raises(ServiceError, match="unknown source 'Z'; the monitor knows A, B"):
        foretell(HUB, "restart", "Z", as_json=False)
    assert server.log("cli").entries(COMMANDS) == []


def row(name: str, standing: str = "", won: int = 0) -> SourceRow:
    return SourceRow(name, "running", standing, won, 0, 0, 0, 0, 0)


def test_the_next_source_is_the_best_that_can_be_active() -> None:
    """By rank if a monitor ranks, else by what was heard."""
    rows = [row("A", "active"), row("B", won=3), row("C", won=9), row("D", "muted", 99)]
    assert next_source(rows, None, None).to == "C"
    report = HealthReport(sources=[source("D"), source("B", rank=2), source("C", rank=3)])
    assert next_source(rows, report, None).to == "B"
    assert next_source(rows, report, "C").to == "C"
    with pytest.raises(ServiceError, match="'D' cannot take the place of A; these can: B, C"):
        next_source(rows, report, "D")
    with pytest.raises(ServiceError, match="no exchange is in mode priority"):
        next_source([replace(each, standing="") for each in rows], None, None)
    with pytest.raises(ServiceError, match="no other source"):
        next_source(rows[:1], None, None)
