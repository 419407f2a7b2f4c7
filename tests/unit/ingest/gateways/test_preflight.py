"""Preflight finds what would crash or block a gateway, all at once, and shows no secret."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest

from mdhub.accounts.kinds import KINDS
from mdhub.runtime import gateway_packages
from mdhub_ingest.gateways import preflight as module
from mdhub_ingest.gateways.preflight import Finding, main, preflight

GOOD: dict[str, Any] = {
    "user_id": "123456",
    "password": "hunter2-password",
    "broker_id": "9999",
    "td_address": "tcp://127.0.0.1:41205",
    "md_address": "ssl://front.example.com:41213",
    "app_id": "simnow_client_test",
    "auth_code": "0000000000000000",
}


@pytest.fixture(autouse=True)
def _machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine where everything is installed; LOCPATH is put back after each test."""
    monkeypatch.setenv("LOCPATH", "/nowhere")
    monkeypatch.setattr(module, "_has_locale", lambda: True)
    versions = {"vnpy": "4.5.0", "vnpy_ctp": "6.7.11.4", "vnpy_sopt": "3.7.1.2"}
    monkeypatch.setattr(gateway_packages, "version", versions.__getitem__)


def check(kind: str = "ctp", name: str = "CTP1", **changes: str) -> list[Finding]:
    return preflight(name=name, kind=kind, settings={**GOOD, **changes})


def bad(findings: list[Finding]) -> list[str]:
    return [finding.check for finding in findings if not finding.ok]


def test_a_good_source_has_no_problem(tmp_path: Path) -> None:
    """A flow folder that is not there yet is made by the child."""
    flow = tmp_path / "gateways" / "CTP1"
    findings = preflight(name="CTP1", kind="ctp", settings=GOOD, flow=flow)
    assert bad(findings) == []
    assert len(findings) == 13
    assert not flow.exists()


def test_chinese_keys_are_the_same_settings() -> None:
    """As vnpy's own default_setting has them."""
    native = {KINDS["ctp"].key_of(key): value for key, value in GOOD.items()}
    assert bad(preflight(name="CTP1", kind="ctp", settings=native)) == []


@pytest.mark.parametrize(
    ("changes", "check_"),
    [
        ({"password": "p" * 41}, "setting:password"),
        ({"user_id": "u" * 16}, "setting:user_id"),
        ({"broker_id": "b" * 11}, "setting:broker_id"),
        ({"app_id": "a" * 33}, "setting:app_id"),
        ({"auth_code": "c" * 17}, "setting:auth_code"),
        ({"app_id": "期" * 17}, "setting:app_id"),
        ({"password": ""}, "setting:password"),
        ({"auth_code": ""}, "setting:auth_code"),
        ({"td_address": "tcp://127.0.0.1"}, "setting:td_address"),
        ({"td_address": "tcp://127.0.0.1:70000"}, "setting:td_address"),
        ({"md_address": "udp://127.0.0.1:1"}, "setting:md_address"),
        ({"md_address": "行情"}, "setting:md_address"),
    ],
)
def test_each_wrong_setting_is_named_and_its_value_is_not(
    changes: dict[str, str], check_: str
) -> None:
    """What is told is the length, or what was expected."""
    findings = check(**changes)
    assert bad(findings) == [check_]
    shown = repr([(f.found, f.expected) for f in findings])
    for value in [v for v in changes.values() if v] + [GOOD["password"]]:
        assert value not in shown


@pytest.mark.parametrize("name", ["行情一", "a/b", "a b", "", "a\tb"])
def test_a_name_that_is_no_part_of_a_path_is_refused(name: str) -> None:
    """The vendor's library crashes on the folder."""
    assert bad(check(name=name)) == ["name"]


def test_a_class_that_is_known_is_checked_as_its_own_type() -> None:
    """Type vnpy with the class of CTP is CTP."""
    findings = preflight(
        name="X", kind="vnpy", settings=GOOD | {"user_id": "u" * 16},
        class_path="vnpy_ctp:CtpGateway",
    )  # fmt: skip
    assert bad(findings) == ["setting:user_id"]


