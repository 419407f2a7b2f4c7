"""The main loop of a gateway child, with a connection that says what the test tells it to."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from threading import Event
from typing import Any

import msgspec
import pytest

from mdhub.calendar import Calendar
from mdhub.runtime.logging import Logger
from mdhub.runtime.secret import Hidden
from mdhub.streams.memory import MemoryServer
from mdhub.wire.ops import Severity
from mdhub_ingest.gateways.admission import Admission, logins_of
from mdhub_ingest.gateways.contracts import ContractDesk
from mdhub_ingest.gateways.hours import OpenHours
from mdhub_ingest.gateways.life import Life
from mdhub_ingest.gateways.logins import Logins
from mdhub_ingest.gateways.port import (
    STOPPED,
    Facts,
    First,
    Instrument,
    Note,
    NoteKind,
    Side,
    Take,
)
from mdhub_ingest.gateways.rules import parse_rules
from mdhub_ingest.gateways.source import GatewaySource
from mdhub_ingest.gateways.subscriptions import Subscriptions

RB = Instrument(symbol="rb2610", exchange="SHFE", product="rb", product_class="1", expiry=20261015)
M = Instrument(symbol="m2611", exchange="DCE", product="m", product_class="1", expiry=20261113)
FRIDAY_10_00_NS = 1_792_116_000_000_000_000  # 2026-10-16 in China
READY = Facts(md_login=True, td_login=True, contracts_ready=True)
CHANGE_PASSWORD = 140


class FakeConnection:
    """What callbacks would have said is put into its lists."""

    def __init__(self, *, can_unsubscribe: bool) -> None:
        self.can_unsubscribe = can_unsubscribe
        self.left: list[str] = []
        self.now = Facts(md_login=False, td_login=False, contracts_ready=False)
        self.said: list[Note] = []
        self.listed: list[Instrument] = []
        self.first_ticks: list[First] = []
        self.asked: list[str] = []
        self.connected = 0
        self.timers = 0
        self.forgotten = 0

    def connect(self, take: Take) -> None:
        self.take = take
        self.connected += 1

    def subscribe(self, instruments: Sequence[Instrument]) -> None:
        self.asked += [each.symbol for each in instruments]

    def unsubscribe(self, instruments: Sequence[Instrument]) -> None:
        assert self.can_unsubscribe and instruments
        self.left += [each.symbol for each in instruments]

    def timer(self) -> None:
        self.timers += 1

    def facts(self) -> Facts:
        return self.now

    def notes(self) -> list[Note]:
        return _taken(self.said)

    def instruments(self) -> list[Instrument]:
        return _taken(self.listed)

    def firsts(self) -> list[First]:
        return _taken(self.first_ticks)

    def forget_firsts(self) -> None:
        self.forgotten += 1

    def counts(self) -> Mapping[str, int]:
        return {"ticks": 7}


def _taken(items: list[Any]) -> list[Any]:
    taken = items[:]
    items.clear()
    return taken


class Stage:
    """A source, its connection, and a clock that goes by turns."""

    def __init__(
        self,
        folder: Path,
        *,
        rules: str = "all",
        logins: Logins | None = None,
        releases: bool = True,
    ) -> None:
        self.connection = FakeConnection(can_unsubscribe=releases)
        self.output = io.StringIO()
        self.changes: list[tuple[str, dict[str, Any], Severity]] = []
        self.now_s = 1_000.0
        self.alive = 0
        logger = Logger("ingest", "CTP1", self.output)
        server = MemoryServer()
        self.source = GatewaySource(
            self.connection,
            life=Life(),
            subscriptions=Subscriptions(parse_rules([rules]), day=20261016, releases=releases),
            admission=Admission(logins, logger),
            contracts=ContractDesk(
                source="CTP1", shards=1, connect=lambda: server.log("ingest"),
                file=folder / "contracts.msgpack", logger=logger,
            ),
            hours=OpenHours(Calendar.load()),
            logger=logger,
            hide=Hidden(["hunter2"]),
            wall_ns=lambda: FRIDAY_10_00_NS,
        )  # fmt: skip
        self.source.attend(alive=self._beat, on_change=self._changed)

    def turns(self, count: int = 1, *, each_s: float = 1.0) -> None:
        for _ in range(count):
            self.now_s += each_s
            self.source.turn(self.now_s)

    def log_in(self) -> None:
        self.connection.now = READY
        self.connection.said += [note(NoteKind.CONNECTED), note(NoteKind.LOGIN)]

    def told(self, change: str) -> list[dict[str, Any]]:
        return [facts for name, facts, _ in self.changes if name == change]

    def _beat(self) -> None:
        self.alive += 1

    def _changed(
        self, change: str, facts: Mapping[str, Any], severity: Severity = Severity.WARNING
    ) -> None:
        self.changes.append((change, dict(facts), severity))


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def note(kind: NoteKind, *, side: Side = Side.MD, code: int = 0, text: str = "") -> Note:
    return Note(1, kind, side, code, text)


def first(symbol: str) -> First:
    return First(symbol, 1.0, 2.0, 3.0)


def test_contracts_that_are_listed_are_asked_for_and_counted(stage: Stage) -> None:
    """By rule; confirmed by their first tick."""
    stage.log_in()
    stage.connection.listed += [RB, M]
    stage.turns(3)
    assert sorted(stage.connection.asked) == ["m2611"]  # rb2610 expired the day before

    stage.connection.first_ticks.append(first("m2611"))
    stage.turns(8)

    counts = stage.source.counts
    assert (counts["ticks"], counts["contracts"]) == (7, 2)
    assert (counts["wanted"], counts["confirmed"], counts["silent"]) == (1, 1, 0)
    assert stage.told("coverage")[-1]["confirmed"] == 1


@pytest.mark.parametrize("releases", [True, False])
def test_probes_are_unsubscribed_once_they_have_decided(tmp_path: Path, *, releases: bool) -> None:
    """Where the gateway can; else they go on streaming."""
    stage = Stage(tmp_path, rules="dominant", releases=releases)
    later = msgspec.structs.replace(M, symbol="m2701", expiry=20270115)
    stage.log_in()
    stage.connection.listed += [M, later]
    stage.turns(3)
    assert sorted(stage.connection.asked) == ["m2611", "m2701"]
    assert stage.connection.left == []

    stage.connection.first_ticks += [First("m2611", 9.0, 2.0, 3.0), First("m2701", 5.0, 2.0, 3.0)]
    stage.turns(3)

    assert stage.connection.left == (["m2701"] if releases else [])
    assert stage.source.counts["confirmed"] == 1


def test_a_flood_of_notes_is_heard_to_its_end(stage: Stage) -> None:
    """The connection's bound is the only one: what is beyond would be lost without a trace."""
    stage.connection.listed.append(M)
    stage.turns()
    flood = [note(NoteKind.LOG, text="again") for _ in range(20_000)]
    stage.connection.said += [*flood, note(NoteKind.DISCONNECTED, code=4097)]
    stage.turns()
    assert stage.connection.forgotten == 1


