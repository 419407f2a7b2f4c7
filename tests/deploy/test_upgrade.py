"""deploy/upgrade.sh: order of the steps, where it stops, the way back; a real hub under it."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from mdhub import connect
from mdhub.host.ports import free_port_pair
from mdhub.streams import open_log
from mdhub.streams.topology import CLEAN
from mdhub.wire.codec import decode_clean_header
from tests.support.server import TestServer
from tests.support.wait import until

ROOT = Path(__file__).parents[2]
BARE = {name: value for name, value in os.environ.items() if not name.startswith("MDHUB_")}
MDHUB = [sys.executable, "-m", "mdhub.cli.app"]

DIARY = """\
#!/bin/sh
case $1 in
    current) cat release ;;
    switch) echo "$2" >release ;;
    status) echo '{"services": [{"instance": "arbiter:A", "pid": 1, "state": "leading"}]}' ;;
    check) [ "$2 $3" != "$(cat sick)" ] ;;
    restart) echo "$2 $3 $(cat release)" >>diary ;;
    mdhub) shift; exec PYTHON -m mdhub.cli.app "$@" ;;
esac
"""
"""A hub that only writes down what is done to it."""

PROCESSES = """\
#!/bin/sh
case $1 in
    current) cat release ;;
    switch) echo "$2" >release ;;
    status) exec PYTHON -m mdhub.cli.app status --json --config hub.toml ;;
    check) exec PYTHON -m mdhub.cli.app run "$2" --id "$3" --check --prefix mdhub: ;;
    restart)
        read -r pid <"pids/$2-$3"
        kill "$pid"
        while grep -qs "^State:.[^Z]" "/proc/$pid/status"; do sleep 0.05; done
        PYTHON -m mdhub.cli.app run "$2" --config hub.toml --id "$3" </dev/null >>log 2>&1 &
        echo $! >"pids/$2-$3"
        ;;
    mdhub) shift; exec PYTHON -m mdhub.cli.app "$@" ;;
