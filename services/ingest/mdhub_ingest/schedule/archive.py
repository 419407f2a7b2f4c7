"""The archive hook: a program of the operator's, run at the close, with a limit. No shell.

It gets MDHUB_SESSION and MDHUB_TRADING_DAY, and MDHUB_REDIS_URL as the hub has it, but no secret of
an account. It runs in a process group of its own, which is ended as a whole at the limit.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO, Any, Final

from mdhub.calendar.windows import Window

__all__ = ["ArchiveRun"]

TERM_GRACE_S: Final = 5.0
SHOWN: Final = 500
"""Characters of its last output that the event repeats."""


class ArchiveRun:
    """One run. `poll` returns its outcome once it is over, and never waits."""

    def __init__(
        self,
        command: Sequence[str],
        window: Window,
        *,
        limit_s: float,
        without: Mapping[str, str],
    ) -> None:
        """Starts it. `without`: variables that are emptied for it."""
        self.window = window
        self._limit_s = limit_s
        self._began_s = time.monotonic()
        self._told_to_end = False
        self._output: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by poll
        told = {
            "MDHUB_SESSION": window.session,
            "MDHUB_TRADING_DAY": f"{window.trading_day:%Y%m%d}",
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._error = ""
        try:
            self._process = subprocess.Popen(
                list(command),
                env={**os.environ, **without, **told},
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            self._error = str(error)

    def poll(self) -> dict[str, Any] | None:
        """Body of the event that tells of its end; None while it runs."""
        if self._process is None:
            self._output.close()
            return {"change": "archive_failed", "reason": self._error}
        took_s = time.monotonic() - self._began_s
        code = self._process.poll()
        if code is None:
            if took_s > self._limit_s:
                late = took_s > self._limit_s + TERM_GRACE_S
                self._signal(signal.SIGKILL if late else signal.SIGTERM)
                self._told_to_end = True
            return None
        self._signal(signal.SIGKILL)  # what it left behind
        change = "archive_late" if self._told_to_end else "archive_failed" if code else "archived"
        return {
            "change": change,
            "exit_code": code,
            "took_s": round(took_s, 1),
            "limit_s": self._limit_s,
            "output": self._last_words(),
        }

    def end(self) -> None:
        """End it: the hub stops."""
        if self._process is not None and self._process.poll() is None:
            self._signal(signal.SIGKILL)
            self._process.wait()
        self._output.close()

    def _signal(self, number: int) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)

    def _last_words(self) -> str:
        size = self._output.seek(0, os.SEEK_END)
        self._output.seek(max(0, size - 4 * SHOWN))
        text = self._output.read().decode(errors="replace").strip()
        self._output.close()
        return text[-SHOWN:]
