"""Who has only `--help` finds the way; every command of the tree explains itself."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from mdhub.cli.app import app
from mdhub.cli.completion import event_kinds, patterns, services


def tree(command: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command, group or not, from the root down."""
    yield path
    below: dict[str, object] = getattr(command, "commands", {})
    for name, each in sorted(below.items()):
        yield from tree(each, (*path, name))


COMMANDS = sorted(tree(get_command(app)))


def help_of(path: tuple[str, ...]) -> str:
    result = CliRunner().invoke(app, [*path, "--help"], terminal_width=80)
    assert result.exit_code == 0
    return result.output


def test_the_tree_has_its_commands() -> None:
    """So that the tests below look at something."""
    names = {path[0] for path in COMMANDS if path}
    assert names >= {"demo", "up", "status", "tail", "run", "schema", "config"}
    assert ("config", "check") in COMMANDS


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_ends_with_exit_codes_and_an_example(path: tuple[str, ...]) -> None:
    """Then one can try it, and use it in a script."""
    shown = help_of(path)
    _, codes, rest = shown.partition("Exit codes: 0 ")

    assert codes and "2 wrong options" in " ".join(rest.split())
    assert f"Example: {' '.join(('mdhub', *path))}" in rest
    assert shown.rstrip().rpartition("\n\n")[2].strip().startswith("Example: mdhub")


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_option_is_explained(path: tuple[str, ...]) -> None:
    """By its name alone nobody knows what it does."""
    command = get_command(app)
    for name in path:
        command = command.commands[name]  # type: ignore[attr-defined]
    silent = [each.name for each in command.params if not getattr(each, "help", "")]
    assert [name for name in silent if name != "help"] == []


@pytest.mark.parametrize("path", [path for path in COMMANDS if path], ids=" ".join)
def test_the_list_of_commands_says_what_each_does(path: tuple[str, ...]) -> None:
    """In a sentence that is not cut off."""
    (line,) = [
        line for line in help_of(path[:-1]).splitlines() if line.startswith(f"  {path[-1]} ")
    ]
    assert line.endswith((".", ")."))
    assert not line.endswith("...")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_learns_the_commands(shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--show-completion` prints a script for the shell in use."""
    monkeypatch.setattr("shellingham.detect_shell", lambda: (shell, f"/bin/{shell}"))

    result = CliRunner().invoke(app, ["--show-completion"], prog_name="mdhub")

    assert result.exit_code == 0
    assert "_MDHUB_COMPLETE" in result.output


def offered(shell: str, line: str) -> str:
    """What the script of a shell is answered behind TAB."""
    words = {
        "COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1),
        "_TYPER_COMPLETE_ARGS": line, "_MDHUB_COMPLETE": f"complete_{shell}",
    }  # fmt: skip
    return CliRunner().invoke(app, [], prog_name="mdhub", env=words).output


@pytest.mark.parametrize("shell", ["bash", "zsh"])
@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("mdhub st", {"status"}),
        ("mdhub config ", {"show", "check", "example"}),
        ("mdhub run a", {"arbiter"}),
        ("mdhub tail IF", {"IF*.CFFEX"}),
        ("mdhub tail --events --kind schem", {"schema_mismatch"}),
        ("mdhub tail --format c", {"csv"}),
        ("mdhub tail --rej", {"--rejected"}),
    ],
)
def test_completion_offers_what_fits(shell: str, line: str, found: set[str]) -> None:
    """Commands, services, products as patterns, kinds, values, options."""
    answer = offered(shell, line)

    assert [word for word in found if word not in answer] == []
    if shell == "bash":
        assert set(answer.split()) == found


def test_a_real_bash_completes(tmp_path: Path) -> None:
    """The script as it stands, in the shell; where nothing fits bash offers files itself."""
    script = """
        eval "$(_MDHUB_COMPLETE=source_bash mdhub)"
        COMP_WORDS=(mdhub config ch); COMP_CWORD=2; _mdhub_completion mdhub
        echo "${COMPREPLY[@]}"
        COMP_WORDS=(mdhub up --config hu); COMP_CWORD=3; _mdhub_completion mdhub
        echo "${#COMPREPLY[@]}"
        complete -p mdhub
    """
    folder = str(Path(sys.executable).parent)
    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"},
        cwd=tmp_path, capture_output=True, text=True, timeout=30, check=True,
    )  # fmt: skip

    assert done.stdout.splitlines() == [
        "check", "0", "complete -o default -F _mdhub_completion mdhub",
    ]  # fmt: skip


def test_what_is_offered_begins_with_what_was_typed() -> None:
    """And nothing typed offers everything."""
    assert patterns("r") == ["rb*.SHFE", "rr*.DCE", "ru*.SHFE"]
    assert services("") == ["arbiter", "console", "ingest", "monitor", "publisher"]
    assert "leadership" in event_kinds("")
    assert event_kinds("nonsense") == []