esac
"""


def hook(folder: Path, text: str) -> Path:
    program = folder / "hook"
    program.write_text(text.replace("PYTHON", sys.executable))
    program.chmod(0o755)
    (folder / "release").write_text("1\n")
    (folder / "sick").write_text("nobody\n")
    (folder / "hub.env").write_text("MDHUB_HUB__SHARDS=1\n")
    return program


def server() -> dict[str, str]:
    url = os.environ.get("MDHUB_REDIS_URL")
    return {"MDHUB_REDIS_URL": url} if url else {}


def upgrade(folder: Path, release: str, **variables: str) -> subprocess.CompletedProcess[str]:
    told = {
        "CONFIG": "hub.toml", "ENV_FILE": "hub.env", "BACKUPS": "backups", "SETTLE_S": "0",
    }  # fmt: skip
    return subprocess.run(
        ["sh", str(ROOT / "deploy/upgrade.sh"), str(folder / "hook"), release],
        cwd=folder, env={**BARE, **server(), **told, **variables}, capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip


@pytest.fixture
def diary(tmp_path: Path) -> Path:
    (tmp_path / "hub.toml").write_text('[hub]\nprofile = "single"\n')
    hook(tmp_path, DIARY)
    return tmp_path


def test_who_stands_by_comes_first(diary: Path) -> None:
    """Then the leader, the publishers one after the other, the sources, the monitor."""
    done = upgrade(diary, "2")
    assert done.returncode == 0, done.stderr
    assert (diary / "diary").read_text().splitlines() == [
        "arbiter B 2", "arbiter A 2", "publisher B 2", "publisher A 2", "ingest A 2", "ingest B 2",
        "monitor A 2",
    ]  # fmt: skip


def test_the_console_comes_last_where_there_is_one(diary: Path) -> None:
    """There and back again."""
    for release in ("2", "--back"):
        done = upgrade(diary, release, CONSOLE="C")
        assert done.returncode == 0, done.stderr
    steps = (diary / "diary").read_text().splitlines()
    assert [step for step in steps if "console" in step] == ["console C 2", "console C 1"]
    assert (steps[7], steps[-1]) == ("console C 2", "console C 1")


def test_going_back_leaves_the_databases_alone(diary: Path) -> None:
    """They are in the snapshot; what was changed in them since then is not undone."""
    own = diary / "mdhub-data/console.db"
    own.parent.mkdir()
    with closing(sqlite3.connect(own)) as database:
        database.execute("CREATE TABLE console_users (name TEXT)")
    assert upgrade(diary, "2").returncode == 0
    with closing(sqlite3.connect(own)) as database:
        database.execute("INSERT INTO console_users VALUES ('ann')")
        database.commit()
    back = upgrade(diary, "--back")
    assert back.returncode == 0, back.stderr
    with closing(sqlite3.connect(own)) as database:
        assert database.execute("SELECT name FROM console_users").fetchall() == [("ann",)]
    (snapshot,) = (diary / "backups").glob("*.tar.gz")
    with tarfile.open(snapshot) as archive:
        assert "databases/000.sqlite" in archive.getnames()


def test_it_stops_where_something_is_not_well_and_finds_back(diary: Path) -> None:
    """What was not touched stays; back means release and configuration of before."""
    (diary / "sick").write_text("arbiter B\n")
    failed = upgrade(diary, "2", WAIT_S="1")
    assert failed.returncode == 1 and "--back" in failed.stderr
    assert (diary / "diary").read_text() == "arbiter B 2\n"

    (diary / "sick").write_text("nobody\n")
    (diary / "hub.toml").write_text("# what release 2 wanted\n")
    back = upgrade(diary, "--back")
    assert back.returncode == 0, back.stderr
    assert (diary / "release").read_text() == "1\n"
    assert (diary / "hub.toml").read_text() == '[hub]\nprofile = "single"\n'
    assert (diary / "diary").read_text().splitlines()[-1] == "monitor A 1"


HUB = """\
[hub]
profile = "fast"
[[publishers]]
id = "A"
port = {first}
[[publishers]]
id = "B"
port = {second}
[[sources]]
name = "A"
type = "sim"
seed = 7
ticks_per_s = 300
"""


def start(folder: Path, service: str, name: str, *options: str) -> None:
    command = [*MDHUB, "run", service, "--config", "hub.toml", *options]
    with (folder / "log").open("ab") as log:
        child = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    (folder / "pids" / f"{service}-{name}").write_text(f"{child.pid}\n")
    CHILDREN.append(child)


CHILDREN: list[subprocess.Popen[bytes]] = []


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, list[str]]]:
    first, second = free_port_pair(), free_port_pair()
    (tmp_path / "pids").mkdir()
    (tmp_path / "hub.toml").write_text(HUB.format(first=first, second=second))
    hook(tmp_path, PROCESSES)
    with TestServer() as server:
        monkeypatch.setenv("MDHUB_REDIS_URL", server.url)
        try:
            for name in ("A", "B"):
                start(tmp_path, "arbiter", name, "--id", name)
                start(tmp_path, "publisher", name, "--id", name)
            start(tmp_path, "monitor", "A")
            start(tmp_path, "ingest", "A", "--only", "A")
            for name in ("A", "B"):
                until(partial(is_well, "arbiter", name), f"arbiter {name} to be well")
            yield tmp_path, [f"tcp://127.0.0.1:{port}" for port in (first, second)]
        finally:
            stop(tmp_path)


def is_well(service: str, name: str) -> bool:
    command = [*MDHUB, "run", service, "--id", name, "--check"]
    return subprocess.run(command, check=False, capture_output=True, timeout=20).returncode == 0


def stop(folder: Path) -> None:
    for file in (folder / "pids").iterdir():
        subprocess.run(["kill", file.read_text().strip()], check=False, capture_output=True)
    while CHILDREN:
        CHILDREN.pop().wait(timeout=20)


class Follower(threading.Thread):
    """A strategy: the numbers of all ticks it was given, in order."""

    def __init__(self, endpoints: list[str]) -> None:
        super().__init__(daemon=True)
        self.hub = connect(*endpoints)
        self.seen: list[int] = []

    def run(self) -> None:
        for delivery in self.hub.deliveries(start="live"):
            self.seen.append(delivery.n)

    def end(self) -> list[int]:
        self.hub.stop()
        self.join(timeout=10)
        self.hub.close()
        return self.seen


def ticks_in_clean(url: str, first: int, last: int) -> list[int]:
    log = open_log(url, service="cli")
    try:
        clean = log.entries(CLEAN, count=1_000_000)
        entries = [decode_clean_header(f[1]).n for _, f in clean if f[2] == b"t"]
    finally:
        log.close()
    return [n for n in entries if first <= n <= last]


@pytest.mark.process
@pytest.mark.timeout(150)
def test_a_strategy_misses_nothing_while_everything_is_replaced(
    hub: tuple[Path, list[str]],
) -> None:
    """Arbiters, publishers and monitor one by one, under a client of both publishers."""
    folder, endpoints = hub
    before = {file.name: file.read_text() for file in (folder / "pids").iterdir()}
    follower = Follower(endpoints)
    follower.start()
    until(lambda: follower.seen, "the first tick")

    done = upgrade(folder, "2", INGEST=" ", WAIT_S="15")
    assert done.returncode == 0, done.stderr + (folder / "log").read_text()[-2_000:]
    after = len(follower.seen)
    until(lambda: len(follower.seen) > after + 100, "ticks behind the upgrade")
    seen = follower.end()

    pids = {file.name: file.read_text() for file in (folder / "pids").iterdir()}
    same = {name for name, pid in pids.items() if before[name] == pid}
    assert same == {"ingest-A"}
    assert seen == ticks_in_clean(os.environ["MDHUB_REDIS_URL"], seen[0], seen[-1])
