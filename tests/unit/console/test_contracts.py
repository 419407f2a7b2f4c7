"""Searching contracts: what is known of each, and which are found."""

from __future__ import annotations

from typing import cast

import pytest
from msgspec.structs import replace

from mdhub.runtime.clock import Clock
from mdhub.streams.port import Manifest
from mdhub.wire.codec import encode
from mdhub.wire.entries import ContractRow
from mdhub.wire.ticks import CleanTick
from mdhub_console.read.contracts import Book, Contracts, contracts_of, search
from tests.support.console_market import Market, scene
from tests.unit.wire.samples import SAMPLES

TICK = replace(
    cast("CleanTick", SAMPLES["CleanTick"]), symbol="cu2701", exchange="SHFE", last=110.0,
    pre_settlement=100.0, volume=7,
)  # fmt: skip


def names(book: Book, **asked: object) -> list[str]:
    return [c.name for c in search(book, **asked).rows]  # type: ignore[arg-type]


@pytest.fixture
def book() -> Book:
    table = [
        ContractRow("cu2701", "SHFE", "cu", "1", 5.0, 10.0, 20270115),
        ContractRow("cu2702C80000", "SHFE", "cu_o", "2"),
        ContractRow("bcu2701", "INE", "bcu", "1"),
    ]
    quiet = replace(TICK, symbol="510300C2612M04000", exchange="SSE", last=None, volume=None)
    return Book(contracts=contracts_of(table, [(b"5-0", TICK), (b"6-0", quiet)]), as_of_ns=9)


def test_the_table_and_the_last_ticks_are_put_together(book: Book) -> None:
    """A contract that only one of the two knows is known."""
    cu = book.contracts["cu2701"]
    assert (cu.product, cu.kind, cu.expiry, cu.clean_id) == ("cu", "future", 20270115, "5-0")
    assert cu.change == pytest.approx(0.1)
    assert book.contracts["cu2702C80000"].kind == "option"
    assert book.contracts["cu2702C80000"].clean_id == ""
    assert "510300C2612M04000" in book.contracts


def test_a_search_takes_every_word_in_any_case(book: Book) -> None:
    """Names that begin with it come first."""
    assert names(book, text="CU2701") == ["cu2701.SHFE", "bcu2701.INE"]
    assert names(book, text="cu shfe c8") == ["cu2702C80000.SHFE"]
    assert names(book, text="cu", exchange="INE") == ["bcu2701.INE"]
    assert names(book, kind="option", text="cu") == ["cu2702C80000.SHFE"]
    assert names(book, text="nothing") == []


def test_numbers_are_ordered_with_the_unknown_last(book: Book) -> None:
    """The most traded first."""
    assert names(book, sort="volume")[0] == "cu2701.SHFE"
    assert search(book, sort="volume", first=1, limit=1).total == 4


def test_a_book_is_read_anew_only_after_another_snapshot() -> None:
    """A search costs the log nothing while nothing is new; what is new is found."""
    now = [1_000_000_000_000]
    market = scene(contracts=3, seconds=1)
    contracts = Contracts(Clock(wall_ns=lambda: now[0]))
    log = market.server.log("console")
    first = contracts.book(log)
    now[0] += 3_000_000_000
    assert contracts.book(log) is first
    market.now_ns += 1_000_000
    market.snapshot([(b"7-0", replace(TICK, symbol="zn2701"))])
    assert contracts.book(log) is first
    now[0] += 3_000_000_000
    assert "zn2701" in contracts.book(log).contracts
    assert len(first.contracts) == 3


def test_a_snapshot_that_cannot_be_read_costs_its_values_alone() -> None:
    """Broken chunks and rows are left out."""
    market = Market()
    market.snapshot([(b"7-0", TICK)])
    held = market.server.shard(0)
    held.chunks[held.manifests[0].raw, "last-0"] = b"\xc1"
    market.server.log("arbiter").save_contracts({"x": b"\xc1"})
    assert Contracts().book(market.server.log("console")).contracts == {}


def test_what_of_a_snapshot_cannot_be_read_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other contracts are found; the heartbeat says that some are left out."""
    log = Market().server.log("console")
    rows = [(b"5-0", b"", encode(TICK)), (b"6-0", b"", b"garbage")]
    chunks = {"last-0": encode(rows), "last-1": b"garbage"}
    manifest = Manifest(b"9-0", 1, "", 0, 2, 1)
    monkeypatch.setattr(log, "manifests", lambda _: [manifest])
    monkeypatch.setattr(log, "load_chunk", lambda _, **asked: chunks[asked["part"]])
    contracts = Contracts()
    assert list(contracts.book(log).contracts) == ["cu2701"]
    assert contracts.counters() == {"contracts_unreadable": 2}
