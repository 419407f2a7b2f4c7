"""A log whose calls fail on order, as a lost connection would make them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from mdhub.streams.errors import UnknownOutcome
from mdhub.streams.port import Log

__all__ = ["Faults", "faulty"]


class Faults:
    """Which calls fail from now on; shared by all logs opened through it."""

    def __init__(self) -> None:
        self.calls = 0
        self._at: int | None = None
        self._name = ""
        self._after = False

    def fail(self, *, nth: int = 1, name: str = "", executed: bool = False) -> None:
        """Let the n-th call from now (of that name) fail; `executed` = only its reply is lost."""
        self.calls, self._at, self._name, self._after = 0, nth, name, executed

    @property
    def pending(self) -> bool:
        return self._at is not None

    def call(self, name: str, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if self._at is None or self._name not in {"", name}:
            return method(*args, **kwargs)
        self.calls += 1
        if self.calls < self._at:
            return method(*args, **kwargs)
        self._at = None
        if self._after:
            method(*args, **kwargs)
        raise UnknownOutcome(f"{name} failed on order")


class _FaultyLog:
    def __init__(self, log: Log, faults: Faults) -> None:
        self._log = log
        self._faults = faults

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._log, name)
        if name == "close":
            return method
        return lambda *args, **kwargs: self._faults.call(name, method, *args, **kwargs)


def faulty(log: Log, faults: Faults) -> Log:
    """Wrap a log: its calls fail as `faults` says (those of its tails do not)."""
    return cast("Log", _FaultyLog(log, faults))
