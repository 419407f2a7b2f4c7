"""Commands name their shard; sources and contracts are handed in by them."""

from __future__ import annotations

from typing import Any

import pytest

from mdhub.streams.asking import MAX_ROWS, contract_requests
from mdhub.streams.memory import MemoryServer
from mdhub.wire.codec import decoder
from mdhub.wire.entries import ContractRow, ControlKind, SourceVerdict
from mdhub.wire.topics import shard_of
from tests.unit.arbiter.test_commands import NOW_NS, Desk

RB = ContractRow("rb2701", "SHFE", "rb", "1", 10.0, 1.0, 20270115)
SHARDS = 2
decode_row = decoder(ContractRow)


def desks() -> list[Desk]:
    """The command desks of both leaders of a hub with two shards."""
    server = MemoryServer()
    server.shard_count = SHARDS
    return [Desk(server, shard=shard) for shard in range(SHARDS)]


def due(desk: Desk) -> list[tuple[str, Any]]:
    entries = desk.commands.due(desk.state, NOW_NS)
    desk.commands.answer(NOW_NS)
    return entries


def test_each_leader_obeys_its_own_command() -> None:
    """One command per shard, one result from each."""
    first, second = desks()
    for desk in (first, second):
        desk.state.source("A")
    first.ask("x0", target="arbiter:0", action="mute", args={"source": "A", "reason": "stale"})
    first.ask("x1", target="arbiter:1", action="mute", args={"source": "A", "reason": "stale"})

    said = (ControlKind.OPERATOR, SourceVerdict("A", "mute", "stale"))
    assert [due(second), due(first)] == [[said], [said]]
    result = {"source": "A", "verdict": "mute", "priority": []}
    assert first.results() == [("x1", result | {"shard": 1}), ("x0", result | {"shard": 0})]


@pytest.mark.parametrize("target", ["arbiter", "arbiter:2", "arbiter:", "arbiter:x", "nobody"])
def test_shard_0_answers_what_names_no_shard(target: str) -> None:
    """Exactly one of the leaders, whoever reads first."""
    first, second = desks()
    first.ask("1", target=target, action="dance")
    assert due(second) == due(first) == []
    ((_, result),) = first.results()
    assert ("unknown action" if target == "arbiter" else "unknown target") in result["error"]


def test_a_source_is_known_before_its_first_tick_in_a_shard() -> None:
    """By its heartbeat; else a shard that has none of its contracts would refuse."""
    desk = Desk()
    desk.server.log("ingest").beat("ingest:B", b"")
    desk.ask(action="mute", args={"source": "B"})
    desk.ask("2", action="mute", args={"source": "C"})
    desk.ask("3", action="mute", args={})

    assert [kind for kind, _ in due(desk)] == [ControlKind.OPERATOR]
    assert [("error" in result) for _, result in desk.results()] == [False, True, True]
    assert desk.results()[1][1]["error"] == "unknown source 'C'; the hub knows B"


def test_contracts_are_handed_in() -> None:
    """What is new becomes an entry and all of it is cached; the result counts both."""
    desk = Desk()
    for identity in "12":
        desk.ask(identity, action="contracts", args={"rows": [RB]})

    assert due(desk) == [(ControlKind.CONTRACTS, [RB]), (ControlKind.CONTRACTS, [RB])]
    assert desk.results()[0] == ("1", {"rows": 1, "new": 1, "shard": 0})
    assert decode_row(desk.server.contracts["rb2701"]) == RB


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (None, "rows"),
        ([], "found 0 rows, expected 1 to 500"),
        ([RB] * (MAX_ROWS + 1), "found 501 rows"),
        ([["", "SHFE"]], "length >= 1"),
        ([["rb2701", "NYSE"]], "rb2701 is of exchange 'NYSE'"),
        ([["rb2701", "SHFE", "rb", "1", float("inf")]], "no number"),
        ([["rb2701", "SHFE", "rb", "1", -1.0]], ">= 0"),
        ([["rb2701", "SHFE", "rb", "1", 10.0, 1.0, 2027]], "expires 2027"),
    ],
)
def test_contracts_that_make_no_sense_are_refused_whole(rows: Any, words: str) -> None:
    """With the first mistake in the answer."""
    desk = Desk()
    desk.ask(action="contracts", args={} if rows is None else {"rows": rows})
    assert due(desk) == []
    ((_, result),) = desk.results()
    assert words in result["error"] or rows is None
    assert desk.server.contracts == {}


def test_a_contract_of_another_shard_is_refused() -> None:
    """Whoever hands in a table divides it by `contract_requests`."""
    first, second = desks()
    other = [first, second][1 - shard_of("rb2701", SHARDS)]
    other.ask(target=f"arbiter:{1 - shard_of('rb2701', SHARDS)}", action="contracts",
              args={"rows": [RB]})  # fmt: skip
    assert due(other) == []
    assert "rb2701 belongs to arbiter:" in other.results()[0][1]["error"]


def test_a_table_is_divided_by_shard_and_size() -> None:
    """Each row comes once, at the arbiter of its shard, in commands of at most 500."""
    rows = [ContractRow(f"IO2612-C-{i}", "CFFEX") for i in range(1_300)]
    requests = contract_requests(rows, SHARDS)

    assert {request.target for request in requests} == {"arbiter:0", "arbiter:1"}
    assert max(len(request.args["rows"]) for request in requests) == MAX_ROWS
    handed_in = [
        (request.target, row.symbol) for request in requests for row in request.args["rows"]
    ]
    assert sorted(symbol for _, symbol in handed_in) == sorted(row.symbol for row in rows)
    assert all(f"arbiter:{shard_of(name, SHARDS)}" == target for target, name in handed_in)
