"""Failover by hand on a running hub: primary and backup change places, nothing is lost."""

from __future__ import annotations

import json
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mdhub.host.ports import free_port_pair
from mdhub.runtime.heartbeat import decode_beat, leading
from mdhub.streams.port import Log
from mdhub.streams.topology import COMMANDS, EVENTS
from mdhub.wire.codec import decode_command, decode_event
from mdhub.wire.ops import EventKind
from tests.process.test_operator import PRIORITY, ticks_of
from tests.process.test_up import MDHUB, wait_log
from tests.support.recompute import assert_clean_is_f_of_raw
from tests.support.wait import until

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]

CONFIG = """
[hub]
data = "data"
profile = "fast"

[[publishers]]
id = "A"
port = {first}
[[publishers]]
id = "B"
port = {second}

[arbiter]
standby = true
[arbiter.rules]
preference = ["A", "B"]
modes = {{ {modes} }}

[[sources]]
name = "A"
type = "sim"
ticks_per_s = 400
[[sources]]
name = "B"
type = "sim"
ticks_per_s = 400
misbehave = "lag_ms=5-30"
"""


@contextmanager
def hub(folder: Path) -> Iterator[tuple[Path, Log, list[str]]]:
    """A hub with two of each; its configuration, its log, the options that name publishers."""
    config, ports = folder / "hub.toml", [free_port_pair(), free_port_pair()]
    config.write_text(CONFIG.format(first=ports[0], second=ports[1], modes=PRIORITY))
    up = subprocess.Popen([*MDHUB, "up", "--config", str(config)], stderr=subprocess.DEVNULL)
    try:
        log = wait_log(f"unix://{(folder / 'data').resolve() / 'redis.sock'}")
        until(lambda: ticks_of(log), "ticks")
        yield config, log, [f"--endpoint=tcp://127.0.0.1:{port}" for port in ports]
        log.close()
        up.send_signal(signal.SIGINT)
        assert up.wait(10) == 0
    finally:
        up.kill()
        up.wait()


def active(log: Log) -> list[str]:
    """Active sources as the leader says."""
    said = [decode_beat(payload) for name, payload in log.beats().items() if "arbiter" in name]
    leaders = leading((beat.state, beat.counters) for beat in said)
    return [key.removeprefix("active:") for each in leaders for key in each if "active:" in key]


def failover(*args: str, config: Path) -> dict[str, Any]:
    done = subprocess.run(
        [*MDHUB, "failover", *args, "--config", str(config), "--json"],
        capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def assert_each_command_has_one_result(log: Log) -> None:
    asked = [decode_command(fields[1]) for _, fields in log.entries(COMMANDS)]
    events = [decode_event(fields[1]) for _, fields in log.entries(EVENTS)]
    answers = Counter(e.correlation_id for e in events if e.kind == EventKind.COMMAND_DONE)
    assert {command.id: 1 for command in asked} == answers


def test_everything_changes_its_place_and_back(tmp_path: Path) -> None:
    """By command, with the gap that a client saw, and each command with exactly one result."""
    with hub(tmp_path) as (config, log, endpoints):
        until(lambda: active(log) == ["A"], "the leader's heartbeat to say who is active")
        drilled = failover("drill", "--yes", "--seconds", "0.5", *endpoints, config=config)

        assert [row["step"] for row in drilled["steps"]] == [
            "arbiter, shard 0", "arbiter, shard 0", "publisher:A", "publisher:B",
            "source A to B", "source B to A",
        ]  # fmt: skip
        assert all(row["ok"] and row["ticks"] for row in drilled["steps"]), drilled
        assert [row["lost"] for row in drilled["steps"]] == [0] * 6
        assert log.leadership(0).token == 3

        (handed,) = failover("--reason", "patch day", config=config)["shards"]
        assert {handed["before"], handed["leader"]} == {"arbiter:A", "arbiter:B"}
        assert (handed["token"], handed["silence_ms"] < 3_000) == (4, True)
        until(lambda: log.positions(0).n > 500, "the new leader to go on")
        assert_each_command_has_one_result(log)
        assert_clean_is_f_of_raw(log)
