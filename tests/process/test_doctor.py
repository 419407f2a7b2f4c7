"""`mdhub doctor` as an operator runs it, on real things that are well or are not."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from mdhub.calendar import Calendar
from mdhub.host.ports import free_port_pair
from mdhub.streams.client import Link
from tests.process.test_up import hub
from tests.support.server import TestServer

pytestmark = [pytest.mark.process, pytest.mark.timeout(60)]

DOCTOR = [sys.executable, "-m", "mdhub.cli.app", "doctor"]
SECRET = "s3cret-w0rd"
OVERRIDE = "MDHUB_CALENDAR__OVERRIDE"
MOST_S = 10.0

Found = dict[str, dict[str, str]]


@pytest.fixture(autouse=True)
def known_days(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the calendar reach five years beyond its own data."""
    file = tmp_path_factory.mktemp("calendar") / "override.txt"
    horizon = Calendar.load().horizon.year
    years = range(horizon + 1, horizon + 6)
    lines = [f"year {year}\nclosed {year}-02-01..{year}-02-28\n" for year in years]
    file.write_text("".join(lines))
    monkeypatch.setenv(OVERRIDE, str(file))


def doctor(
    *options: str, expected: int | None = 0, env: Mapping[str, str] | None = None, prefix: str = ""
) -> Found:
    """Run it with --json; findings by name."""
    command = [*DOCTOR, "--json", "--lang", "en", *options]
    if prefix:
        command = ["bash", "-c", f'{prefix}; exec "$@"', "bash", *command]
    started_s = time.monotonic()
    done = subprocess.run(
        command, env={**os.environ, **(env or {})}, capture_output=True, text=True, timeout=30,
        check=False,
    )  # fmt: skip
    assert time.monotonic() - started_s < MOST_S
    assert done.returncode in ({0, 1} if expected is None else {expected}), (
        done.stdout + done.stderr
    )
    assert SECRET not in done.stdout + done.stderr
    return {each["check"]: each for each in json.loads(done.stdout)}


def configured(folder: Path, text: str = "", *, port: int | None = None) -> tuple[str, str]:
    """Write a configuration with a free port and a data folder of its own."""
    file = folder / "hub.toml"
    publishers = f"[[publishers]]\nport = {port or free_port_pair()}\n"
    file.write_text(f'[hub]\ndata = "data"\n{publishers}{text}\n')
    return "--config", str(file)


def status(found: Found, *names: str) -> list[str]:
    return [found[name]["status"] for name in names]


def test_a_machine_without_a_hub_proves_that_one_could_run(tmp_path: Path) -> None:
    """The server of the package starts for a trial; nothing stays behind."""
    found = doctor(*configured(tmp_path))

    assert {each["status"] for each in found.values()} <= {"ok", "hint", "warning", "skipped"}
    assert "trial start" in found["server.trial"]["found"]
    assert status(found, "server.binary", "server.trial", "ports.A", "disk.folder") == ["ok"] * 4
    assert [each.name for each in tmp_path.iterdir()] == ["hub.toml"]


def test_a_running_hub_holds_its_own_ports(tmp_path: Path) -> None:
    """Ports taken by this very hub are fine; by a second one they are not."""
    with hub(tmp_path) as running:
        port = running.endpoint.rpartition(":")[2]
        variables = {"MDHUB_PUBLISHERS": json.dumps([{"id": "A", "port": int(port)}])}

        own = doctor("--data", str(tmp_path), env=variables)
        other = doctor("--data", str(tmp_path / "other"), env=variables, expected=1)

        assert (
            f"held by this hub's publisher (pid {running.pid('publisher:A')})"
            in (own["ports.A"]["found"])
        )
        names = ("version", "functions", "policy", "durability", "memory", "clock")
        assert status(own, *(f"server.{name}" for name in names)) == ["ok"] * 6
        assert other["ports.A"]["status"] == "error"
        assert f"pid {running.pid('publisher:A')}" in other["ports.A"]["found"]


def test_a_port_that_somebody_else_holds_is_an_error(tmp_path: Path) -> None:
    """The one above counts too; the holder is named."""
    port = free_port_pair()
    with socket.create_server(("127.0.0.1", port + 1)):
        found = doctor(*configured(tmp_path, port=port), expected=1)

    assert found["ports.A"]["status"] == "error"
    assert f"port {port + 1} on 127.0.0.1" in found["ports.A"]["found"]
    assert f"pid {os.getpid()}" in found["ports.A"]["found"]


def test_a_server_with_wrong_settings_is_named_with_the_commands(tmp_path: Path) -> None:
    """It drops keys, keeps nothing through a power cut, and is full."""
    with TestServer("fast", "--maxmemory-policy", "allkeys-lru") as server:
        found = doctor(*configured(tmp_path), env={"MDHUB_REDIS_URL": server.url}, expected=1)

    assert status(found, "server.version", "server.functions") == ["ok", "ok"]
    assert (found["server.policy"]["status"], found["server.policy"]["found"]) == (
        "error",
        "allkeys-lru",
    )
    assert found["server.durability"]["status"] == "error"
    assert "appendfsync everysec" in found["server.durability"]["found"]
    assert found["host.kernel"]["status"] == "skipped"
    mend = found["server.policy"]["mend"]
    assert mend.startswith(f"redis-cli -s {server.embedded.socket} CONFIG SET maxmemory-policy ")


