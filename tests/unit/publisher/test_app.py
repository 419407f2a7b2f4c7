"""What the publisher's command line refuses, and what it warns of."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mdhub.streams.errors import Unusable
from mdhub_publisher import app
from tests.integration.running import free_port


@pytest.fixture(autouse=True)
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """It gets as far as its log, and ends there."""

    def unusable(*_: object, **__: object) -> None:
        raise Unusable("gone", "here it would serve")

    monkeypatch.setenv("MDHUB_REDIS_URL", "redis://127.0.0.1:1")
    monkeypatch.setattr(app, "open_log", unusable)


@pytest.mark.parametrize(
    ("bind", "warned"),
    [("127.0.0.1", False), ("0.0.0.0", True)],  # noqa: S104 - that is what is asked
)
def test_serving_others_without_keys_is_said_with_what_it_means(
    bind: str, *, warned: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """On this host alone it is the default, and right."""
    assert app.main(["--bind", bind, "--port", str(free_port())]) == 2
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    warnings = [line for line in lines if line["event"] == "serves_without_keys"]

    assert [("--curve-key" in line["means"]) for line in warnings] == [True] * warned


def test_half_of_the_options_for_keys_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """It would serve in plain text, or let nobody in."""
    with pytest.raises(SystemExit):
        app.main(["--curve-key", "server.key_secret"])
    assert "--curve-key and --curve-clients go together" in capsys.readouterr().err


def test_a_key_that_cannot_be_read_ends_it_with_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rather than serve without."""
    options = ["--curve-key", str(tmp_path / "no"), "--curve-clients", str(tmp_path)]

    assert app.main(["--port", str(free_port()), *options]) == 1
    assert "no cannot be read: No such file" in capsys.readouterr().err
