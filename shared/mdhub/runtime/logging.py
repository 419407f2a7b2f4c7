"""Structured log lines of a service on stderr: facts with fields, one JSON object a line.

Logging never raises: a value that cannot be shown is named, a stream that is gone is passed over.
Readable on a terminal. Fields are named one by one by the caller; nothing is logged per tick.

A service caught in a loop must neither fill the disk nor slow the ticks: beyond a burst of 500 only
100 lines a second are written, errors apart from the others, so that no flood hides them. The next
line says how many were left out.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, TextIO

__all__ = ["Logger", "service_logger"]

BURST: Final = 500
LINES_PER_S: Final = 100
ERROR: Final = "error"
_COLOURS: Final = {"info": "", "warning": "\033[33m", ERROR: "\033[31m"}


class _Allowance:
    """How many lines may be written now: `LINES_PER_S` more each second, `BURST` at most."""

    def __init__(self, now_s: float) -> None:
        self._lines = float(BURST)
        self._at_s = now_s
        self._left_out = 0

    def take(self, now_s: float) -> int | None:
        """None = leave this line out; else how many were left out before it."""
        self._lines = min(BURST, self._lines + (now_s - self._at_s) * LINES_PER_S)
        self._at_s = now_s
        if self._lines < 1:
            self._left_out += 1
            return None
        self._lines -= 1
        left_out, self._left_out = self._left_out, 0
        return left_out


class Logger:
    """Writes log lines of one service instance."""

    def __init__(
        self,
        service: str,
        instance: str,
        stream: TextIO,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._service = service
        self._instance = instance
        self._stream = stream
        self._readable = stream.isatty()
        self._monotonic = monotonic
        self._errors, self._others = _Allowance(monotonic()), _Allowance(monotonic())

    def info(self, event: str, /, **fields: Any) -> None:
        self._write("info", event, fields)

    def warning(self, event: str, /, **fields: Any) -> None:
        self._write("warning", event, fields)

    def error(self, event: str, /, **fields: Any) -> None:
        self._write(ERROR, event, fields)

    def _write(self, level: str, event: str, fields: dict[str, Any]) -> None:
        allowance = self._errors if level == ERROR else self._others
        left_out = allowance.take(self._monotonic())
        if left_out is None:
            return
        if left_out:
            fields = fields | {"left_out": left_out}
        # Who cannot be heard any more still has work to do.
        with suppress(OSError, ValueError):
            self._stream.write(self._line(level, event, fields) + "\n")
            self._stream.flush()

    def _line(self, level: str, event: str, fields: dict[str, Any]) -> str:
        if not self._readable:
            head = {
                "ts_ns": time.time_ns(),
                "level": level,
                "service": self._service,
                "instance": self._instance,
                "event": event,
            }
            try:
                return json.dumps(head | fields, ensure_ascii=False, default=_shown)
            except (TypeError, ValueError, RecursionError):
                plain = {name: _shown(value) for name, value in fields.items()}
                return json.dumps(head | plain, ensure_ascii=False)
        shown = " ".join(f"{name}={_shown(value)}" for name, value in fields.items())
        moment = time.strftime("%H:%M:%S")
        colour = _COLOURS[level]
        return f"{colour}{moment} {self._service}:{self._instance} {event} {shown}\033[0m"


def _shown(value: object) -> str:
    try:
        return str(value)
    except Exception as error:  # noqa: BLE001 - a broken __str__ must not break its reporter
        return f"<{type(value).__name__} that cannot be shown: {type(error).__name__}>"


def service_logger(service: str, instance: str) -> Logger:
    """Logger of a service, to stderr."""
    return Logger(service, instance, sys.stderr)
