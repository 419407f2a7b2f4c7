"""Checks and translates a source's settings into those its gateway's `connect` wants.

Keys and types come from the class's `default_setting`; English names from its profile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from mdhub.runtime.secret import Value
from mdhub_ingest.gateways.loader import GatewayError

if TYPE_CHECKING:
    from mdhub.accounts.kinds import Profile

__all__ = ["BadSettings", "gateway_settings"]

_TYPES: Final = {str: "text", bool: "true or false", int: "a whole number", float: "a number"}
_YES: Final = {"true": True, "false": False}


class BadSettings(GatewayError):
    """Settings that the gateway would not understand; `problems` has all of them."""

    def __init__(self, source: str, problems: Sequence[str]) -> None:
        super().__init__(f"source {source!r}: settings: {'; '.join(problems)}")
        self.problems = tuple(problems)


class _Problem(Exception):
    """One thing wrong with one value."""


def gateway_settings(
    source: str,
    given: Mapping[str, Value],
    default_setting: Mapping[str, Any],
    profile: Profile,
) -> dict[str, Any]:
    """Return a complete set of settings under the gateway's own keys.

    What is not given takes the class's default; of a list of choices the first. Text is read as a
    number or a truth value where the gateway wants one, since references give text. Raises
    BadSettings with every problem; it never shows the value of a secret.
    """
    problems: list[str] = []
    names = _by_key(given, default_setting, profile, problems)
    settings: dict[str, Any] = {}
    for key, default in default_setting.items():
        name = names.get(key)
        if name is None:
            settings[key] = default[0] if isinstance(default, list) and default else default
            if key in profile.required:
                problems.append(f"{_shown(key, profile)} is missing")
            continue
        try:
            settings[key] = _value(given[name], default, profile.words.get(key, {}))
            if key in profile.required and not settings[key]:
                problems.append(f"{name} is empty")
        except _Problem as problem:
            found = "a value that is not shown" if profile.is_secret(name) else repr(given[name])
            problems.append(f"{name} was {found}, expected {problem}")
    if problems:
        raise BadSettings(source, problems)
    return settings


def _by_key(
    given: Mapping[str, Value],
    default_setting: Mapping[str, Any],
    profile: Profile,
    problems: list[str],
) -> dict[str, str]:
    """Map the gateway's keys to the names they were given under."""
    names: dict[str, str] = {}
    for name, value in given.items():
        key = profile.key_of(name)
        if key in names:
            problems.append(f"{name} and {names[key]} mean the same; expected one of them")
        elif key in default_setting:
            names[key] = name
        elif key in profile.implied:
            word = profile.words.get(key, {}).get(str(value), value)
            if word != profile.implied[key]:
                problems.append(
                    f"{name} was {value!r}, but the installed version of the gateway knows only "
                    f"{_english(profile, key, profile.implied[key])}"
                )
        else:
            problems.append(_unknown(name, default_setting, profile))
    return names


def _unknown(name: str, default_setting: Mapping[str, Any], profile: Profile) -> str:
    known = [_shown(key, profile) for key in default_setting]
    plain = [alias for alias, key in profile.aliases.items() if key in default_setting]
    near = get_close_matches(name, [*plain, *default_setting], n=1)
    hint = f", did you mean {near[0]}?" if near else f"; there are {', '.join(known)}"
    return f"{name} is unknown{hint}"


def _shown(key: str, profile: Profile) -> str:
    for alias, own in profile.aliases.items():
        if own == key:
            return f"{alias} ({key})"
    return key


def _english(profile: Profile, key: str, word: str) -> str:
    for english, own in profile.words.get(key, {}).items():
        if own == word:
            return f"{english} ({own})"
    return word


def _value(value: Value, default: Any, words: Mapping[str, str]) -> Any:
    if isinstance(default, list):
        return _choice(value, default, words)
    if isinstance(default, str):
        if isinstance(value, str):
            return value
        raise _Problem("text; put it in quotes")
    if isinstance(default, bool):
        return _truth(value)
    if isinstance(default, (int, float)):
        return _number(value, type(default))
    return value


def _choice(value: Value, choices: list[Any], words: Mapping[str, str]) -> Any:
    word = words.get(value, value) if isinstance(value, str) else value
    for choice in choices:
        if choice == word or str(choice) == word:
            return choice
    english = {own: name for name, own in words.items()}
    shown = (f"{english[c]} ({c})" if c in english else str(c) for c in choices)
    raise _Problem(f"one of {', '.join(shown)}")


def _truth(value: Value) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _YES:
        return _YES[value.lower()]
    raise _Problem(_TYPES[bool])


def _number(value: Value, kind: type[int | float]) -> int | float:
    fits = isinstance(value, (str, int)) or kind is float
    if fits and not isinstance(value, bool):
        try:
            return kind(value)
        except ValueError:
            pass
    raise _Problem(_TYPES[kind])
