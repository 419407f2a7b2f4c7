"""What no restart mends ends a gateway's process with the exit code that its keeper heeds."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from types import ModuleType
from typing import Any

import pytest

from mdhub.runtime import gateway_packages
from mdhub_ingest import child
from mdhub_ingest.gateways import flow
from mdhub_ingest.gateways.assembly import CALENDAR_VARIABLE
from mdhub_ingest.gateways.port import STOPPED
from mdhub_ingest.gateways.preflight import Finding


class BaseGateway:
    """As much of vnpy's as is needed to get as far as `connect`."""

    default_setting: dict[str, Any] = {"host": "", "port": 1, "token": ""}  # noqa: RUF012

    def __init__(self, event_engine: object, gateway_name: str) -> None:
        self.made_of = event_engine, gateway_name


class FineGateway(BaseGateway):
    """It can be made."""


class BrokenGateway(BaseGateway):
    """It cannot."""

    def __init__(self, *_: object) -> None:
        raise OSError("no library")


@pytest.fixture(autouse=True)
def _machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A place where main() can run inside of a test: nothing of it is left behind."""
    gateway, module = ModuleType("vnpy.trader.gateway"), ModuleType("my_gateways")
    vars(gateway)["BaseGateway"] = BaseGateway
    vars(module).update(FineGateway=FineGateway, BrokenGateway=BrokenGateway)
    modules = {
        "vnpy": ModuleType("vnpy"),
        "vnpy.trader": ModuleType("vnpy.trader"),
        "vnpy.trader.gateway": gateway,
        "my_gateways": module,
    }
    for name, each in modules.items():
        monkeypatch.setitem(sys.modules, name, each)
    monkeypatch.setattr(gateway_packages, "version", lambda _: "4.5.0")
    monkeypatch.setattr(child, "begin", Event)
    monkeypatch.setenv("MDHUB_REDIS_URL", "redis://127.0.0.1:1")
    monkeypatch.setenv("LOCPATH", "/nowhere")
    monkeypatch.setenv("TOKEN_OF_TEST", "hunter2")
    monkeypatch.chdir(tmp_path)
    held = len(flow._held)
    yield
    for lock in flow._held[held:]:
        os.close(lock)
    del flow._held[held:]


SETTINGS = {"host": "h", "token": "env:TOKEN_OF_TEST"}


def run(folder: Path, **changes: Any) -> int:
    """Run a source of any class as the hub would."""
    gateway = {"type": "vnpy", "class": "my_gateways:FineGateway", "settings": SETTINGS} | changes
    spec = json.dumps({"name": "X", "gateway": gateway})
    return child.main(["--spec", spec, "--run", "r", "--data", str(folder)])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"subscribe": ["al"]}, "rule 1 ('al'), position 1"),
        ({"settings": SETTINGS | {"token": "plain"}}, "holds a secret in plain text"),
        ({"settings": SETTINGS | {"token": "env:NOT_SET"}}, "variable NOT_SET is not set"),
        ({"settings": SETTINGS | {"port": "many"}}, "port was 'many', expected a whole number"),
        ({"class": "my_gateways:Nix"}, "has no 'Nix'"),
        ({"class": "my_gateways:BrokenGateway"}, "OSError: no library"),
        ({"class": "nothing"}, "expected module:Class"),
        ({"type": "nix"}, "nix"),
    ],
)
def test_mistakes_stop_it_for_good(
    changes: dict[str, Any], reason: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Rules, secrets, settings, class: each is named, no secret is shown."""
    assert run(tmp_path, **changes) == STOPPED
    said = "".join(capfd.readouterr())
    assert reason in said
    assert "hunter2" not in said


def test_a_wrong_calendar_stops_it_for_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A file that is relative is looked for where the hub was started."""
    (tmp_path / "calendar.txt").write_text("nonsense here\n")
    monkeypatch.setenv(CALENDAR_VARIABLE, "calendar.txt")
    assert run(tmp_path) == STOPPED
    assert "calendar.txt:1: " in "".join(capfd.readouterr())


def test_what_preflight_finds_stops_it_for_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A missing locale or package needs an operator."""
    finding = Finding(check="locale", ok=False, found="nothing", expected="one", todo="make it")
    monkeypatch.setattr("mdhub_ingest.gateways.assembly.preflight", lambda **_: [finding])
    assert run(tmp_path) == STOPPED
    assert "locale: found nothing, expected one; make it" in "".join(capfd.readouterr())


def test_a_folder_that_another_process_uses_is_waited_for(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """That one may be on its way out."""
    flow.enter(flow.folder_of(tmp_path, "X"))
    assert run(tmp_path) == child.FAILED
    assert "used by another process" in "".join(capfd.readouterr())
