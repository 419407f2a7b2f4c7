"""`mdhub status`: what it reads, what it calls wrong, how it says so."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from mdhub.cli.hubs import HubAddress
from mdhub.cli.status import facts as facts_module
from mdhub.cli.status.facts import GONE_MS, HubFacts, Service, Shard, read_facts
from mdhub.cli.status.judge import problems
from mdhub.cli.status.run import run_status
from mdhub.health.model import HealthReport, SourceFacts, encode_health
from mdhub.runtime.heartbeat import Beat, beat_payload
from mdhub.streams import open_log
from mdhub.streams.ids import clean_id
from mdhub.streams.memory import MemoryLog, MemoryServer
from mdhub.streams.port import (
    FIRST_ID,
    CleanBatch,
    Leadership,
    LeadRequest,
    Log,
    Positions,
    ServerFacts,
)
from mdhub.streams.topology import CLEAN, EVENTS, RAW
from mdhub.wire.codec import encode

SILENT_MS = 3_000
WELL = HubFacts(
    server=ServerFacts("valkey 9", 0, 10, 100),
    shards=(Shard(0, 3, 5, "abc", led=True, n=9, lag_ms=0, cursor_lag_ms={}),),
    services=(Service("publisher:A", 7, "ok", 900, {}),),
    sources=(),
    streams=(),
)


class _Led(MemoryLog):
    """A log whose leader commits all the time."""

    beats_seen = 0

    def leadership(self, shard: int) -> Leadership:
        self.beats_seen += 1
        return replace(super().leadership(shard), beat=self.beats_seen)


@pytest.fixture(autouse=True)
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts_module, "BEAT_PATIENCE_S", 0.15)


def populate(log: Log) -> bytes:
    """A leader, two raw ticks of which one is decided, a source, its rate, a reader."""
    take = LeadRequest(0, FIRST_ID, 5, b"lead")
    token = log.take(0, take).token
    log.raw_append(0, writer="arbiter", session=token, first_seq=2, kinds="c", payloads=[b"x"])
    raw = log.entries(RAW)[-1][0]
    at = Positions(raw=raw, n=1, log_ns=7, market_ns=8, digest="d")
    log.clean_append(0, CleanBatch(token, FIRST_ID, at, [(clean_id(raw, 0), b"h", b"t", b"x")]))
    log.set_cursor(0, CLEAN, reader="publisher:A", cursor=clean_id(raw, 0))
    log.set_cursor(0, RAW, reader="monitor:A", cursor=FIRST_ID)
    counters = {"n": 1, "accepted:A": 4, "duplicate:A": 3, "late:A": 2, "rejected:A": 1}
    log.beat("arbiter:A", beat_payload("arbiter", "arbiter:A", "leading", counters))
    log.beat("ingest:A", beat_payload("ingest", "ingest:A", "running", {"waiting": 6}))
    log.beat("broken", b"\xc1")
    rates = [SourceFacts(name="A", state="running", ticks_per_s=12.5)]
    log.save_health(encode_health(HealthReport(ts_ns=time.time_ns(), sources=rates)))
    log.append(EVENTS, b"\xc1")
    return raw


def test_one_look_says_everything() -> None:
    """Leadership, lag, readers, services, sources and streams come from the log alone."""
    log = _Led(MemoryServer(), "arbiter")
    populate(log)

    facts = read_facts(log, 1, silent_ms=SILENT_MS)

    shard = facts.shards[0]
    assert (shard.token, shard.epoch, shard.led, shard.n, shard.lag_ms) == (1, 5, True, 1, 0)
    assert shard.incarnation == log.incarnation()[:8]
    assert shard.cursor_lag_ms == {"publisher:A": 0, "monitor:A": None}
    assert [service.instance for service in facts.services] == ["arbiter:A", "ingest:A"]
    (source,) = facts.sources
    assert (source.name, source.state, source.ticks_per_s) == ("A", "running", 12.5)
    assert (source.waiting, source.won, source.duplicate) == (6, 4, 3)
    assert (source.late, source.rejected) == (2, 1)
    lengths = {stream.name: stream.length for stream in facts.streams}
    assert lengths == {
        "raw": 2, "clean": 1, "rejected": 0, "events": 1, "commands": 0, "logs": 0,
    }  # fmt: skip
    ages = {stream.name: stream.newest_age_ms for stream in facts.streams}
    assert ages["logs"] is None
    assert ages["raw"] is not None and ages["raw"] < 5_000
    assert problems(facts, silent_ms=SILENT_MS) == []


def test_a_beat_that_stands_still_is_no_leader() -> None:
    """Leadership that nobody exercises is not leadership."""
    log = MemoryServer().log("arbiter")
    populate(log)

    facts = read_facts(log, 1, silent_ms=SILENT_MS)

    assert not facts.shards[0].led


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (WELL, []),
        (
            replace(WELL, shards=(replace(WELL.shards[0], led=False),)),
            ["shard 0 has no leader", "mdhub run arbiter --shard 0"],
        ),
        (
            replace(WELL, shards=(replace(WELL.shards[0], led=False, token=0),)),
            ["shard 0 was never led", "mdhub up"],
        ),
        (
            replace(WELL, services=(replace(WELL.services[0], age_ms=5_000),)),
            ["publisher:A (pid 7) has been silent for 5 s", "mdhub run publisher"],
        ),
        (replace(WELL, services=(replace(WELL.services[0], age_ms=GONE_MS + 1),)), []),
        (
            replace(WELL, services=(replace(WELL.services[0], age_ms=5_000, state="ended"),)),
            [],
        ),
        (
            replace(WELL, services=(replace(WELL.services[0], state="stalled"),)),
            ["publisher:A is stalled", "look at the arbiter"],
        ),
        (
            replace(WELL, server=ServerFacts("valkey 9", 0, 70, 100)),
            ["memory is 70 % full", "maxmemory_mb"],
        ),
        (replace(WELL, server=ServerFacts("valkey 9", 0, 70, 0)), []),
        (replace(WELL, configured_shards=len(WELL.shards)), []),
        (
            replace(WELL, configured_shards=4),
            ["configuration says 4 shards", "was made for 1", "set shards of [hub] to 1"],
        ),
    ],
)
def test_what_is_wrong_is_one_line_with_a_way_out(facts: HubFacts, words: list[str]) -> None:
    """Each says what is wrong and what to do; what is well says nothing."""
    found = problems(facts, silent_ms=SILENT_MS)

    assert len(found) == (1 if words else 0)
    assert [word for word in words if word not in found[0]] == []


def test_the_log_knows_how_many_shards_there_are() -> None:
    """Also where the configuration says nothing, or something else."""
    log = MemoryServer().log("arbiter")
    assert [len(read_facts(log, said, silent_ms=SILENT_MS).shards) for said in (None, 2)] == [1, 2]

    log.claim_shards(3)

    looks = [read_facts(log, said, silent_ms=SILENT_MS) for said in (None, 2)]
    assert [(len(look.shards), look.configured_shards) for look in looks] == [(3, None), (3, 2)]


def test_who_ended_leaves_the_list_in_time() -> None:
    """After ten minutes; who fell silent without a word is listed, and missed, for a day."""
    log = MemoryServer().log("arbiter")
    minute_ns = 60_000_000_000
    for instance, state, minutes in (
        ("publisher:A", "ended", 9),
        ("publisher:B", "ended", 11),
        ("monitor:A", "watching", 11),
        ("monitor:B", "watching", 25 * 60),
    ):
        ts_ns = time.time_ns() - minutes * minute_ns
        service = instance.partition(":")[0]
        log.beat(instance, encode(Beat(1, ts_ns, service, instance, 7, state, {})))

    facts = read_facts(log, 1, silent_ms=SILENT_MS)

    assert [s.instance for s in facts.services] == ["monitor:A", "publisher:A"]
    missed = [line for line in problems(facts, silent_ms=SILENT_MS) if "silent" in line]
    assert [line.split()[0] for line in missed] == ["monitor:A"]


def test_a_server_that_is_down_is_said_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1 and what to do."""
    hub = HubAddress(f"unix://{tmp_path}/no.sock", "p:", 1, SILENT_MS)

    assert run_status(hub, as_json=False, watch=False) == 1

    said = capsys.readouterr()
    assert said.out == ""
    assert "mdhub status: no answer from server" in said.err and "mdhub up" in said.err
    assert run_status(hub, as_json=True, watch=False) == 1
    assert json.loads(capsys.readouterr().out)["ok"] is False


def test_a_hub_without_leader_shows_its_tables_and_what_is_wrong(
    server_url: str, prefix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a real server; for people and for programs."""
    log = open_log(server_url, service="arbiter", prefix=prefix)
    populate(log)
    log.close()
    hub = HubAddress(server_url, prefix, 1, SILENT_MS)

    codes = [run_status(hub, as_json=as_json, watch=False) for as_json in (False, True)]

    said = capsys.readouterr()
    tables, _, shown = said.out.rpartition('{"ok"')
    assert codes == [1, 1]
    assert [
        word for word in ("SHARD", "publisher:A", "12", "rejected 0") if word not in tables
    ] == []
    assert "shard 0 has no leader" in said.err
    parsed = json.loads('{"ok"' + shown)
    assert parsed["shards"][0]["led"] is False
    assert parsed["server"]["limit_bytes"] > 0 and parsed["problems"]
