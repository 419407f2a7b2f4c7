"""What others say, as lines of our logger: stdlib logging, warnings, uncaught exceptions.

A library's WARNING, a `warnings.warn` and the traceback of a thread that died would otherwise stand
on stderr as text that no reader of JSON lines takes, without a limit, and not in the `logs` stream.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Final

from mdhub.runtime.logging import Logger

__all__ = ["CRASHED", "FOREIGN", "captured", "crash_told"]

FOREIGN: Final = "library"
"""Event of a line that a library said."""
CRASHED: Final = "crashed"
"""Event of an exception that nobody caught."""
TRACE_CHARS: Final = 1_900
"""Of a traceback, its end: there it says what happened."""


class _Handler(logging.Handler):
    def __init__(self, logger: Logger) -> None:
        super().__init__(logging.INFO)
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a record on; one that cannot be formatted is told as it stands."""
        try:
            text = record.getMessage()
        except Exception:  # noqa: BLE001 - the caller's format string is wrong
            text = f"{record.msg} {record.args}"
        fields: dict[str, Any] = {"logger": record.name, "text": text}
        if record.exc_info and record.exc_info[0]:
            fields["trace"] = _trace(*record.exc_info)
        if record.levelno >= logging.ERROR:
            self._logger.error(FOREIGN, **fields)
        elif record.levelno >= logging.WARNING:
            self._logger.warning(FOREIGN, **fields)
        else:
            self._logger.info(FOREIGN, **fields)


@contextmanager
def captured(logger: Logger) -> Iterator[None]:
    """Route everything others say to the logger, until the block ends.

    Handlers that were on the root logger before are put aside meanwhile.
    """
    root = logging.getLogger()
    before, handler = root.handlers[:], _Handler(logger)
    hooks = (threading.excepthook, sys.unraisablehook)
    root.handlers[:] = [handler]
    logging.captureWarnings(True)
    threading.excepthook = lambda args: _thread_crashed(logger, args)
    sys.unraisablehook = lambda args: _crashed(
        logger, "finalizer", args.exc_type, args.exc_value, args.exc_traceback
    )
    try:
        yield
    finally:
        threading.excepthook, sys.unraisablehook = hooks
        logging.captureWarnings(False)
        root.handlers[:] = before


@contextmanager
def crash_told(logger: Logger) -> Iterator[None]:
    """An exception that leaves the block, and then this process, is a line and no bare traceback.

    Raises it on: the exit code stays what it was.
    """
    try:
        yield
    except Exception as told:
        _crashed(logger, "main", type(told), told, told.__traceback__)
        last = told
        sys.excepthook = lambda kind, error, trace: (
            None if error is last else sys.__excepthook__(kind, error, trace)
        )
        raise


def _thread_crashed(logger: Logger, args: threading.ExceptHookArgs) -> None:
    if args.exc_type is not SystemExit:
        name = args.thread.name if args.thread is not None else "thread"
        _crashed(logger, name, args.exc_type, args.exc_value, args.exc_traceback)


def _crashed(
    logger: Logger,
    where: str,
    kind: type[BaseException] | None,
    error: BaseException | None,
    trace: TracebackType | None,
) -> None:
    name = "exception" if kind is None else kind.__name__
    logger.error(
        CRASHED, where=where, cause=name, reason=str(error), trace=_trace(kind, error, trace)
    )


def _trace(
    kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
) -> str:
    return "".join(traceback.format_exception(kind, error, trace))[-TRACE_CHARS:]
