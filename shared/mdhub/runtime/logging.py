"""Log lines of a service: facts with fields, one JSON object a line on stderr.

Fields are named one by one by the caller; nothing is logged per tick. Logging never raises: a value
that cannot be shown is named, a stream that is gone is passed over. Where a person looks on, lines
are readable. `shipped` (log_shipping.py) also writes them to the `logs` stream.

Level and limits (log_limits.py) come first, so that a flood costs its sender little. A line that is
admitted passes through a chain of structlog: the id of the command that it comes of, plain values
without secrets (log_fields.py), the stream, the text.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager, suppress
from typing import Any, Final, TextIO
from urllib.parse import unquote, urlsplit

import msgspec

from mdhub.runtime.log_fields import Plain
from mdhub.runtime.log_limits import LineLimits
from mdhub.runtime.secret import Hidden, Value
from mdhub.wire.ops import LEVELS

# Importing structlog imports rich where that is installed, for tracebacks that no service draws:
# 90 of 130 ms, in each of ten processes that start on two cores (docs/decisions/033).
_ABSENT = object()
_rich: Any = sys.modules.get("rich", _ABSENT)
if _rich is _ABSENT:
    sys.modules["rich"] = None  # type: ignore[assignment]
try:
    import structlog
finally:
    if _rich is _ABSENT:
        del sys.modules["rich"]

__all__ = ["LEVEL_VARIABLE", "Line", "Logger", "correlated", "service_logger"]

LEVEL_VARIABLE: Final = "MDHUB_LOGS__LEVEL"
HEAD: Final = ("ts_ns", "level", "service", "instance", "event", "correlation_id")
"""Names that each line has; a field of the caller of the same name is told as `field_<name>`."""
LEFT_OUT: Final = "lines_left_out"
_COLOURS: Final = {"debug": "\033[2m", "info": "", "warning": "\033[33m", "error": "\033[31m"}

Line = MutableMapping[str, Any]
"""A line on its way: the names of HEAD, then the fields."""


@contextmanager
def correlated(correlation_id: str) -> Iterator[None]:
    """Lines said inside, in this thread, carry the id: that of the command they come of."""
    with structlog.contextvars.bound_contextvars(correlation_id=correlation_id):
        yield


class Logger:
    """Writes log lines of one service instance. May be used from any thread."""

    def __init__(
        self,
        service: str,
        instance: str,
        stream: TextIO,
        monotonic: Callable[[], float] = time.monotonic,
        *,
        level: str = "info",
    ) -> None:
        self.service = service
        self.instance = instance
        self.ship: Callable[[Line], None] = lambda _line: None
        """Gets each line before it is written; must neither wait nor raise."""
        self._monotonic = monotonic
        self._limits = LineLimits(monotonic())
        self._lowest = LEVELS.index(level)
        self._lock = threading.RLock()
        self._secrets: set[Value] = set()
        self._plain = Plain()
        chain = [structlog.contextvars.merge_contextvars, self._whole, self._passed_on]
        self._log = structlog.wrap_logger(
            _Output(stream),
            processors=[*chain, _readable if stream.isatty() else _json],
            wrapper_class=structlog.make_filtering_bound_logger(0),
            cache_logger_on_first_use=True,
        ).bind()

    def hide(self, *secrets: Value) -> None:
        """Let these never be seen in a line, wherever they stand."""
        self._secrets |= {each for each in secrets if each != ""}
        self._plain = Plain(Hidden(self._secrets))

    def debug(self, event: str, /, **fields: Any) -> None:
        self._say("debug", event, fields)

    def info(self, event: str, /, **fields: Any) -> None:
        self._say("info", event, fields)

    def warning(self, event: str, /, **fields: Any) -> None:
        self._say("warning", event, fields)

    def error(self, event: str, /, **fields: Any) -> None:
        self._say("error", event, fields)

    def tell_left_out(self) -> None:
        """Say what the limits left out and no later line of the same event tells of."""
        with self._lock:
            untold = self._limits.untold(self._monotonic())
        if untold:
            self.warning(LEFT_OUT, lines=sum(untold.values()), events=untold)

    def _say(self, level: str, event: str, fields: dict[str, Any]) -> None:
        if LEVELS.index(level) < self._lowest:
            return
        with self._lock:
            left_out = self._limits.admit(event, self._monotonic(), error=level == "error")
        if left_out is None:
            return
        if left_out:
            fields["left_out"] = left_out
        # Who cannot be heard any more still has work to do.
        with suppress(OSError, ValueError):
            getattr(self._log, level)(event, fields=fields)

    def _whole(self, _logger: Any, level: str, line: Line) -> Line:
        """Put the head before the fields, all of it plain."""
        head = {
            "ts_ns": time.time_ns(),
            "level": level,
            "service": self.service,
            "instance": self.instance,
            "event": line["event"],
        }
        if "correlation_id" in line:
            head["correlation_id"] = line["correlation_id"]
        fields = self._plain.fields(line["fields"])
        return head | {f"field_{k}" if k in HEAD else k: v for k, v in fields.items()}

    def _passed_on(self, _logger: Any, _level: str, line: Line) -> Line:
        self.ship(line)
        return line


class _Output:
    """Writes whole lines; a line said while another is being written waits for nobody.

    A finalizer may do so in the same thread. structlog's own writers would wait for themselves.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self._lock = threading.RLock()

    def msg(self, text: str) -> None:
        with self._lock:
            self.stream.write(text + "\n")
            self.stream.flush()

    debug = info = warning = error = msg


def _json(_logger: Any, _level: str, line: Line) -> str:
    return msgspec.json.encode(line).decode()


def _readable(_logger: Any, level: str, line: Line) -> str:
    shown = " ".join(f"{name}={each}" for name, each in line.items() if name not in HEAD)
    who = f"{line['service']}:{line['instance']}"
    return f"{_COLOURS[level]}{time.strftime('%H:%M:%S')} {who} {line['event']} {shown}\033[0m"


def service_logger(service: str, instance: str) -> Logger:
    """Logger of a service to stderr: of the level that MDHUB_LOGS__LEVEL names, else `info`.

    The password of the server's address is hidden wherever it stands.
    """
    level = os.environ.get(LEVEL_VARIABLE, "").lower()
    logger = Logger(service, instance, sys.stderr, level=level if level in LEVELS else "info")
    if level and level not in LEVELS:
        logger.warning(
            "bad_log_level", variable=LEVEL_VARIABLE, found=level, expected=", ".join(LEVELS)
        )
    logger.hide(*_passwords(os.environ.get("MDHUB_REDIS_URL", "")))
    return logger


def _passwords(url: str) -> set[str]:
    """As it stands in the address, and as the server gets it."""
    try:
        password = urlsplit(url).password or ""
    except ValueError:
        return set()
    return {password, unquote(password)}
