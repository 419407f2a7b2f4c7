"""From file, environment and options to one frozen configuration that knows where it comes from.

What wins: options, then `MDHUB_*` variables, then the file, then defaults. Lists (publishers,
sources) are taken whole from whoever wins. Every problem is found before any is reported.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from mdhub.config.environment import environment_layers, unknown_variables
from mdhub.config.errors import ConfigError, Problem
from mdhub.config.knobs import KNOBS, SECRETS, SETTINGS
from mdhub.config.layers import Layer, merged, nearest, origin_of, shown_key
from mdhub.config.locate import Key, locate
from mdhub.config.model import SOURCE_TYPES, AnySource, GatewaySource, HubConfig
from mdhub.config.types import wrong_types
from mdhub.runtime.secret import ENV, FILE, REFERENCE, in_plain_text

__all__ = ["HubCheck", "Loaded", "Option", "SourceCheck", "load"]

Option = tuple[str, Any]
"""Name and value of a command line option."""
SourceCheck = Callable[[AnySource], Iterable[tuple[Key, str]]]
"""Says what is wrong with a source beyond its shape: keys within it (none = the whole), words."""
HubCheck = Callable[[HubConfig], Iterable[tuple[Key, str]]]
"""Says what is wrong beyond the shape of single values: keys and words."""

_TYPES: Final = f"{', '.join(SOURCE_TYPES[:-1])} or {SOURCE_TYPES[-1]}"
_EXPECTED: Final = {
    "int_parsing": "expected a whole number",
    "int_type": "expected a whole number",
    "int_from_float": "expected a whole number",
    "float_parsing": "expected a number",
    "float_type": "expected a number",
    "string_type": "expected text",
    "path_type": "expected text",
    "model_type": "expected a table (in a variable: a JSON object)",
    "model_attributes_type": "expected a table (in a variable: a JSON object)",
    "tuple_type": "expected a list of tables (in a variable: a JSON array)",
    "union_tag_invalid": f"expected type {_TYPES}",
}
CHANNELS: Final = "channels"
SQLITE: Final = "sqlite:///"
_PATHS: Final = (
    "data",
    "file",
    "override",
    "contracts",
    "curve_key",
    "curve_clients",
    "tls_cert",
    "tls_key",
)
_WRONG_LINE: Final = re.compile(r" \(at line (\d+), column \d+\)| \(at end of document\)")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration and the layers it was made of, the strongest first."""

    config: HubConfig
    layers: tuple[Layer, ...]

    def origin(self, key: Key) -> str:
        """`default`, `hub.toml:12`, the name of a variable or of an option."""
        return origin_of(self.layers, key)


def load(
    file: Path | None = None,
    *,
    options: Mapping[Key, Option] | None = None,
    check_source: SourceCheck | None = None,
    check_hub: HubCheck | None = None,
) -> Loaded:
    """Read and check a configuration from options, environment and file.

    Raises ConfigError naming every problem.
    """
    problems: list[Problem] = []
    from_file = () if file is None else (_file_layer(file, problems),)
    for layer in from_file:
        problems += wrong_types(layer)
    layers = (_option_layer(options or {}), *environment_layers(), *from_file)
    problems += unknown_variables()
    try:
        config = HubConfig.model_validate(merged(layers))
    except ValidationError as error:
        named = {problem.key for problem in problems}
        found = [_problem(layers, details) for details in error.errors()]
        problems += [problem for problem in found if problem.key not in named or not problem.key]
        raise ConfigError(problems) from None
    problems += _source_problems(config, layers, check_source or (lambda _: ()))
    if check_hub is not None:
        found_words = check_hub(config)
        problems += [Problem(nearest(layers, k), shown_key(k), words) for k, words in found_words]
    if problems:
        raise ConfigError(problems)
    return Loaded(config, layers)


def _option_layer(options: Mapping[Key, Option]) -> Layer:
    values: dict[str, Any] = {}
    for key, (_, value) in options.items():
        table = values
        for part in key[:-1]:
            table = table.setdefault(str(part), {})
        table[str(key[-1])] = value

    def where(key: Key) -> str:
        names = (name for path, (name, _) in options.items() if path == key[: len(path)])
        return next(names, "")

    return Layer(values, where)


def _file_layer(file: Path, problems: list[Problem]) -> Layer:
    try:
        text = file.read_text(encoding="utf-8")
        values = tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        problems.append(Problem(str(file), "", f"cannot be read: {reason}"))
        return Layer({}, lambda _key: str(file))
    except tomllib.TOMLDecodeError as error:
        problems.append(_syntax_problem(file, str(error)))
        return Layer({}, lambda _key: str(file))
    lines = locate(text)

    def where(key: Key) -> str:
        held = (lines[key[:length]] for length in range(len(key), 0, -1) if key[:length] in lines)
        return f"{file}:{next(held, 1)}"

    return Layer(_with_paths_from(file.parent, values), where)


def _syntax_problem(file: Path, words: str) -> Problem:
    found = _WRONG_LINE.search(words)
    line = f":{found[1]}" if found and found[1] else ""
    return Problem(f"{file}{line}", "", f"not valid TOML: {words}")


