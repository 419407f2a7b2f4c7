"""The operator's side of the rules on a running hub: configuration, contracts, sources."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from mdhub.host.ports import free_port_pair
from mdhub.runtime.heartbeat import decode_beat
from mdhub.streams.asking import Request, arbiter_of, ask
from mdhub.streams.port import Log
from mdhub.streams.topology import CLEAN, EVENTS, RAW
from mdhub.wire.codec import decode_clean_tick, decode_event, decode_raw_tick
from mdhub.wire.ops import EventKind
from mdhub.wire.ticks import CHINA_TIME
from tests.process.test_up import MDHUB, wait_log
from tests.support.recompute import assert_clean_is_f_of_raw
from tests.support.wait import until

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]

CONFIG = """
[hub]
data = "data"
shards = {shards}
profile = "fast"

[[publishers]]
port = {port}

[arbiter]
contracts = "contracts.csv"

[arbiter.rules]
preference = ["A", "B"]
modes = {{ {modes} }}

[[sources]]
name = "A"
type = "sim"
seed = 7

[[sources]]
name = "B"
type = "sim"
seed = 7
misbehave = "lag_ms=5-30"
"""
CONTRACTS = "InstrumentID,ExchangeID,ProductID,VolumeMultiple,PriceTick\nzz9912,SHFE,zz,10,1\n"
EXCHANGES = ("SHFE", "INE", "DCE", "CZCE", "GFEX", "CFFEX", "SSE", "SZSE")
PRIORITY = ", ".join(f'{name} = "priority"' for name in EXCHANGES)


@contextmanager
def hub(folder: Path, *, shards: int = 1, modes: str = PRIORITY) -> Iterator[tuple[Path, Log]]:
    """A hub under `mdhub up --config`; it must end cleanly."""
    config = folder / "hub.toml"
    config.write_text(CONFIG.format(shards=shards, port=free_port_pair(), modes=modes))
    (folder / "contracts.csv").write_text(CONTRACTS)
    up = subprocess.Popen([*MDHUB, "up", "--config", str(config)], stderr=subprocess.DEVNULL)
    try:
        log = wait_log(f"unix://{(folder / 'data').resolve() / 'redis.sock'}")
        until(lambda: ticks_of(log, shards), "ticks")
        yield config, log
        log.close()
        up.send_signal(signal.SIGINT)
        assert up.wait(10) == 0
    finally:
        up.kill()
        up.wait()


def ticks_of(log: Log, shards: int = 1, *, last: int = 50) -> list[str]:
    """Sources of the newest clean ticks."""
    found = []
    for shard in range(shards):
        for _, fields in log.entries(CLEAN, shard=shard, count=last, newest_first=True):
            if fields[2] == b"t":
                found.append(decode_clean_tick(fields[3]).source)
    return found


def mdhub(*args: str, config: Path) -> tuple[int, dict[str, Any]]:
    done = subprocess.run(
        [*MDHUB, *args, "--config", str(config), "--json"],
        capture_output=True, text=True, timeout=40, check=False,
    )  # fmt: skip
    return done.returncode, json.loads(done.stdout)


def counters(log: Log) -> dict[str, int]:
    return dict(decode_beat(log.beats()["arbiter:A"]).counters)


def test_in_mode_priority_nothing_is_lost_when_the_active_source_dies(tmp_path: Path) -> None:
    """Rules and contracts from a file; after the verdict the standby's ticks are all there."""
    with hub(tmp_path) as (config, log):
        events = [decode_event(fields[1]) for _, fields in log.entries(EVENTS)]
        (told,) = [event.body for event in events if event.kind == EventKind.CONTRACTS]
        assert told == {"shard": 0, "origin": "file", "rows": 1, "new": 1}
        until(lambda: log.positions(0).n > 300, "three hundred entries")
        assert set(ticks_of(log)) == {"A"}
        until(lambda: counters(log).get("active:A") == 1, "the heartbeat to say who is active")

        os.kill(decode_beat(log.beats()["ingest:A"]).pid, signal.SIGKILL)
        mute = Request(arbiter_of(0), "mute", {"source": "A", "reason": "it died"})
        (answer,) = ask(log, [mute], issuer="test", timeout_s=5.0)
        assert answer is not None and answer.ok
        until(lambda: set(ticks_of(log)) == {"B"}, "B to be the active source")

        assert missing_of("B", log) == set()
        assert_clean_is_f_of_raw(log)

        def standing_of_a() -> str:
            code, listed = mdhub("sources", config=config)
            assert code == 0, listed
            found: str = {row["name"]: row["standing"] for row in listed["sources"]}["A"]
            return found

        until(lambda: standing_of_a() == "muted", "the arbiter's next heartbeat")


def test_every_shard_obeys_the_operator(tmp_path: Path) -> None:
    """One result from each leader; a refusal and its reason are exit code 1."""
    with hub(tmp_path, shards=2, modes="") as (config, log):
        code, answer = mdhub("sources", "mute", "A", "--reason", "stale", config=config)
        assert (code, [each["shard"] for each in answer["shards"]]) == (0, [0, 1])
        until(lambda: set(ticks_of(log, 2)) == {"B"}, "only B to win in both shards")

        assert mdhub("sources", "unmute", "A", config=config)[0] == 0
        until(lambda: "A" in ticks_of(log, 2), "A to win again")
        code, answer = mdhub("sources", "prefer", "C", config=config)
        assert (code, answer["ok"]) == (1, False)
        assert [each["error"] for each in answer["shards"]] == [
            "unknown source 'C'; the hub knows A, B"
        ] * 2
        for shard in range(2):
            assert_clean_is_f_of_raw(log, shard)


def missing_of(source: str, log: Log) -> set[tuple[str, str, int, int | None]]:
    """Snapshots that a source delivered (and the arbiter has seen) and that clean lacks.

    What is older than a contract's first clean tick does not count: nobody was active yet.
    """
    at = log.positions(0)
    clean: set[tuple[str, str, int, int | None]] = set()
    first: dict[str, tuple[str, int]] = {}
    for _, fields in log.entries(CLEAN, last=at.clean, count=100_000):
        if fields[2] == b"t":
            tick = decode_clean_tick(fields[3])
            time, ms = of_day(tick.ts_ns)
            clean.add((tick.symbol, time, ms, tick.volume))
            first.setdefault(tick.symbol, (time, ms))
    delivered = [
        decode_raw_tick(fields[1])
        for _, fields in log.entries(RAW, last=at.raw, count=100_000)
        if fields[0] == b"t"
    ]
    keys = {
        (tick.symbol, tick.update_time, tick.update_ms, tick.volume)
        for tick in delivered
        if tick.source == source
        and (tick.update_time, tick.update_ms) >= first.get(tick.symbol, ("", 0))
    }
    assert len(keys) > 100
    return keys - clean


def of_day(ts_ns: int) -> tuple[str, int]:
    moment = datetime.fromtimestamp(ts_ns // 1_000_000_000, CHINA_TIME)
    return f"{moment:%H:%M:%S}", ts_ns // 1_000_000 % 1_000