def test_nothing_is_asked_for_before_the_login(stage: Stage) -> None:
    """A request would be refused, and some gateways forget it."""
    stage.connection.listed.append(M)
    stage.turns(5)
    assert stage.connection.asked == []
    stage.log_in()
    stage.turns(2)
    assert stage.connection.asked == ["m2611"]


def test_after_a_reconnection_everything_is_asked_for_again(stage: Stage) -> None:
    """Fronts keep no subscriptions; first ticks count anew from the moment the front was lost."""
    stage.log_in()
    stage.connection.listed.append(M)
    stage.turns(2)
    stage.connection.said.append(note(NoteKind.DISCONNECTED, code=4097))
    stage.connection.now = Facts(md_login=False, td_login=True, contracts_ready=True)
    stage.turns()
    assert (stage.connection.forgotten, stage.connection.asked) == (1, ["m2611"])

    stage.log_in()
    stage.turns(3)

    assert stage.connection.asked == ["m2611", "m2611"]


def test_coverage_is_not_said_at_every_turn(stage: Stage) -> None:
    """Twenty changes in ten seconds are at most three events."""
    stage.log_in()
    listed = [
        Instrument(symbol=f"m26{n:02}", exchange="DCE", product="m", expiry=20261113)
        for n in range(20)
    ]
    stage.connection.listed += listed
    stage.turns(2)
    for each in listed:
        stage.connection.first_ticks.append(first(each.symbol))
        stage.turns(each_s=0.5)
    assert 1 <= len(stage.told("coverage")) <= 3


