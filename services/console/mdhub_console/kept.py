"""A value that costs something to find out, kept for a while; who asks meanwhile waits for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

__all__ = ["Kept", "Newest"]

Value = TypeVar("Value")


class Kept(Generic[Value]):
    """However many ask at once, it is found out once; what was raised is not kept."""

    def __init__(self, keep_s: float) -> None:
        self._keep_s = keep_s
        self._lock = Lock()
        self._known: tuple[float, Value] | None = None

    def get(self, find: Callable[[], Value], *, at_most_s: float | None = None) -> Value:
        """The value; one that is too old (or older than is asked for) is found out anew."""
        keep_s = self._keep_s if at_most_s is None else min(at_most_s, self._keep_s)
        with self._lock:
            if self._known is not None:
                at_s, value = self._known
                if time.monotonic() - at_s < keep_s:
                    return value
            value = find()
            self._known = (time.monotonic(), value)
            return value


class Newest(Generic[Value]):
    """For each name what was made for its newest mark: however many ask, it is made once.

    Bound: one value per name; names are few (languages).
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._made: dict[str, tuple[object, Value]] = {}

    def get(self, name: str, mark: object, make: Callable[[], Value]) -> Value:
        """The value of this mark; another mark makes it anew."""
        with self._lock:
            made = self._made.get(name)
            if made is None or made[0] != mark:
                made = self._made[name] = (mark, make())
            return made[1]
