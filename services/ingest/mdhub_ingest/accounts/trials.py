"""Tests of connections, each in a process of its own with a limit of time; one result each.

Belongs to the main thread: the processes die with it.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

import msgspec

from mdhub.runtime.keeper import ChildSpec, ChildState, Keeper
from mdhub_ingest.accounts.specs import Judged, spec_of
from mdhub_ingest.schedule.link import Told
from mdhub_ingest.spec import SourceSpec

__all__ = ["LIMIT_S", "Trials"]

LIMIT_S: Final = 40.0
"""Longer than the fronts' deadlines (20 s), so that the process itself says what was late."""
AT_ONCE: Final = 4
RESULT_MAX: Final = 65_536


@dataclass(slots=True)
class _Trial:
    told: Told
    output: IO[bytes]
    until_s: float
    ended: list[ChildState] = field(default_factory=list)


class Trials:
    """What is being tested now, by account."""

    def __init__(
        self, data: Path, *, command: Sequence[str] = (), limit_s: float = LIMIT_S
    ) -> None:
        """`command` in place of the program, for tests."""
        self._command = [
            *(command or (sys.executable, "-m", "mdhub_ingest.accounts.trial")),
            "--data", str(data.resolve()),
        ]  # fmt: skip
        self._limit_s = limit_s
        self._running: dict[str, _Trial] = {}
        self._keeper = Keeper(on_exit=self._ended)

    def runs(self, account: str) -> bool:
        """Whether this account is being tested, or no further test can be begun now."""
        return account in self._running or len(self._running) >= AT_ONCE

    @staticmethod
    def spec_of(judged: Judged) -> SourceSpec:
        """Return a source to be tested, also of an account that is disabled."""
        return judged.spec or spec_of(judged.account)

    def begin(self, told: Told, letter: bytes, account: str) -> None:
        """Start a test; `turn` gives its result."""
        output = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the test has ended
        self._running[account] = _Trial(told, output, time.monotonic() + self._limit_s)
        self._keeper.want(
            ChildSpec(
                account, lambda _: self._command, {}, stdout=output.fileno(), give_up_after=1,
                restart_after_success=False, told=lambda: letter,
            )
        )  # fmt: skip

    def turn(self) -> Iterator[tuple[Told, dict[str, Any]]]:
        """Look after the tests; the results of those that ended."""
        if not self._running:
            return
        self._keeper.converge()
        for account, trial in list(self._running.items()):
            late = time.monotonic() > trial.until_s
            if trial.ended or late:
                self._end(account)
                yield trial.told, _result(account, trial, self._limit_s)

    def close(self) -> None:
        for account in list(self._running):
            self._end(account)

    def _ended(self, state: ChildState) -> None:
        self._running[state.spec.name].ended.append(state)

    def _end(self, account: str) -> None:
        self._keeper.kill(account)
        self._keeper.stop(account)
        del self._running[account]


def _result(account: str, trial: _Trial, limit_s: float) -> dict[str, Any]:
    with trial.output as output:
        output.seek(0)
        text = output.read(RESULT_MAX)
    try:
        found: dict[str, Any] = msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError:
        found = {"ok": False, "stages": [], "error": _why(trial, limit_s)}
    return {"account": account, **found}


def _why(trial: _Trial, limit_s: float) -> str:
    if not trial.ended:
        return f"the test did not end within {limit_s:g} s: its process was killed"
    code = trial.ended[0].last_exit
    return f"the process of the test ended with exit code {code} and said nothing: see its log"
