"""The `mdhub` command from outside."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from mdhub.cli.app import app
from mdhub.cli.run import run_service
from mdhub.host.stack import service_module
from mdhub.runtime.errors import ServiceError
from mdhub.wire.errors import WireError

COMMANDS = ("demo", "up", "run", "tail")


def test_help_names_every_command() -> None:
    """From `mdhub --help` alone one finds the way."""
    shown = CliRunner().invoke(app, ["--help"]).output

    assert all(command in shown for command in COMMANDS)


@pytest.mark.parametrize("command", ["demo", "up", "tail"])
def test_every_command_explains_itself_with_an_example(command: str) -> None:
    """`--help` of a command ends with an example."""
    result = CliRunner().invoke(app, [command, "--help"])

    assert result.exit_code == 0
    assert f"Example: mdhub {command}" in result.output


@pytest.mark.parametrize("service", ["arbiter", "ingest", "monitor", "publisher"])
def test_services_explain_themselves(service: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`mdhub run SERVICE --help` is the service's own help, with an example."""
    with pytest.raises(SystemExit) as ended:
        run_service(service, ["--help"])

    assert ended.value.code == 0
    assert "example" in capsys.readouterr().out


def test_an_unknown_service_is_named_with_the_known_ones() -> None:
    """The error says what was found, what was expected."""
    with pytest.raises(ServiceError, match=r"'nonsense'.*arbiter, ingest, monitor, publisher"):
        service_module("nonsense")


def test_a_bad_pattern_is_refused_with_an_example() -> None:
    """A pattern without an exchange would match nothing for ever."""
    result = CliRunner().invoke(app, ["tail", "rb2610", "--endpoint", "tcp://127.0.0.1:1"])

    assert isinstance(result.exception, WireError)
    assert "rb2610.SHFE" in str(result.exception)
