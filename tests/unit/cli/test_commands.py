"""The `mdhub` command from outside."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mdhub.cli.app import app, main
from mdhub.cli.run import run_command, run_service
from mdhub.host.stack import service_module
from mdhub.runtime.errors import ServiceError
from mdhub.wire.errors import WireError

COMMANDS = ("demo", "up", "status", "tail", "config", "run", "arbitrate", "verify")


def test_help_names_every_command() -> None:
    """From `mdhub --help` alone one finds the way."""
    shown = CliRunner().invoke(app, ["--help"]).output

    assert all(command in shown for command in COMMANDS)


@pytest.mark.parametrize(
    "command",
    ["demo", "up", "status", "tail", "config", "config show", "config check", "config example"],
)
def test_every_command_explains_itself_with_an_example(command: str) -> None:
    """`--help` of a command ends with an example."""
    result = CliRunner().invoke(app, [*command.split(), "--help"])

    assert result.exit_code == 0
    assert f"Example: mdhub {command}" in result.output


@pytest.mark.parametrize("service", ["arbiter", "ingest", "monitor", "publisher"])
def test_services_explain_themselves(service: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`mdhub run SERVICE --help` is the service's own help, with an example."""
    with pytest.raises(SystemExit) as ended:
        run_service(service, ["--help"])

    assert ended.value.code == 0
    assert "example" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["arbitrate", "verify"])
def test_commands_of_services_explain_themselves(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--help` is passed on; the help ends with an example."""
    with pytest.raises(SystemExit) as ended:
        run_command(command, ["--help"])

    assert ended.value.code == 0
    assert f"mdhub {command} " in capsys.readouterr().out.partition("example:")[2]


def test_a_command_of_a_service_that_is_not_installed_says_what_to_install() -> None:
    """The base install has no arbiter."""
    with pytest.raises(ServiceError, match=r'pip install "mdhub\[arbiter,cli\]"'):
        run_command("absent", [])


def test_an_unknown_service_is_named_with_the_known_ones() -> None:
    """The error says what was found, what was expected."""
    with pytest.raises(ServiceError, match=r"'nonsense'.*arbiter, ingest, monitor, publisher"):
        service_module("nonsense")


def test_a_bad_pattern_is_refused_with_an_example() -> None:
    """A pattern without an exchange would match nothing for ever."""
    result = CliRunner().invoke(app, ["tail", "rb2610", "--endpoint", "tcp://127.0.0.1:1"])

    assert isinstance(result.exception, WireError)
    assert "rb2610.SHFE" in str(result.exception)


def test_run_explains_itself() -> None:
    """It passes --help on, and answers it itself where no service is named."""
    assert "mdhub run publisher --help" in CliRunner().invoke(app, ["run", "--help"]).output


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_learns_the_commands(shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--show-completion` prints a script for the shell in use."""
    monkeypatch.setattr("shellingham.detect_shell", lambda: (shell, f"/bin/{shell}"))

    result = CliRunner().invoke(app, ["--show-completion"], prog_name="mdhub")

    assert result.exit_code == 0
    assert "_MDHUB_COMPLETE" in result.output


def test_completion_offers_what_fits() -> None:
    """The script asks the program itself."""
    asked = {
        "_MDHUB_COMPLETE": "complete_bash", "COMP_WORDS": "mdhub st", "COMP_CWORD": "1",
    }  # fmt: skip

    result = CliRunner().invoke(app, [], prog_name="mdhub", env=asked)

    assert result.output.split() == ["status"]


def test_config_shows_checks_and_explains(tmp_path: Path) -> None:
    """The example it prints is a file it calls good."""
    run = CliRunner().invoke
    file = tmp_path / "hub.toml"
    file.write_text(run(app, ["config", "example"]).output)

    checked = run(app, ["config", "check", str(file)])
    shown = run(app, ["config", "show", "--config", str(file), "--json"])
    lines = run(app, ["config", "show"]).output.splitlines()

    assert (checked.exit_code, checked.output) == (0, f"{file}: good\n")
    assert json.loads(shown.output)["hub.shards"]["value"] == 1
    assert lines[1].split() == ["hub.shards", "1", "default"]


def test_a_wrong_configuration_ends_with_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every problem on a line of its own, on stderr."""
    file = tmp_path / "hub.toml"
    file.write_text("[hub]\nshards = 0\nx = 1\n")
    monkeypatch.setattr("sys.argv", ["mdhub", "config", "check", str(file)])

    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 2
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "mdhub: 2 problems in the configuration:"
    assert [line.split(": ")[0] for line in said[1:]] == [f"  {file}:2", f"  {file}:3"]


def test_a_stream_of_the_log_is_no_table() -> None:
    """And only one stream is followed at a time."""
    for options in (["--rejected", "--format", "table"], ["--rejected", "--events"]):
        assert CliRunner().invoke(app, ["tail", *options]).exit_code == 2