def test_the_timer_runs_each_second(stage: Stage) -> None:
    """However often the loop turns."""
    stage.turns(30, each_s=0.1)
    assert stage.connection.timers in {3, 4}


def test_what_the_gateway_writes_becomes_log_lines_without_secrets(stage: Stage) -> None:
    """At most a few of a kind: a flapping front writes 1,500 a second."""
    stage.connection.said += [
        note(NoteKind.LOG, text=f"login {number} with hunter2 failed") for number in range(1_000)
    ]
    stage.turns()
    lines = stage.output.getvalue().splitlines()
    assert 0 < len(lines) < 20 and "login 0 with *** failed" in lines[0]
    assert "hunter2" not in stage.output.getvalue()
    assert stage.source.counts["log_lines_left_out"] == 1_000 - len(lines)


def test_events_of_its_life_carry_no_secrets(stage: Stage) -> None:
    """Brokers' texts are passed on."""
    stage.connection.said.append(
        note(NoteKind.LOGIN, code=CHANGE_PASSWORD, text="hunter2 is not the password")
    )
    stage.turns()
    assert stage.told("login_refused")[0]["text"] == "*** is not the password"


def test_an_end_stops_the_loop_with_its_exit_code(stage: Stage) -> None:
    """A wrong password must not be tried again."""
    stage.connection.said.append(note(NoteKind.LOGIN, code=CHANGE_PASSWORD))
    stage.source.run(lambda _recv_ns, _fields: None, Event())
    assert stage.source.exit_code == STOPPED
    assert stage.connection.connected == 1
    assert stage.alive >= 1


def test_told_to_stop_it_stops(stage: Stage) -> None:
    """Without connecting if it had not yet."""
    stop = Event()
    stop.set()
    stage.source.run(lambda _recv_ns, _fields: None, stop)
    assert (stage.source.exit_code, stage.connection.connected) == (0, 0)


def account(folder: Path) -> Logins:
    settings = {"user_id": "u", "broker_id": "b", "password": "pw", "auth_code": "a"}
    logins = logins_of("CTP1", "ctp", "", settings, folder)
    assert logins is not None
    return logins


def refused_lives(folder: Path) -> Iterator[Stage]:
    while True:
        stage = Stage(folder, logins=account(folder))
        stage.connection.said.append(note(NoteKind.LOGIN, code=CHANGE_PASSWORD))
        stage.source.run(lambda _recv_ns, _fields: None, Event())
        yield stage


def test_an_account_that_was_refused_twice_does_not_connect_again(tmp_path: Path) -> None:
    """Whoever starts it how often: the broker would lock it. In between it waits, and says so."""
    first_life, second_life, stage = islice(refused_lives(tmp_path), 3)
    assert [first_life.connection.connected, second_life.connection.connected] == [1, 1]
    assert second_life.told("login_waits")[0]["until"].endswith("Z")
    assert second_life.alive > 5
    assert stage.connection.connected == 0
    assert stage.source.exit_code == STOPPED
    assert stage.told("login_not_allowed")[0]["todo"]


def test_gateways_without_such_locks_have_no_record(tmp_path: Path) -> None:
    """Only the CTP family locks accounts after wrong logins."""
    assert logins_of("X", "vnpy", "a:B", {"token": "t"}, tmp_path) is None
    assert logins_of("X", "ib", "", {}, tmp_path) is None
