"""Which processes a plan means, before any of them is started."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from mdhub.host.console import Console
from mdhub.host.stack import Host, HubPlan, dealt
from mdhub_ingest import app


def plan(*names: str, supervisors: int = 2) -> HubPlan:
    sources = tuple(json.dumps({"name": name, "sim": {}}) for name in names)
    return HubPlan(folder=Path(), sources=sources, supervisors=supervisors)


@pytest.mark.parametrize(
    ("names", "own"),
    [
        ((), [("ingest", [])]),
        (("A",), [("ingest", [])]),
        (("A", "B"), [("ingest 1", ["A"]), ("ingest 2", ["B"])]),
        (("A", "B", "C"), [("ingest 1", ["A", "C"]), ("ingest 2", ["B"])]),
    ],
)
def test_sources_are_dealt_out_to_two_supervisors(
    names: tuple[str, ...], own: list[tuple[str, list[str]]]
) -> None:
    """Neighbours in the list, which back each other up, never share one."""
    found = [(name, only[1::2]) for name, only in dealt(plan(*names))]
    assert found == own


def test_a_supervisor_knows_all_sources_and_runs_its_own(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """It must know the others: their secrets are taken out of its children's environment."""
    ran: list[list[str]] = []
    monkeypatch.setattr(app, "begin", lambda: None)
    monkeypatch.setattr(app, "_check_server", lambda *_: "")
    monkeypatch.setattr(app, "shipped", lambda *_: nullcontext())
    monkeypatch.setenv("MDHUB_REDIS_URL", "redis://127.0.0.1:1")
    monkeypatch.setattr(
        app, "_supervise", lambda own, plan, *_: ran.extend([[s.name for s in own], plan.specs])
    )
    sources = [part for text in plan("A", "B").sources for part in ("--source", text)]

    assert app.main([*sources, "--only", "B"]) == 0
    assert (ran[0], len(ran[1])) == (["B"], 2)
    assert app.main([*sources, "--only", "X"]) == 2
    assert "--only named X, the sources described are A, B" in capfd.readouterr().err


def told(plan: HubPlan, service: str) -> list[tuple[list[str], Mapping[str, str]]]:
    children = Host(plan).children(service)
    return [(list(child.command(1)), child.environment) for child in children]


def test_accounts_are_dealt_out_although_the_configuration_has_no_source() -> None:
    """Two supervisors, each with its part; the first makes priorities the preference."""
    ingest = told(replace(plan(), url="redis://x", accounts_url="sqlite:///a"), "ingest")
    parts = [next(arg for arg in args if "part" in arg) for args, _ in ingest]
    assert parts == ["--accounts-part=1/2", "--accounts-part=2/2"]
    assert all("--prefer-by-priority" in args for args, _ in ingest)
    one = replace(
        plan("A"), url="redis://x", accounts_url="sqlite:///a", rules='{"preference": ["A"]}'
    )
    ((first, _), (second, _)) = told(one, "ingest")
    assert "--prefer-by-priority" not in first
    assert (first[first.index("--only") + 1], second[second.index("--only") + 1]) == ("A", "")


def test_only_supervisors_and_the_console_are_told_where_the_accounts_are() -> None:
    """Whatever stands in the environment of `mdhub up`."""
    accounts = replace(
        plan("A"), url="redis://x", accounts_url="sqlite:///a", accounts_key="env:MASTER",
        console=Console(port=8080),
    )  # fmt: skip
    for args, environment in (*told(accounts, "ingest"), *told(accounts, "console")):
        assert environment["MDHUB_ACCOUNTS__URL"] == "sqlite:///a"
        assert environment["MDHUB_ACCOUNTS__KEY_FILE"] == "env:MASTER"
        assert "MASTER" not in environment
        assert "sqlite:///a" not in args
    hidden = {"MDHUB_ACCOUNTS__URL": "", "MDHUB_ACCOUNTS__KEY_FILE": "", "MASTER": ""}
    for service in ("arbiter", "publisher", "monitor"):
        for _, environment in told(accounts, service):
            assert environment.items() >= hidden.items()
    assert "sqlite" not in repr(accounts)
