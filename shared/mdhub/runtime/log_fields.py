"""Values of log lines as plain data of bounded size, without secrets. Pure.

What goes into a line ends on a disk, on the wire and on a screen. Two things keep secrets out: a
type that holds one (`Values`, `SecretStr`, `KeyPair`, any object at all) is shown by its own `str`,
never looked into; and every text loses the passwords of the addresses in it, and whatever secrets
`hide` knows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from mdhub.runtime.secret import Values

__all__ = ["MAX_DEPTH", "MAX_TEXT", "MAX_VALUES", "Plain", "without_passwords"]

MAX_TEXT: Final = 2_000
MAX_VALUES: Final = 200
"""Values in one line, however they are nested."""
MAX_DEPTH: Final = 6
_HIGHEST: Final = 2**63
_PASSWORD: Final = re.compile(r"(?<=://)([^\s/?#@:]*):([^\s/]*)@")
"""`user:password@` of an address; a password may hold `@`, `:`, `?` and `#`, but no `/`."""
_TOKEN: Final = re.compile(
    r"([?&](?:access_token|password|passwd|pwd|secret|sign|token|key)=)[^&\s\"']+", re.IGNORECASE
)
_CUT: Final = "..."


def without_passwords(text: str) -> str:
    """Return the text with `***` in the place of each password of an address."""
    if "=" in text:
        text = _TOKEN.sub(r"\1***", text)
    return _PASSWORD.sub(r"\1:***@", text) if "://" in text else text


class Plain:
    """Makes values plain. `hide` takes out what only its caller knows to be secret."""

    def __init__(self, hide: Callable[[str], str] = str) -> None:
        self._hide = hide

    def fields(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return text, numbers, booleans, None, lists and dicts; never raises for a value."""
        budget = [MAX_VALUES]
        return {self.text(name): self._value(each, budget, 0) for name, each in fields.items()}

    def text(self, text: str) -> str:
        """Return one line of valid UTF-8 text without secrets, cut where it is too long."""
        shown = text.encode("utf-8", "backslashreplace").decode()
        # Hidden before it is cut: half a secret would not be found.
        shown = self._hide(without_passwords(shown))
        return shown if len(shown) <= MAX_TEXT else shown[:MAX_TEXT] + _CUT

    def _value(self, value: object, budget: list[int], depth: int) -> Any:
        budget[0] -= 1
        if value is None or isinstance(value, bool):
            return value
        if type(value) is int:
            return value if -_HIGHEST <= value < _HIGHEST else self.text(_shown(value))
        if type(value) is float:
            return value
        if type(value) is str:
            return self.text(value)
        if isinstance(value, Values):
            return str(value)
        if isinstance(value, Mapping | list | tuple | set | frozenset):
            return self._many(value, budget, depth)
        return self.text(_shown(value))

    def _many(self, value: Any, budget: list[int], depth: int) -> Any:
        if depth >= MAX_DEPTH or budget[0] <= 0:
            return _CUT
        if isinstance(value, Mapping):
            named = {}
            for name, each in value.items():
                if budget[0] <= 0:
                    named[_CUT] = len(value)
                    break
                named[self.text(_shown(name))] = self._value(each, budget, depth + 1)
            return named
        listed = []
        for each in value:
            if budget[0] <= 0:
                listed.append(_CUT)
                break
            listed.append(self._value(each, budget, depth + 1))
        return listed


def _shown(value: object) -> str:
    try:
        return str(value)
    except Exception as error:  # noqa: BLE001 - a broken __str__ must not break its reporter
        return f"<{type(value).__name__} that cannot be shown: {type(error).__name__}>"
