"""What the API tells of the hub."""

from __future__ import annotations

import time
from typing import Any, cast

import pytest
from msgspec.structs import replace

from mdhub.health.model import (
    CanaryFacts,
    HealthReport,
    ShardFacts,
    SourceFacts,
    encode_health,
)
from mdhub.runtime.heartbeat import beat_payload
from mdhub.streams.ids import clean_id
from mdhub.streams.memory import MemoryServer
from mdhub.streams.port import FIRST_ID, CleanBatch, LeadRequest, Positions
from mdhub.streams.topology import EVENTS, LOGS, RAW
from mdhub.wire.codec import encode
from mdhub.wire.entries import (
    CleanHeader,
    Marker,
    MarkerKind,
    QualityMark,
    RejectedHeader,
    Verdict,
)
from mdhub.wire.ops import LEVELS, Event, EventKind, LogLine
from mdhub.wire.ticks import CleanTick, RawTick
from mdhub_console.identity.model import Role
from tests.support.console import Console, client_of, make_parts
from tests.support.wait import until
from tests.unit.wire.samples import SAMPLES

TICK = replace(cast("RawTick", SAMPLES["RawTick"]), symbol="rb2701", exchange="")
CLEAN_TICK = replace(cast("CleanTick", SAMPLES["CleanTick"]), symbol="rb2701", exchange="SHFE")


@pytest.fixture
def server() -> MemoryServer:
    """A hub: A wins a tick, B's copy differs and is refused, C's is a duplicate."""
    held = MemoryServer()
    log = held.log("arbiter")
    token = log.take(0, LeadRequest(0, FIRST_ID, 5, b"lead")).token
    ticks = [
        replace(TICK, source="A", seq=1, last=100.0),
        replace(TICK, source="B", seq=1, last=700.0),
        replace(TICK, source="C", seq=1, last=100.0),
        replace(TICK, symbol="cu2701", source="A", seq=2),
    ]
    for tick in ticks:
        at = log.writer_position(0, tick.source)
        log.raw_append(
            0, writer=tick.source, session=1, first_seq=at.seq + 1, kinds="t",
            payloads=[encode(tick)],
        )  # fmt: skip
    ids = [entry[0] for entry in log.entries(RAW) if entry[1][0] == b"t"]
    refused = encode(RejectedHeader(1, ids[1].decode(), Verdict.REJECT, "conflict", "B"))
    mark = encode(QualityMark("rb2701", "SHFE", "single_source", "only A"))
    batch = CleanBatch(
        token,
        FIRST_ID,
        Positions(raw=ids[3], clean=clean_id(ids[3], 0), n=2),
        clean=[
            (clean_id(ids[0], 0), encode(CleanHeader(1, 1, 1, 5, 9)), b"t", encode(CLEAN_TICK)),
            (
                clean_id(ids[3], 0),
                encode(CleanHeader(1, 2, 2, 5, 9)),
                b"m",
                encode({}) if not mark else encode(_marker(mark)),
            ),
        ],
        rejected=[(clean_id(ids[1], 0), refused, encode(ticks[1]))],
    )
    log.clean_append(0, batch)
    return held


def _marker(mark: bytes) -> Marker:
    import msgspec  # noqa: PLC0415

    return Marker(1, MarkerKind.QUALITY, 7, msgspec.Raw(mark))


def told(client: Console, path: str, status: int = 200) -> Any:
    answer = client.get(path)
    assert answer.status_code == status, answer.text
    return answer.json()


def test_pages_go_back_by_stream_id_without_a_hole() -> None:
    """Each row once, newest first; and forward again."""
    server = MemoryServer()
    log = server.log("arbiter")
    for number in range(25):
        line = LogLine(1, number, LEVELS[number % 4], "arbiter", f"e{number}", "", {"n": number})
        log.append(LOGS, encode(line))
    back, ahead = [], []
    with client_of(make_parts(server), Role.VIEWER) as client:
        at = "limit=7"
        while True:
            page = told(client, f"/api/logs?{at}")
            back += page["rows"]
            if page["next"] is None:
                break
            at = f"limit=7&before={page['next']}"
        page = told(client, f"/api/logs?limit=20&after={back[-1]['id']}")
        ahead = page["rows"]
        loud = told(client, "/api/logs?level=error&text=E2")["rows"]
        both = told(client, "/api/logs?before=1-0&after=1-0", 400)

    assert [row["fields"]["n"] for row in back] == list(range(24, -1, -1))
    assert [row["fields"]["n"] for row in ahead] == list(range(1, 21))
    assert [row["fields"]["n"] for row in loud] == [23]
    assert both["type"] == "mdhub:bad-parameter"


def test_events_are_chosen_by_kind_severity_subject_and_correlation() -> None:
    """Each alone, and together."""
    server = MemoryServer()
    log = server.log("arbiter")
    for kind, severity, subject, correlation in [
        (EventKind.SERVICE, "info", "a", ""),
        (EventKind.SOURCE, "warning", "A", "c1"),
        (EventKind.SOURCE, "info", "B", ""),
        (EventKind.LEADERSHIP, "error", "s", "c1"),
    ]:
        event = Event(1, "i", 1, "x", kind, subject, severity, correlation, {})
        log.append(EVENTS, encode(event))
    with client_of(make_parts(server), Role.VIEWER) as client:

        def subjects(query: str) -> list[str]:
            return [row["subject"] for row in told(client, f"/api/events?{query}")["rows"]]

        assert subjects("") == ["s", "B", "A", "a"]
        assert subjects("kind=service,source") == ["B", "A", "a"]
        assert subjects("severity=warning") == ["s", "A"]
        assert subjects("correlation=c1&subject=A") == ["A"]