def test_a_full_server_says_that_it_takes_no_ticks(tmp_path: Path) -> None:
    """Whatever else is well with it."""
    with TestServer("single") as server:
        admin = Link(server.url, name="admin")
        doctor(*configured(tmp_path), env={"MDHUB_REDIS_URL": server.url})
        admin.call("CONFIG", "SET", "maxmemory", "1")
        admin.close()
        found = doctor(*configured(tmp_path), env={"MDHUB_REDIS_URL": server.url}, expected=1)

    assert status(found, "server.functions", "server.memory") == ["error", "error"]
    assert "maxmemory" in found["server.functions"]["mend"]


def test_a_server_that_hangs_or_is_away_does_not_hold_the_doctor(tmp_path: Path) -> None:
    """The password in its address is not shown."""
    with TestServer("single") as server:
        server.signal(signal.SIGSTOP)
        hanging = doctor(*configured(tmp_path), env={"MDHUB_REDIS_URL": server.url}, expected=1)
        server.signal(signal.SIGCONT)
    url = f"redis://:{SECRET}@127.0.0.1:{free_port_pair()}"
    away = doctor(*configured(tmp_path), env={"MDHUB_REDIS_URL": url}, expected=1)
    left = doctor(*configured(tmp_path), "--no-server", env={"MDHUB_REDIS_URL": url})

    assert "no answer from server" in hanging["server.reach"]["found"]
    assert away["server.reach"]["status"] == "error"
    assert not [name for name in left if name.startswith("server.")]


def test_a_folder_that_takes_no_data_is_an_error(tmp_path: Path) -> None:
    """Read-only even for root, or full (here: files of this process may not grow)."""
    readonly = doctor("--data", "/proc/mdhub-data", "--no-server", expected=1)
    full = doctor(*configured(tmp_path), "--no-server", prefix="ulimit -f 0", expected=1)

    assert status(readonly, "disk.folder", "disk.fsync") == ["error", "skipped"]
    assert status(full, "disk.folder", "disk.fsync") == ["error", "skipped"]
    assert "File too large" in full["disk.folder"]["found"]


def test_limits_of_the_process_are_seen(tmp_path: Path) -> None:
    """As the hub would inherit them."""
    options = (*configured(tmp_path), "--no-server")
    found = doctor(*options, prefix="ulimit -n 512")
    strict = doctor(*options, "--strict", prefix="ulimit -n 512", expected=1)

    assert (found["host.files"]["status"], found["host.files"]["found"]) == ("warning", "512")
    assert "ulimit -n 1024" in strict["host.files"]["mend"]


@pytest.mark.parametrize(
    ("text", "expected", "code"),
    [("closed 2025-02-03", "hint", None), ("clossed 2030-01-01", "error", 1)],
)
def test_an_override_file_that_expired_or_is_wrong_is_said(
    text: str,
    expected: str,
    code: int | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With the command that checks it."""
    monkeypatch.delenv(OVERRIDE)
    (tmp_path / "override.txt").write_text(f"{text}\n")
    options = configured(tmp_path, '[calendar]\noverride = "override.txt"')

    found = doctor(*options, "--no-server", expected=code)

    assert found["calendar.override"]["status"] == expected


def test_a_source_that_ingest_refuses_is_an_error(tmp_path: Path) -> None:
    """Where it stands in the file is said, and the rest is checked all the same."""
    source = '[[sources]]\nname = "R"\ntype = "recording"\nfile = "absent.csv"'

    found = doctor(*configured(tmp_path, source), "--no-server", expected=1)

    assert "absent.csv was not found" in found["config.content"]["found"]
    assert "hub.toml:" in found["config.content"]["found"]
    assert found["disk.folder"]["status"] == "ok"


ACCOUNT = """
[[sources]]
name = "CTP1"
type = "ctp"

[sources.settings]
user_id = "a user id that is much too long"
broker_id = "9999"
td_address = "tcp://127.0.0.1:{port}"
md_address = "127.0.0.1"
password = "file:{secret}"
auth_code = "env:DOCTOR_TEST_ABSENT"
"""


def test_account_settings_that_would_end_a_gateway_are_errors(tmp_path: Path) -> None:
    """Lengths, addresses, references, fronts: named one by one, no value shown."""
    for module in ("mdhub_ingest.gateways.preflight", "mdhub.runtime.secret"):
        pytest.importorskip(module, reason="this build has no gateway sources")
    secret = tmp_path / "password"
    secret.write_text(SECRET)
    secret.chmod(0o644)
    account = ACCOUNT.format(port=free_port_pair(), secret=secret)

    found = doctor(*configured(tmp_path, account), "--no-server", "--fronts", expected=1)

    wrong = {name for name, each in found.items() if each["status"] == "error"}
    assert wrong >= {
        "source.CTP1.setting:user_id",
        "source.CTP1.setting:md_address",
        "source.CTP1.secrets",
        "front.CTP1",
    }
    assert "much too long" not in json.dumps(found["source.CTP1.setting:user_id"])
    assert "DOCTOR_TEST_ABSENT is not set" in found["source.CTP1.secrets"]["found"]
    assert "mode 0644" in found["source.CTP1.secrets"]["found"]


def test_people_read_it_in_their_language(tmp_path: Path) -> None:
    """Chinese where the environment speaks it; a wrong file is exit code 2 and one sentence."""
    done = subprocess.run(
        [*DOCTOR, "--no-server", *configured(tmp_path)],
        env={**os.environ, "LC_ALL": "zh_CN.UTF-8"}, capture_output=True, text=True, check=True,
        timeout=30,
    )  # fmt: skip
    (tmp_path / "bad.toml").write_text("[hub\n")
    wrong = subprocess.run(
        [*DOCTOR, "--config", str(tmp_path / "bad.toml")],
        capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip

    assert "✓ folder" in done.stdout and "交易日历" in done.stdout
    assert wrong.returncode == 2
    assert "bad.toml" in wrong.stderr
