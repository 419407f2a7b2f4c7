"""Structured log lines of a service on stderr: facts with fields, one JSON object a line.

Logging never raises: a value that cannot be shown is named, a stream that is gone is passed over.
Readable on a terminal. Fields are named one by one by the caller; nothing is logged per tick.
"""

from __future__ import annotations

import json
import sys
import time
from contextlib import suppress
from typing import Any, Final, TextIO

__all__ = ["Logger", "service_logger"]

_COLOURS: Final = {"info": "", "warning": "\033[33m", "error": "\033[31m"}


class Logger:
    """Writes log lines of one service instance."""

    def __init__(self, service: str, instance: str, stream: TextIO) -> None:
        self._service = service
        self._instance = instance
        self._stream = stream
        self._readable = stream.isatty()

    def info(self, event: str, /, **fields: Any) -> None:
        self._write("info", event, fields)

    def warning(self, event: str, /, **fields: Any) -> None:
        self._write("warning", event, fields)

    def error(self, event: str, /, **fields: Any) -> None:
        self._write("error", event, fields)

    def _write(self, level: str, event: str, fields: dict[str, Any]) -> None:
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
