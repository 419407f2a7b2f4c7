"""Whether a command line would be understood, without running it."""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from importlib.metadata import entry_points
from typing import Any, Final
from unittest.mock import patch

from typer.main import get_command

from mdhub.cli.app import app

__all__ = ["complaint"]

SIMULATED: Final = ("--source", '{"name": "A", "sim": {"seed": 7}}')
"""What a configuration tells an ingest process; a command line alone leaves it out."""
OF_RUN: Final = ("--config", "--check")
AT_ONCE: Final = ({"--install-completion"}, {"--show-completion"})
"""The parser itself carries these out: they change the shell of whoever runs the tests."""


class _Parsed(Exception):
    """The options were understood; what follows would be the work itself."""


def complaint(words: Sequence[str]) -> str:
    """What `mdhub WORDS` would say of its options; empty = it would begin to work.

    Values are checked as far as the parsers do it; no file is opened, no server asked.
    """
    if set(words) in AT_ONCE:
        return ""
    command: Any = _root()
    left = list(words)
    while left and not left[0].startswith("-") and hasattr(command, "commands"):
        name = left.pop(0)
        if name not in command.commands:
            return f"no command {name!r}; there are {', '.join(sorted(command.commands))}"
        command = command.commands[name]
    if command.name == "run":
        return _of_service(left)
    if command.name in {"arbitrate", "verify"}:
        return _of_program("mdhub.commands", command.name, left)
    return _said(lambda: command.make_context(command.name, left))


@cache
def _root() -> Any:
    return get_command(app)


def _of_service(words: list[str]) -> str:
    """`run` takes what it understands itself; the service must understand the rest."""
    if not words or words[0].startswith("-"):
        return "" if words in ([], ["--help"], ["-h"]) else "which service?"
    service, left = words[0], words[1:]
    for option in OF_RUN:
        if option in left:
            at = left.index(option)
            del left[at : at + (2 if option == "--config" else 1)]
    given = SIMULATED if service == "ingest" and "--source" not in left else ()
    return _of_program("mdhub.services", service, [*given, *left])


def _of_program(group: str, name: str, words: list[str]) -> str:
    found = entry_points(group=group)
    if name not in found.names:
        return f"no {name!r} among {', '.join(sorted(found.names))}"
    main: Callable[[Sequence[str]], int] = found[name].load()
    original = argparse.ArgumentParser.parse_args

    def parse_and_stop(parser: argparse.ArgumentParser, *given: Any) -> None:
        original(parser, *given)
        raise _Parsed

    with patch.object(argparse.ArgumentParser, "parse_args", parse_and_stop):
        return _said(lambda: main(words))


def _said(parse: Callable[[], object]) -> str:
    """Text of the error; a parser that prints help and leaves is content."""
    errors = io.StringIO()
    with redirect_stdout(io.StringIO()), redirect_stderr(errors):
        try:
            parse()
        except _Parsed:
            return ""
        except SystemExit as ended:
            return "" if not ended.code else errors.getvalue()
        except Exception as error:
            # click's own: its parsers raise what a program's main would print.
            if getattr(error, "exit_code", None) == 0:
                return ""
            if hasattr(error, "format_message"):
                return str(error.format_message())
            raise
    return ""
