"""What a gateway tells of contracts reaches the arbiters, and the next start."""

from __future__ import annotations

import io
import math
from pathlib import Path
from threading import Event, Thread
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from mdhub.runtime.logging import Logger
from mdhub.streams.memory import MemoryServer
from mdhub.streams.topology import COMMANDS
from mdhub.wire.codec import decode_command, encode
from mdhub.wire.entries import ContractRow
from mdhub.wire.ops import Command, EventKind, Severity
from mdhub.wire.ops import Event as OpsEvent
from mdhub.wire.topics import shard_of
from mdhub_ingest.gateways.contracts import (
    QUIET_S,
    ContractDesk,
    read_cache,
    row_of,
    unexpired,
    write_cache,
)
from mdhub_ingest.gateways.port import Instrument
from tests.support.wait import until

RB = Instrument(
    symbol="rb2610", exchange="SHFE", product="rb", product_class="1", multiplier=10.0,
    price_tick=1.0, expiry=20261015,
)  # fmt: skip
IO = Instrument(
    symbol="IO2612-C-4000", exchange="CFFEX", product="IO", product_class="2", expiry=20261218,
    underlying="IF2612", strike=4000.0, call=True,
)  # fmt: skip


class Arbiters:
    """Answers every `contracts` command on a server, as arbiters would, from its own thread."""

    def __init__(self, server: MemoryServer, *, ok: bool = True) -> None:
        self.commands: list[Command] = []
        self._log = server.log("arbiter")
        self._ok = ok
        self._stop = Event()
        self._thread = Thread(target=self._answer)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    def rows(self) -> list[ContractRow]:
        return [
            msgspec.convert(row, ContractRow) for each in self.commands for row in each.args["rows"]
        ]

    def _answer(self) -> None:
        tail = self._log.tail(COMMANDS, after=b"0-0")
        while not self._stop.is_set():
            for _, fields in tail.read(block_ms=20, count=10):
                command = decode_command(fields[1])
                self.commands.append(command)
                body = {"ok": self._ok, "result": {"rows": 1}}
                event = OpsEvent(
                    1, uuid4().hex, 1, "arbiter", EventKind.COMMAND_DONE, "", Severity.INFO,
                    command.id, body,
                )  # fmt: skip
                self._log.command_done(command.id, encode(event))


class Stage:
    """A desk on an in-memory server; time goes by one second a turn."""

    def __init__(self, folder: Path, **more: Any) -> None:
        self.server = MemoryServer()
        self.said = io.StringIO()
        self.now_s = 100.0
        self.file = folder / "contracts.msgpack"
        self.desk = ContractDesk(
            source="CTP1", connect=lambda: self.server.log("ingest"), file=self.file,
            logger=Logger("ingest", "CTP1", self.said), **{"shards": 1, **more},
        )  # fmt: skip

    def turn_until_sent(self) -> None:
        def sent() -> bool:
            self.now_s += 1.0
            self.desk.turn(self.now_s)
            return not self.desk.counts()["contracts_unsent"]

        until(sent, "all rows to be answered")


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def test_contracts_reach_the_arbiter_of_their_shard(tmp_path: Path) -> None:
    """As the rows of its table."""
    stage = Stage(tmp_path, shards=3)
    arbiters = Arbiters(stage.server)
    stage.desk.learn([RB, IO], stage.now_s)
    stage.turn_until_sent()
    arbiters.close()

    targets = {each.target for each in arbiters.commands}
    assert targets == {f"arbiter:{shard_of(each.symbol, 3)}" for each in (RB, IO)}
    row = next(row for row in arbiters.rows() if row.symbol == "rb2610")
    assert row == ContractRow("rb2610", "SHFE", "rb", "1", 10.0, 1.0, 20261015)


def test_contracts_wait_for_an_arbiter(stage: Stage) -> None:
    """Nobody answers: they are sent again, in the end to one that is there."""
    stage.desk.learn([RB], stage.now_s)
    stage.desk.turn(stage.now_s)
    arbiters = Arbiters(stage.server)
    stage.turn_until_sent()
    arbiters.close()
    assert {row.symbol for row in arbiters.rows()} == {"rb2610"}


