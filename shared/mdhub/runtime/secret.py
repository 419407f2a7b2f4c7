"""Secrets by reference: `env:NAME` and `file:/path`, looked up only by the process that needs them.

A command line is public on its machine, so what travels there are references.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, MutableMapping
from pathlib import Path
from typing import Final

from mdhub.runtime.errors import ServiceError

__all__ = [
    "FILE",
    "REFERENCE",
    "URL_VARIABLE",
    "Hidden",
    "SecretError",
    "Value",
    "Values",
    "follow_reference",
    "in_plain_text",
    "is_reference",
    "looks_secret",
    "resolve",
    "variables_of",
]

ENV: Final = "env:"
FILE: Final = "file:"
URL_VARIABLE: Final = "MDHUB_REDIS_URL"
"""Holds the address of the server, or a reference to it."""
REFERENCE: Final = "env:NAME (a variable) or file:/path (a file that holds nothing else)"
MAX_BYTES: Final = 65_536
_SECRET: Final = re.compile(
    r"pass|pwd|secret|token|credential|auth|private|key($|_)|(^|_)pin$"
    r"|密码|口令|授权|认证|令牌|密钥|私钥|秘钥",
    re.IGNORECASE,
)
"""Rather one name too many: a harmless setting may be a reference too."""
_WORDS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[\s.-]+")
_SHORTEST_HIDDEN: Final = 4

Value = str | int | float | bool


class SecretError(ServiceError):
    """A reference leads nowhere; the message names it, never what it should hold."""


class Values(dict[str, Value]):
    """Settings after `resolve`. Printing them shows names only."""

    def __repr__(self) -> str:
        return f"Values({', '.join(self)})"

    __str__ = __repr__


class Hidden:
    """Takes secrets out of text that others wrote."""

    def __init__(self, secrets: Iterable[Value]) -> None:
        texts = {str(each) for each in secrets if len(str(each)) >= _SHORTEST_HIDDEN}
        longest_first = sorted(texts, key=len, reverse=True)
        self._found = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")

    def __call__(self, text: str) -> str:
        """Return the text with `***` in the place of each secret."""
        return self._found.sub("***", text)


def is_reference(value: object) -> bool:
    """Whether a setting says where its value is, in place of the value."""
    return isinstance(value, str) and value.startswith((ENV, FILE))


def looks_secret(name: str) -> bool:
    """Whether a setting of this name holds a secret, as far as a name can tell."""
    return _SECRET.search(_WORDS.sub("_", name)) is not None


def in_plain_text(name: str, value: object, *, secret: bool = False) -> bool:
    """Whether a setting, known to be `secret` or named like one, is no reference to one."""
    return (secret or looks_secret(name)) and value != "" and not is_reference(value)


def variables_of(settings: Mapping[str, Value]) -> set[str]:
    """Return the names of the variables that settings refer to."""
    values = (value for value in settings.values() if isinstance(value, str))
    return {value.removeprefix(ENV) for value in values if value.startswith(ENV)}


def resolve(settings: Mapping[str, Value], environment: MutableMapping[str, str]) -> Values:
    """Follow the references among settings, then take their variables out of the environment.

    Raises SecretError naming every reference that leads nowhere.
    """
    found, problems = Values(), []
    for name, value in settings.items():
        if not isinstance(value, str) or not is_reference(value):
            found[name] = value
            continue
        try:
            found[name] = _follow(value, environment)
        except SecretError as error:
            problems.append(f"{name}: {error}")
    for variable in variables_of(settings):
        environment.pop(variable, None)
    if problems:
        raise SecretError("; ".join(problems))
    return found


def follow_reference(environment: MutableMapping[str, str], name: str) -> None:
    """Put what a variable refers to into its place. Raises SecretError naming the variable."""
    value = environment.get(name, "")
    if value.startswith(FILE):
        try:
            environment[name] = _follow(value, environment)
        except SecretError as error:
            raise SecretError(f"{name}: {error}") from error


def _follow(reference: str, environment: Mapping[str, str]) -> str:
    if reference.startswith(ENV):
        variable = reference.removeprefix(ENV)
        if not environment.get(variable):
            raise SecretError(f"variable {variable} is not set: export it where the hub is started")
        return environment[variable]
    path = Path(reference.removeprefix(FILE)).expanduser()
    try:
        with path.open("rb") as file:
            text = file.read(MAX_BYTES + 1).decode().rstrip("\r\n")
    except OSError as error:
        raise SecretError(f"file {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        # Not chained: that error quotes the bytes.
        raise SecretError(f"file {path} is not UTF-8 text") from None
    if not text or len(text) > MAX_BYTES or "\n" in text:
        raise SecretError(f"file {path} was expected to hold one line of text")
    return text
