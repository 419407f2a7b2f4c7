"""On which line of a TOML file a key stands (tomllib does not tell).

The text must have been parsed by tomllib before: what is not valid TOML is not noticed here.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from typing import Final

__all__ = ["Key", "locate"]

Key = tuple[str | int, ...]
"""Names of tables and keys, numbers of array elements: `("sources", 0, "seed")`."""

_BLANK: Final = re.compile(r"[ \t]*")
_FILLING: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR: Final = re.compile(r"[^,\]}#\r\n]*")
_STRINGS: Final = (
    re.compile(r'"""(?:[^"\\]|\\.|"{1,2}(?!"))*"{3,5}', re.DOTALL),
    re.compile(r"'''(?:[^']|'{1,2}(?!'))*'{3,5}"),
    re.compile(r'"(?:[^"\\]|\\.)*"'),
    re.compile(r"'[^']*'"),
)


def locate(text: str) -> dict[Key, int]:
    """Map every key, table and array element of a TOML document to its line, from 1."""
    return _Scanner(text).document()


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._newlines = [found.start() for found in re.finditer("\n", text)]
        self._lengths: dict[Key, int] = {}
        self._lines: dict[Key, int] = {}

    def document(self) -> dict[Key, int]:
        table: Key = ()
        while self._next(_FILLING):
            if self._took("[["):
                table = self._element()
            elif self._took("["):
                table = self._resolved(self._key())
                self._note(table)
            else:
                self._pair(table)
                continue
            while self._took("]"):
                pass
        return self._lines

    def _element(self) -> Key:
        """Open the next element of an array of tables."""
        parts = self._key()
        array = (*self._resolved(parts[:-1]), parts[-1])
        number = self._lengths.get(array, 0)
        self._lengths[array] = number + 1
        self._note((*array, number))
        return (*array, number)

    def _resolved(self, parts: Key) -> Key:
        """Let the name of an array of tables mean its newest element."""
        path: Key = ()
        for part in parts:
            path = (*path, part)
            if path in self._lengths:
                path = (*path, self._lengths[path] - 1)
        return path

    def _pair(self, table: Key) -> None:
        path = (*table, *self._key())
        self._note(path)
        self._took("=")
        self._next(_BLANK)
        self._value(path)

    def _key(self) -> Key:
        parts = [self._part()]
        while self._took("."):
            parts.append(self._part())
        return tuple(parts)

    def _part(self) -> str:
        self._next(_BLANK)
        if self._text[self._at] in "\"'":
            name: str = tomllib.loads(f"key = {self._string()}")["key"]
        else:
            name = self._match(_BARE)
        self._next(_BLANK)
        return name

    def _value(self, path: Key) -> None:
        if self._took("["):
            number = 0
            while self._inside("]"):
                self._note((*path, number))
                self._value((*path, number))
                number += 1
        elif self._took("{"):
            while self._inside("}"):
                self._pair(path)
        elif self._text[self._at] in "\"'":
            self._string()
        else:
            self._match(_SCALAR)

    def _inside(self, end: str) -> bool:
        """Whether another element follows before the end of an array or inline table."""
        self._next(_FILLING)
        self._took(",")
        self._next(_FILLING)
        return not self._took(end)

    def _string(self) -> str:
        form = next(form for form in _STRINGS if form.match(self._text, self._at))
        return self._match(form)

    def _match(self, form: re.Pattern[str]) -> str:
        found = form.match(self._text, self._at)
        token = found[0] if found else ""
        self._at += len(token)
        return token

    def _next(self, filling: re.Pattern[str]) -> bool:
        """Pass over what says nothing; tell whether something follows."""
        self._match(filling)
        return self._at < len(self._text)

    def _took(self, token: str) -> bool:
        if not self._text.startswith(token, self._at):
            return False
        self._at += len(token)
        return True

    def _note(self, path: Key) -> None:
        line = bisect_right(self._newlines, self._at) + 1
        for length in range(1, len(path) + 1):
            self._lines.setdefault(path[:length], line)
