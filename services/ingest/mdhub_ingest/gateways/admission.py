"""Before a gateway connects: may this account log in now? Afterwards: what became of it.

The record of logins is shared by all sources of the host and outlives every process (`logins.py`);
without it a supervisor that restarts a child would knock until the broker locks the account.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Event
from typing import Final

from mdhub.accounts.kinds import profile_of
from mdhub.runtime.logging import Logger
from mdhub.runtime.secret import Value
from mdhub.wire.ops import Severity
from mdhub_ingest.gateways.budget import Go, Refuse, Wait
from mdhub_ingest.gateways.codes import CTP_FAMILY
from mdhub_ingest.gateways.logins import FOLDER, Logins, LoginsError
from mdhub_ingest.gateways.port import Note, Say

__all__ = ["Admission", "logins_of"]

NAP_S: Final = 0.1


def logins_of(
    name: str, kind: str, class_path: str, settings: Mapping[str, Value], data: Path
) -> Logins | None:
    """Return the record of an account of the CTP family; None for others: they have no such locks.

    `settings` hold no references any more.
    """
    known, profile = profile_of(kind, class_path)
    if known not in CTP_FAMILY:
        return None
    account = profile.in_english(settings)
    return Logins(
        data / FOLDER,
        broker=account["broker_id"],
        user=account["user_id"],
        credentials=[account[name] for name in ("password", "app_id", "auth_code")],
        source=name,
        kind=known,
    )


class Admission:
    """Asks before, tells afterwards. A record that fails later does not end a good connection."""

    def __init__(
        self,
        logins: Logins | None,
        logger: Logger,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._logins = logins
        self._logger = logger
        self._monotonic = monotonic

    def wait(self, stop: Event, *, alive: Callable[[], object], say: Say) -> bool:
        """Return when the gateway may connect (True), was told to stop, or must not (False).

        Raises LoginsError: without the record nothing may log in.
        """
        said = ""
        while self._logins is not None and not stop.is_set():
            alive()
            match self._logins.ask():
                case Go():
                    return True
                case Refuse(reason=reason, todo=todo):
                    say("login_not_allowed", {"reason": reason, "todo": todo}, Severity.ERROR)
                    return False
                case Wait(wait_s=wait_s, until_s=until_s, reason=reason):
                    if reason != said:
                        said = reason
                        until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(until_s))
                        facts = {"reason": reason, "until": until, "wait_s": round(wait_s, 1)}
                        say("login_waits", facts, Severity.WARNING)
                    self._nap(wait_s, stop, alive)
        return not stop.is_set()

    def heard(self, notes: Sequence[Note]) -> None:
        """Record what callbacks said of logins."""
        self._record(lambda logins: logins.heard(notes))

    def end(self) -> None:
        """Record that the process ends by itself."""
        self._record(Logins.end)

    def _record(self, act: Callable[[Logins], object]) -> None:
        if self._logins is None:
            return
        try:
            act(self._logins)
        except LoginsError as error:
            self._logger.error("logins_not_recorded", reason=str(error))

    def _nap(self, wait_s: float, stop: Event, alive: Callable[[], object]) -> None:
        until_s = self._monotonic() + wait_s
        while not stop.is_set() and (left_s := until_s - self._monotonic()) > 0:
            alive()
            stop.wait(min(left_s, NAP_S))
