"""A configured hub as its operator sees it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mdhub.host.ports import free_port_pair
from tests.support.wait import until

pytestmark = [pytest.mark.process, pytest.mark.timeout(90)]

MDHUB = [sys.executable, "-m", "mdhub.cli.app"]
BARE = {name: value for name, value in os.environ.items() if not name.startswith("MDHUB_")}
CONFIG = """\
[hub]
prefix = "desk:"
data = "data"
profile = "fast"
[[publishers]]
port = {port}
[[sources]]
name = "only"
type = "sim"
ticks_per_s = 400
misbehave = "corrupt=0.05,calm_s=0"
[retention.clean]
keep_ms = 1000
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*MDHUB, *arguments], env=BARE, capture_output=True, text=True, timeout=30, check=False
    )


def status(file: Path) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(run("status", "--config", str(file), "--json").stdout)
    return parsed


@contextmanager
def hub(folder: Path) -> Iterator[Path]:
    file = folder / "hub.toml"
    file.write_text(CONFIG.format(port=free_port_pair()))
    socket = folder / "data/redis.sock"
    up = subprocess.Popen([*MDHUB, "up", "--config", str(file)], env=BARE, stderr=subprocess.PIPE)
    try:
        until(socket.exists, "the server of the hub")
        until(lambda: status(file)["ok"], "all to be well")
        yield file
    finally:
        up.send_signal(signal.SIGTERM)
        up.communicate(timeout=20)


def test_status_follows_a_configured_hub(tmp_path: Path) -> None:
    """Well while all is well; the budget of the file reaches the arbiter; then what is wrong."""
    with hub(tmp_path) as file:
        until(lambda: status(file)["sources"][0]["rejected"], "a corrupt tick")
        shown = run("status", "--config", str(file))
        rejected = run("tail", "--rejected", "--json", "--count", "1", "--config", str(file))

        assert (shown.returncode, shown.stderr) == (0, "")
        assert [w for w in ("only", "publisher:A", "all is well") if w not in shown.stdout] == []
        assert json.loads(rejected.stdout)["source"] == "only"

        def trimmed() -> bool:
            found = status(file)
            lengths = {stream["name"]: stream["length"] for stream in found["streams"]}
            return bool(lengths["clean"] < found["shards"][0]["n"] / 2)

        until(trimmed, "clean to be cut to a second")
    down = run("status", "--config", str(file))
    assert down.returncode == 1
    assert "mdhub up" in down.stderr
