"""Which server the demo runs on."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from mdhub.demo.server import CHOICE_VARIABLE, start_host
from mdhub.host.stack import URL_VARIABLE, Host, HubPlan
from mdhub.runtime.errors import ServiceError
from mdhub.streams.errors import ServerStartError

PLAN = HubPlan(folder=Path("data"))


class Stage:
    """Hosts whose real server cannot be found, or ends at once."""

    def __init__(self, fails: str = "") -> None:
        self.made: list[str] = []
        self.said: list[str] = []
        self._fails = fails

    def make(self, plan: HubPlan) -> Host:
        self.made.append("fake" if plan.fake else "real")
        if self._fails == "to be found" and not plan.fake:
            raise ServerStartError("none was found")
        return cast("Host", _Host(fails=self._fails == "to start" and not plan.fake))

    def start(self) -> str:
        return start_host(PLAN, self.make, self.said.append)[1]


class _Host:
    def __init__(self, *, fails: bool) -> None:
        self._fails = fails

    def start_server(self) -> None:
        if self._fails:
            raise ServerStartError("the server ended at once")

    def stop(self) -> None:
        """Nothing runs."""


@pytest.fixture(autouse=True)
def nothing_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (CHOICE_VARIABLE, URL_VARIABLE):
        monkeypatch.delenv(name, raising=False)


def test_a_real_server_comes_first() -> None:
    """Where there is one nothing is said."""
    stage = Stage()
    assert stage.start() == ""
    assert (stage.made, stage.said) == (["real"], [])


@pytest.mark.parametrize("fails", ["to be found", "to start"])
def test_without_one_fakeredis_takes_its_place(fails: str) -> None:
    """Loudly, and with the reason."""
    stage = Stage(fails)
    assert "NOT durable, NOT for timing" in stage.start()
    assert stage.made == ["real", "fake"]
    assert stage.said[0].startswith("no real server: ")


def test_a_server_that_was_named_is_never_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who names a server wants that one."""
    monkeypatch.setenv(URL_VARIABLE, "redis://127.0.0.1:1")
    with pytest.raises(ServerStartError):
        Stage("to start").start()


def test_the_choice_is_one_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """It can be forced; another word is refused."""
    monkeypatch.setenv(CHOICE_VARIABLE, "fakeredis")
    stage = Stage()
    assert stage.start()
    assert stage.made == ["fake"]
    monkeypatch.setenv(CHOICE_VARIABLE, "sqlite")
    with pytest.raises(ServiceError, match="'sqlite', expected fakeredis"):
        stage.start()