def test_an_instrument_shows_every_source_beside_the_clean_tick(server: MemoryServer) -> None:
    """Verdict and reason of each, and the fields in which they differ."""
    with client_of(make_parts(server), Role.VIEWER) as client:
        now = told(client, "/api/instruments/rb2701.SHFE")
        unknown = told(client, "/api/instruments/RB2701", 404)

    verdicts = [(row["tick"]["source"], row["verdict"], row["reason"]) for row in now["sources"]]
    assert verdicts == [("A", "accept", ""), ("B", "reject", "conflict"), ("C", "duplicate", "")]
    assert now["differs"] == ["last"]
    assert now["clean"]["n"] == 1
    assert [row["source"] for row in now["rejected"]] == ["B"]
    assert unknown["type"] == "mdhub:unknown-instrument"


def test_a_replay_shows_raw_beside_clean(server: MemoryServer) -> None:
    """Of one contract, within a time; in parts that leave nothing out."""
    now_ms = time.time_ns() // 1_000_000
    span = f"contract=rb2701&from={now_ms - 60_000}&to={now_ms + 60_000}"
    with client_of(make_parts(server), Role.VIEWER) as client:
        whole = told(client, f"/api/replay?{span}")
        told(client, f"/api/replay?contract=rb2701&from={now_ms}&to={now_ms + 10**8}", 400)

    assert [row["tick"]["source"] for row in whole["raw"]] == ["A", "B", "C"]
    assert whole["raw"][0]["clean_id"] == whole["clean"][0]["id"]
    assert whole["next_ms"] is None


def test_rejected_ticks_come_with_the_raw_tick_and_are_counted(server: MemoryServer) -> None:
    """By reason, source and contract."""
    with client_of(make_parts(server), Role.VIEWER) as client:
        (row,) = told(client, "/api/rejected?reason=conflict&symbol=rb2701.SHFE")["rows"]
        none = told(client, "/api/rejected?source=A")["rows"]
        until(lambda: told(client, "/api/rejected/counts")["reasons"], "the count")
        (count,) = told(client, "/api/rejected/counts")["reasons"]
        told(client, "/api/rejected?shard=9", 400)

    assert (row["source"], row["tick"]["last"], none) == ("B", 700.0, [])
    assert (count["reason"], count["total"]) == ("conflict", 1)


def test_quality_is_the_newest_word_on_each_contract(server: MemoryServer) -> None:
    """From the markers in clean."""
    with client_of(make_parts(server), Role.VIEWER) as client:
        found = told(client, "/api/quality")

    assert [(r["mark"]["symbol"], r["mark"]["quality"]) for r in found["rows"]] == [
        ("rb2701", "single_source")
    ]
    assert found["since_ms"] is None


def test_status_tells_everything_with_its_age() -> None:
    """Sources, canaries, shards by name; schedule and leadership beside them."""
    server = MemoryServer()
    log = server.log("arbiter")
    report = HealthReport(
        ts_ns=time.time_ns(), monitor="m", session="day", trading_day=20261123,
        sources=[SourceFacts(name="A", state="live", subscribed=9, confirmed=8)],
        shards=[ShardFacts(shard=0, leader="arbiter:A")],
        canaries=[CanaryFacts(name="rb2701.SHFE", age_ms=3, limit_ms=900, open=True)],
    )  # fmt: skip
    log.save_health(encode_health(report))
    said = {"wanted:A": 1, "running:A": 1, "held:A": 0}
    log.beat("supervisor:A", beat_payload("ingest", "supervisor:A", "up", said))
    log.take(0, LeadRequest(0, FIRST_ID, 5, b"lead"))
    parts = make_parts(server)
    with client_of(parts, Role.VIEWER) as client:
        until(lambda: parts.live.view.looked_ns, "the first look")
        status = told(client, "/api/status")
        covered = told(client, "/api/coverage")
        schedule = told(client, "/api/schedule")
        lead = told(client, "/api/leadership")
        told(client, "/api/sources/Z", 404)
        told(client, "/api/settings", 403)

    assert (status["verdict"], status["sources"][0]["facts"]["confirmed"]) == ("ok", 8)
    assert status["canaries"][0]["name"] == "rb2701.SHFE"
    assert covered["sources"] == [{"name": "A", "subscribed": 9, "confirmed": 8}]
    assert (schedule["sources"][0]["source"], schedule["sources"][0]["running"]) == ("A", True)
    assert (lead["shards"][0]["epoch"], lead["shards"][0]["leader"]) == (5, "arbiter:A")


def test_a_hub_that_says_nothing_is_no_error() -> None:
    """Unknown is said, and 503 where an answer would be an invention."""
    with client_of(make_parts(), Role.VIEWER) as client:
        assert told(client, "/api/status")["verdict"] == "unknown"
        assert told(client, "/api/sources") == []
        assert told(client, "/api/coverage", 503)["type"] == "mdhub:nothing-known"
