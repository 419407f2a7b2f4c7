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
from mdhub.wire.json_schema import wire_schema_text


@pytest.mark.parametrize("service", ["arbiter", "console", "ingest", "monitor", "publisher"])
def test_services_explain_themselves(service: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`mdhub run SERVICE --help` is the service's own help, with an example."""
    with pytest.raises(SystemExit) as ended:
        run_service(service, ["--help"])

    assert ended.value.code == 0
    assert "example" in capsys.readouterr().out.lower()


@pytest.mark.parametrize("command", ["arbitrate", "verify"])
def test_commands_of_services_explain_themselves(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--help` is passed on; the help ends with an example."""
    with pytest.raises(SystemExit) as ended:
        run_command(command, ["--help"])

    assert ended.value.code == 0
    assert f"mdhub {command} " in capsys.readouterr().out.partition("Example:")[2]


def test_a_command_of_a_service_that_is_not_installed_says_what_to_install() -> None:
    """The base install has no arbiter."""
    with pytest.raises(ServiceError, match=r'pip install "mdhub\[arbiter,cli\]"'):
        run_command("absent", [])


def test_an_unknown_service_is_named_with_the_known_ones() -> None:
    """The error says what was found, what was expected."""
    with pytest.raises(
        ServiceError, match=r"'nonsense'.*arbiter, console, ingest, monitor, publisher"
    ):
        service_module("nonsense")


def test_a_bad_pattern_is_refused_with_an_example() -> None:
    """A pattern without an exchange would match nothing for ever."""
    result = CliRunner().invoke(app, ["tail", "rb2610", "--endpoint", "tcp://127.0.0.1:1"])

    assert isinstance(result.exception, WireError)
    assert "rb2610.SHFE" in str(result.exception)


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


@pytest.mark.parametrize(
    "options",
    [
        ["--rejected", "--events"],
        ["--reason", "late"],
        ["--events", "--reason", "late"],
        ["--kind", "service"],
        ["--rejected", "--severity", "error"],
        ["--since", "10m"],
        ["--events", "--changed"],
        ["--rejected", "--endpoint", "tcp://127.0.0.1:1"],
        ["--events", "rb*.SHFE"],
    ],
)
def test_an_option_that_would_do_nothing_is_refused(options: list[str]) -> None:
    """Rather than ignored: the rows shown are those asked for."""
    result = CliRunner().invoke(app, ["tail", *options])

    assert result.exit_code == 2
    assert "Invalid value" in result.output


def test_a_moment_that_is_none_is_refused_with_examples(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, as for every wrong option."""
    monkeypatch.setattr("sys.argv", ["mdhub", "tail", "--events", "--since", "yesterday"])

    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 2
    assert "'yesterday'" in capsys.readouterr().err


def test_status_without_a_hub_is_json_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A program that looks reads one object, whatever is wrong."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MDHUB_REDIS_URL", raising=False)
    monkeypatch.setattr("sys.argv", ["mdhub", "status", "--json"])

    with pytest.raises(SystemExit) as ended:
        main()

    said = json.loads(capsys.readouterr().out)
    assert (ended.value.code, said["ok"]) == (1, False)
    assert "mdhub up" in said["problems"][0]


def test_mistakes_of_a_configuration_are_json_too(tmp_path: Path) -> None:
    """Each with the line and the key it was made in."""
    file = tmp_path / "hub.toml"
    file.write_text("[hub]\nshards = 0\n")

    wrong = CliRunner().invoke(app, ["config", "check", str(file), "--json"])
    file.write_text("")
    good = CliRunner().invoke(app, ["config", "check", str(file), "--json"])

    (problem,) = json.loads(wrong.output)["problems"]
    assert (wrong.exit_code, problem["where"], problem["key"]) == (2, f"{file}:2", "hub.shards")
    assert (good.exit_code, json.loads(good.output)) == (0, {"ok": True, "problems": []})


def test_the_contract_is_printed_for_programs() -> None:
    """What stands in docs/wire.schema.json, and its digest alone."""
    printed = CliRunner().invoke(app, ["schema"]).output
    digest = CliRunner().invoke(app, ["schema", "--digest"]).output

    assert printed == wire_schema_text()
    assert json.loads(printed)["x-schema-digest"] == digest.strip()