def test_sopt_knows_no_ssl() -> None:
    """Its gateway would ask for tcp://ssl://..."""
    assert bad(check("sopt")) == ["setting:md_address"]
    assert bad(check("sopt", md_address="tcp://front.example.com:41213")) == []


def test_a_missing_locale_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process would abort at the first answer."""
    monkeypatch.setattr(module, "_has_locale", lambda: False)
    assert bad(check()) == ["locale"]


def test_an_unknown_version_is_a_warning_a_missing_package_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The one may work, the other cannot."""

    def version(package: str) -> str:
        if package == "vnpy":
            return "9.9.9"
        raise PackageNotFoundError(package)

    monkeypatch.setattr(gateway_packages, "version", version)
    found = {f.check: f.severity for f in check() if not f.ok}
    assert found == {"package:vnpy": "warning", "package:vnpy_ctp": "error"}


@pytest.mark.parametrize(("length", "fine"), [(180, True), (181, False)])
def test_a_flow_folder_that_is_too_long_is_refused(length: int, fine: bool) -> None:  # noqa: FBT001
    """The vendor's library has a buffer of 200 characters for its files."""
    inside = len("/.vntrader/ctp1")
    flow = Path("/" + "d" * (length - inside - 1))
    findings = preflight(name="CTP1", kind="ctp", settings=GOOD, flow=flow)
    assert next(f.ok for f in findings if f.check == "flow:path") is fine


def test_a_flow_folder_in_a_chinese_path_or_in_a_file_is_refused(tmp_path: Path) -> None:
    """Both are SIGSEGV at connect."""
    findings = preflight(name="CTP1", kind="ctp", settings=GOOD, flow=tmp_path / "行情")
    assert bad(findings) == ["flow:path"]
    (tmp_path / "file").touch()
    findings = preflight(name="CTP1", kind="ctp", settings=GOOD, flow=tmp_path / "file" / "CTP1")
    assert bad(findings) == ["flow:writable"]


def test_any_vnpy_gateway_needs_a_class_and_its_package() -> None:
    """What its settings mean only its profile knows."""
    findings = preflight(name="X", kind="vnpy", settings={}, class_path="vnpy:Gateway")
    assert bad(findings) == []
    assert bad(preflight(name="X", kind="vnpy", settings={}, class_path="vnpy.Gateway")) == [
        "class"
    ]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"type": "sim"}', '{"type": "ctp"}'])
def test_whatever_is_given_gets_findings(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Never an exception."""
    assert main(["--source", text, "--json"]) == 1
    (finding,) = json.loads(capsys.readouterr().out)
    assert set(finding) == {"check", "ok", "severity", "found", "expected", "todo"}


def test_secrets_are_looked_up_and_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """env: and file: references; one that cannot be read is one finding."""
    secret = "s" * 41
    monkeypatch.setenv("CTP1_PASSWORD", secret)
    (tmp_path / "auth").write_text("0123456789abcdef\n")
    settings = {
        **GOOD, "password": "env:CTP1_PASSWORD", "auth_code": f"file:{tmp_path}/auth",
        "broker_id": "env:NOT_SET",
    }  # fmt: skip
    source = json.dumps({"name": "CTP1", "type": "ctp", "settings": settings})
    assert main(["--source", source, "--data", str(tmp_path), "--json"]) == 1
    output = capsys.readouterr().out
    assert bad([Finding(**row) for row in json.loads(output)]) == [
        "secret:broker_id", "setting:password"
    ]  # fmt: skip
    assert secret not in output and "0123456789abcdef" not in output
    assert main(["--source", source]) == 1
    assert secret not in capsys.readouterr().out


@pytest.mark.process
def test_the_locale_is_really_looked_for(tmp_path: Path) -> None:
    """By the C library of a process of its own, where LOCPATH points."""
    command = [sys.executable, "-m", "mdhub_ingest.gateways.preflight", "--json", "--source"]
    source = json.dumps({"name": "CTP1", "type": "ctp", "settings": GOOD})
    done = subprocess.run(
        [*command, source], env={**os.environ, "LOCPATH": str(tmp_path)}, capture_output=True,
        text=True, timeout=30, check=False,
    )  # fmt: skip
    found = {f["check"]: f["ok"] for f in json.loads(done.stdout)}
    assert (done.returncode, found["locale"]) == (1, False)
