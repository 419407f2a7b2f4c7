"""`mdhub run` from a configuration, and the health check."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mdhub.cli import service_check
from mdhub.cli.configured import configured
from mdhub.cli.instances import instances_of
from mdhub.cli.service_check import FRESH_MS, fault_of, run_check
from mdhub.runtime.errors import ServiceError
from mdhub.runtime.heartbeat import ENDED, Beat, beat_payload
from mdhub.runtime.secret import SecretError, follow_reference
from mdhub.streams.memory import MemoryLog, MemoryServer
from mdhub.wire.codec import encode

NOW_NS = 1_800_000_000_000_000_000
URL = "redis://:pw@127.0.0.1:6390/0"
HUB = """\
[hub]
prefix = "desk:"
profile = "fast"
[[publishers]]
id = "A"
port = 5555
[[publishers]]
id = "B"
port = 5575
[[sources]]
name = "x"
type = "sim"
[[sources]]
name = "y"
type = "sim"
[[sources]]
name = "z"
type = "sim"
[arbiter]
takeover_ms = 300
"""


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("MDHUB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MDHUB_REDIS_URL", URL)
    file = tmp_path / "hub.toml"
    file.write_text(HUB)
    return file


def after(arguments: tuple[str, ...], option: str) -> list[str]:
    return [arguments[i + 1] for i, word in enumerate(arguments) if word == option]


def beat(state: str, *, age_ms: int = 0, host: str = "here") -> dict[str, bytes]:
    ts_ns = NOW_NS - age_ms * 1_000_000
    return {"arbiter:A": encode(Beat(1, ts_ns, "arbiter", "arbiter:A", 7, state, {}, host))}


def fault(beats: dict[str, bytes]) -> str:
    return fault_of("arbiter:A", beats, now_ns=NOW_NS, host="here")


def test_a_service_alone_is_told_what_up_would_tell_it(hub: Path) -> None:
    """The publisher that the id names, with its port; settings of the arbiter as variables."""
    publisher = configured("publisher", hub, ["--id", "B", "--bind", "0.0.0.0"])  # noqa: S104
    arbiter = configured("arbiter", hub, ["--id", "B"])
    assert after(publisher.arguments, "--port") == ["5575"]
    assert after(publisher.arguments, "--prefix") == ["desk:"]
    assert after(publisher.arguments, "--bind") == ["127.0.0.1", "0.0.0.0"]  # noqa: S104
    assert after(arbiter.arguments, "--profile") == ["fast"]
    assert after(arbiter.arguments, "--id")[-1] == "B"
    assert arbiter.environment["MDHUB_ARBITER__TAKEOVER_MS"] == "300"
    assert arbiter.environment["MDHUB_REDIS_URL"] == URL


def test_an_ingest_process_takes_the_sources_it_is_given(hub: Path) -> None:
    """All are described to each; which ones are its own is said at its start, with commas."""
    two, other = (configured("ingest", hub, ["--only", only]) for only in ("x,z", "y"))
    assert len(after(two.arguments, "--source")) == 3
    assert after(two.arguments, "--only") == ["x", "z"]
    assert after(other.arguments, "--only") == ["y"]
    assert after(two.arguments, "--run") == after(other.arguments, "--run")


def test_an_instance_that_is_not_configured_is_refused(hub: Path) -> None:
    """The sentence names those there are."""
    with pytest.raises(ServiceError, match=r"no publisher 'C'; it has A, B"):
        configured("publisher", hub, ["--id", "C"])


@pytest.mark.parametrize(
    ("service", "options", "instances"),
    [
        ("arbiter", [], ("arbiter:A",)),
        ("publisher", ["--bind", "::1", "--id", "B"], ("publisher:B",)),
        (
            "ingest",
            ["--only", "CTP1,CTP2", "--only", "x"],
            ("supervisor:CTP1", "supervisor:CTP2", "supervisor:x"),
        ),
    ],
)
def test_an_instance_is_found_by_the_options_it_was_started_with(
    service: str, options: list[str], instances: tuple[str, ...]
) -> None:
    """Health checks repeat what names the instance."""
    assert instances_of(service, options) == instances


def test_an_ingest_process_goes_by_the_name_of_any_of_its_sources(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Which one is the supervisor's choice; the check finds the heartbeat there is."""
    server = MemoryServer()
    log = MemoryLog(server, service="ingest")
    log.beat("supervisor:B", beat_payload("ingest", "supervisor:B", "running 2 of 2", {}))
    monkeypatch.setenv("MDHUB_REDIS_URL", URL)
    monkeypatch.setattr(service_check, "open_log", lambda *_, **__: log)
    assert run_check(["supervisor:A", "supervisor:B"], prefix="mdhub:") == 0
    assert run_check(["supervisor:A", "supervisor:C"], prefix="mdhub:") == 1
    said = capsys.readouterr()
    assert "supervisor:B: well" in said.out and "no heartbeat yet" in said.err


def test_which_ingest_process_must_be_said() -> None:
    """Nothing is guessed: two of them run on one host."""
    with pytest.raises(ServiceError, match="--only or --id"):
        instances_of("ingest", [])


@pytest.mark.parametrize("state", ["leading", "standby"])
def test_a_fresh_heartbeat_in_a_good_state_is_well(state: str) -> None:
    """Also at the edge of its age."""
    assert fault(beat(state)) == ""
    assert fault(beat(state, age_ms=FRESH_MS)) == ""


@pytest.mark.parametrize(
    ("beats", "words"),
    [
        ({}, "no heartbeat"),
        ({"arbiter:A": b"\xc1"}, "cannot be read"),
        (beat("leading", age_ms=FRESH_MS + 1), "silent"),
        (beat("leading", host="elsewhere"), "same name"),
        (beat("ineligible"), "ineligible"),
        (beat(ENDED), "ended"),
    ],
)
def test_what_is_not_well_is_said(beats: dict[str, bytes], words: str) -> None:
    """Each fault has words of its own."""
    assert words in fault(beats)


def test_the_server_s_address_may_be_in_a_file(tmp_path: Path) -> None:
    """It is looked up once; a file that is missing is named, with the variable."""
    file = tmp_path / "redis_url"
    file.write_text(f"{URL}\n")
    environment = {"MDHUB_REDIS_URL": f"file:{file}"}
    follow_reference(environment, "MDHUB_REDIS_URL")
    assert environment["MDHUB_REDIS_URL"] == URL
    with pytest.raises(SecretError, match=r"MDHUB_REDIS_URL: file .*gone"):
        follow_reference({"MDHUB_REDIS_URL": "file:/gone"}, "MDHUB_REDIS_URL")
