"""Contracts outlive a log: the newest rows are cached on the server."""

from __future__ import annotations

import pytest

from mdhub.streams.port import Log
from mdhub.streams.topology import EVENTS
from mdhub.wire.codec import decode_event
from mdhub.wire.entries import ContractRow
from mdhub.wire.ops import EventKind
from mdhub_arbiter.contracts import cache_contracts, cached_contracts, drop_expired
from mdhub_arbiter.settings import Settings, Wanted
from tests.support.recompute import assert_clean_is_f_of_raw
from tests.unit.arbiter.builders import china_ns
from tests.unit.arbiter.stage import Stage

RB = ContractRow("rb2701", "SHFE", "rb", "1", 10.0, 1.0, 20270115)
CU = ContractRow("cu2701", "SHFE", "cu", "1", 5.0, 10.0, 20270115)


@pytest.fixture(autouse=True)
def fast_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mdhub_arbiter.leader.CLOCK_EVERY_S", 0.001)


def lead(stage: Stage, *rows: ContractRow) -> list[str]:
    """Lead once with these rows; return the symbols that the state has contracts of."""
    leader = stage.lead()
    leader._wanted = Wanted(Settings(), list(rows))
    stage.work(leader)
    stage.work(leader)
    known = leader._state.instruments.items()
    return sorted(symbol for symbol, seen in known if seen.contract is not None)


def told(stage: Stage) -> list[tuple[str, int, int]]:
    """(origin, rows, new) of every event about contracts."""
    events = [decode_event(fields[1]) for _, fields in stage.log.entries(EVENTS)]
    return [
        (event.body["origin"], event.body["rows"], event.body["new"])
        for event in events
        if event.kind == EventKind.CONTRACTS
    ]


def test_a_changed_file_writes_only_changed_rows() -> None:
    """The event says how many were new."""
    stage = Stage()
    assert lead(stage, RB, CU) == ["cu2701", "rb2701"]
    lead(stage, RB, CU)
    lead(stage, RB, ContractRow("cu2701", "SHFE", "cu", "1", 5.0, 20.0, 20270115))
    assert told(stage) == [("file", 2, 2), ("file", 2, 0), ("file", 2, 1)]
    assert_clean_is_f_of_raw(stage.log)


def test_without_a_file_a_new_log_begins_with_the_cached_table() -> None:
    """Its age is said."""
    stage, new = Stage(), Stage()
    lead(stage, RB, CU)
    new.server.contracts = dict(stage.server.contracts) | {"zz": b"\xc1"}
    new.server.contracts_ms = 1

    assert lead(new) == ["cu2701", "rb2701"]
    assert told(new) == [("cache", 2, 2)]
    event = decode_event(new.log.entries(EVENTS)[-1][1][1])
    assert (event.severity, event.body["unreadable"]) == ("warning", 1)
    assert event.body["age_s"] > 1_000_000


def test_a_hub_that_was_never_given_a_table_says_nothing() -> None:
    """There is nothing to say."""
    stage = Stage()
    assert lead(stage) == []
    assert told(stage) == []


def test_what_expired_long_ago_leaves_the_cache() -> None:
    """By market time, a month later; what has no last trading day stays."""
    log = Stage().log
    old = ContractRow("rb2605", "SHFE", expiry=20260515)
    lasting = ContractRow("510050", "SSE")
    cache_contracts(log, [old, lasting, RB])

    drop_expired(log, china_ns("2026-06-14 10:00:00"))
    assert symbols(log) == {"rb2605", "510050", "rb2701"}
    drop_expired(log, china_ns("2026-06-15 10:00:00"))
    assert symbols(log) == {"510050", "rb2701"}


def symbols(log: Log) -> set[str]:
    return {row.symbol for row in cached_contracts(log, shard=0, shards=1).rows}