def test_what_a_reconnection_tells_again_is_not_sent_again(stage: Stage) -> None:
    """A changed contract is."""
    arbiters = Arbiters(stage.server)
    for told in (RB, RB, msgspec.structs.replace(RB, price_tick=0.5)):
        stage.desk.learn([told], stage.now_s)
        stage.turn_until_sent()
    arbiters.close()
    assert [row.price_tick for row in arbiters.rows()] == [1.0, 0.5]


def test_a_refusal_is_counted_and_said(stage: Stage) -> None:
    """The same rows would be refused for ever."""
    arbiters = Arbiters(stage.server, ok=False)
    stage.desk.learn([RB], stage.now_s)
    stage.turn_until_sent()
    arbiters.close()
    assert stage.desk.counts()["contracts_refused"] == 1
    until(lambda: "contracts_handed_in" in stage.said.getvalue(), "the log line")


def test_contracts_no_arbiter_would_take_stay_here(stage: Stage) -> None:
    """One bad row would have the other 499 of its command refused."""
    stage.desk.learn([msgspec.structs.replace(RB, exchange="NOWHERE"), RB], stage.now_s)
    assert stage.desk.counts() == {
        "contracts": 2, "contracts_refused": 1, "contracts_unsent": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value"),
    [("multiplier", math.inf), ("multiplier", -1.0), ("price_tick", math.nan), ("expiry", 2026)],
)
def test_numbers_that_make_no_sense_are_not_known(field: str, value: float) -> None:
    """The rest of the row is still worth having."""
    row = row_of(msgspec.structs.replace(RB, **{field: value}))
    assert row is not None and getattr(row, field) == 0


def test_a_row_with_an_impossible_name_is_none() -> None:
    """Names are what everything else goes by."""
    assert row_of(msgspec.structs.replace(RB, symbol="")) is None
    assert row_of(msgspec.structs.replace(RB, symbol="x" * 81)) is None


def test_the_next_start_has_them_again(stage: Stage) -> None:
    """Written when the query has been quiet for a while, every field of them."""
    stage.desk.learn([RB, IO], stage.now_s)
    stage.desk.turn(stage.now_s + QUIET_S)
    until(stage.file.exists, "the file")
    assert list(read_cache(stage.file).instruments) == [RB, IO]


def test_cached_contracts_are_handed_in_as_they_are_known_by_now(tmp_path: Path) -> None:
    """What the gateway has told since is not put back."""
    stage = Stage(tmp_path, cached=[RB, IO])
    assert not stage.desk.counts()["contracts_unsent"]
    arbiters = Arbiters(stage.server)
    stage.desk.learn([msgspec.structs.replace(RB, price_tick=0.5)], stage.now_s)
    stage.turn_until_sent()
    stage.desk.hand_in_cached()
    stage.turn_until_sent()
    arbiters.close()
    told = [(row.symbol, row.price_tick) for row in arbiters.rows()]
    assert told == [("rb2610", 0.5), ("rb2610", 0.5), ("IO2612-C-4000", 0.0)]


def test_expired_contracts_are_forgotten() -> None:
    """On the day after the last one; who never expires stays."""
    spread = Instrument(symbol="SP a2611&a2701", exchange="DCE")
    assert unexpired([RB, spread], 20261015) == [RB, spread]
    assert unexpired([RB, spread], 20261016) == [spread]


def test_no_file_is_no_problem(tmp_path: Path) -> None:
    """The first start has none."""
    assert read_cache(tmp_path / "none") == ((), "")


@pytest.mark.parametrize("at", [0, 3, 4, 30, -1])
def test_a_damaged_file_is_as_none(tmp_path: Path, at: int) -> None:
    """Whichever byte is wrong; the reason is told."""
    file = tmp_path / "c"
    write_cache(file, [RB, IO])
    data = bytearray(file.read_bytes())
    data[at] ^= 0x20
    file.write_bytes(data)
    kept = read_cache(file)
    assert not kept.instruments and "damaged" in kept.problem


@pytest.mark.parametrize("length", [0, 3, 40])
def test_a_cut_file_is_as_none(tmp_path: Path, length: int) -> None:
    """The disk was full, or the copy incomplete."""
    file = tmp_path / "c"
    write_cache(file, [RB, IO])
    file.write_bytes(file.read_bytes()[:length])
    kept = read_cache(file)
    assert not kept.instruments and kept.problem