def _with_paths_from(folder: Path, values: dict[str, Any]) -> dict[str, Any]:
    """Let relative paths count from the file's folder, not from where the hub is started."""
    sources = values.get("sources")
    tables = [values.get(name) for name in ("hub", "calendar", "arbiter", "alerts", "console")]
    publishers = values.get("publishers")
    for listed in (sources, publishers):
        tables += listed if isinstance(listed, list) else []
    for table in tables:
        if isinstance(table, dict) and isinstance(settings := table.get(SETTINGS), dict):
            table[SETTINGS] = {name: _file_from(folder, v) for name, v in settings.items()}
        if isinstance(table, dict) and isinstance(channels := table.get(CHANNELS), dict):
            table[CHANNELS] = {name: _file_from(folder, v) for name, v in channels.items()}
        for name in _PATHS:
            if isinstance(table, dict) and isinstance(path := table.get(name), str):
                table[name] = _from(folder, path)
        if isinstance(table, dict) and isinstance(paths := table.get("more_files"), list):
            table["more_files"] = [_from(folder, p) if isinstance(p, str) else p for p in paths]
    if isinstance(accounts := values.get("accounts"), dict):
        values["accounts"] = {name: _place_from(folder, v) for name, v in accounts.items()}
    if isinstance(console := values.get("console"), dict) and "key_file" in console:
        console["key_file"] = _place_from(folder, console["key_file"])
    return values


def _place_from(folder: Path, value: Any) -> Any:
    """Of [accounts], key_file of [console]: a path, a reference, the address of a database."""
    if not isinstance(value, str) or value.startswith(ENV):
        return value
    if value.startswith(SQLITE):
        return SQLITE + _from(folder, value.removeprefix(SQLITE))
    if "://" in value:
        return value
    return _file_from(folder, value) if value.startswith(FILE) else _from(folder, value)


def _file_from(folder: Path, value: Any) -> Any:
    if isinstance(value, str) and value.startswith(FILE):
        return FILE + _from(folder, value.removeprefix(FILE))
    return value


def _from(folder: Path, path: str) -> str:
    return str(folder / Path(path).expanduser())


def _source_problems(
    config: HubConfig, layers: tuple[Layer, ...], check_source: SourceCheck
) -> list[Problem]:
    found: list[tuple[Key, str]] = []
    for number, source in enumerate(config.sources):
        literal = _literal_secrets(source)
        named = {key for key, _ in literal}
        told = [each for each in check_source(source) if each[0] not in named]
        found += [(("sources", number, *key), words) for key, words in (*literal, *told)]
    return [Problem(_place(layers, key), shown_key(key), words) for key, words in found]


def _place(layers: tuple[Layer, ...], key: Key) -> str:
    """What is said of a source as a whole is mostly about how it misbehaves."""
    whole = len(key) == len(("sources", 0))
    return nearest(layers, (*key, "misbehave") if whole else key)


def _literal_secrets(source: AnySource) -> list[tuple[Key, str]]:
    """Settings that stand there in plain text and would be seen in command lines."""
    if not isinstance(source, GatewaySource):
        return []
    return [
        ((SETTINGS, name), f"holds a secret in plain text, expected {REFERENCE}")
        for name, value in source.settings.items()
        if in_plain_text(name, value)
    ]


def _problem(layers: tuple[Layer, ...], details: ErrorDetails) -> Problem:
    key = _without_tag(details["loc"])
    return Problem(nearest(layers, key), shown_key(key), _words(key, details))


def _without_tag(loc: Key) -> Key:
    """Drop what pydantic puts into a place to say which kind of source it means."""
    if loc[0] == "sources" and len(loc) > 2 and loc[2] in SOURCE_TYPES:  # noqa: PLR2004 - after the number
        return (*loc[:2], *loc[3:])
    return loc


def _words(key: Key, details: ErrorDetails) -> str:
    match details["type"]:
        case "extra_forbidden":
            return _unknown(key)
        case "missing":
            return "is missing"
        case "union_tag_not_found":
            return f"type is missing, expected {_TYPES}"
        case kind if kind in _EXPECTED:
            words = _EXPECTED[kind]
        case _:
            words = details["msg"].removeprefix("Value error, ")
            words = words.replace("Input should", "expected to").replace("to be ", "")
    found = details["input"]
    if isinstance(found, str | int | float) and not _secret(key):
        return f"was {found!r}, {words}"
    return words


def _unknown(key: Key) -> str:
    """A key that does not belong here, with the one that may be meant."""
    siblings = _siblings(key)
    if key[-1] in siblings:
        return "does not belong to this type of source"
    close = difflib.get_close_matches(str(key[-1]), siblings, n=1)
    return "unknown key" + (f"; did you mean {close[0]}?" if close else "")


def _siblings(key: Key) -> list[str]:
    table = tuple(part for part in key[:-1] if isinstance(part, str))
    knobs = {knob.path[len(table)] for knob in KNOBS if knob.path[: len(table)] == table}
    return sorted(knobs)


def _secret(key: Key) -> bool:
    """Whether the value of a key is a secret or may hold one."""
    held = key[2:3] == (SETTINGS,) or key[:2] == ("alerts", CHANNELS)
    return held or any(secret[: len(key)] == key for secret in SECRETS)
