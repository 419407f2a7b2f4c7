"""May an account log in now? Pure; `logins.py` keeps the record in a file.

Brokers lock an account after 6 to 10 wrong logins in a row, and an address after many more. So:

- At most `WRONG_MAX` logins refused for wrong credentials, then none until the credentials change,
  an operator clears the record, or a login of that side succeeds.
- An attempt is recorded before it is made. One whose end was never recorded (the process was
  killed) may have been a wrong login: at most `OPEN_MAX` such in an hour.
- Attempts are spaced (longer the more of them failed) and bounded per ten minutes and per hour.
  Refusals that say "not yet" are spaced only.
- A ban is for every account of the broker on this host, until an operator clears it.

Time passed is counted by a clock that cannot be set (seconds since boot), so no change of the wall
clock unlocks anything. After a reboot only the time since then counts; the bounds per time begin
anew, those on wrong and on broken-off logins do not.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from mdhub_ingest.gateways.codes import Action, Code

__all__ = [
    "Account",
    "Attempt",
    "Ban",
    "Go",
    "Moment",
    "Outcome",
    "Refuse",
    "Wait",
    "begin",
    "decide",
    "end",
    "fit",
    "refused",
    "succeeded",
]

WRONG_MAX: Final = 2
OPEN_MAX: Final = 5
HOUR_S: Final = 3_600.0
CAPS: Final = ((5, 600.0), (20, HOUR_S))
"""At most so many attempts in so many seconds."""
SPACING_S: Final = (2.0, 5.0, 15.0, 60.0, 300.0)
"""Pause before an attempt after so many without success."""
KEPT: Final = 128
"""An hour of refusals that say "not yet" must not push out the others."""


class Moment(msgspec.Struct, frozen=True):
    """Now, by the clock that cannot be set. `wall_s` is for people only."""

    boot: str
    """Which boot of the host."""
    up_s: float
    """Seconds since then."""
    wall_s: float

    def since(self, then: Moment) -> float:
        """Seconds that have surely passed."""
        if then.boot == self.boot:
            return max(0.0, self.up_s - then.up_s)
        return max(0.0, self.up_s)


class Outcome(StrEnum):
    """How an attempt ended; of two sides the worse one counts (the later in this list)."""

    OPEN = "open"
    OK = "ok"
    SILENT = "silent"
    """Connected, no answer."""
    NOT_YET = "not_yet"
    REFUSED = "refused"
    WRONG = "wrong"


_WORSE: Final = {outcome: rank for rank, outcome in enumerate(Outcome)}


class Attempt(msgspec.Struct, frozen=True):
    """One process that connected. Recorded before it does."""

    id: str
    at: Moment
    source: str = ""
    outcome: Outcome = Outcome.OPEN
    wait_s: float = 0.0
    """No other attempt sooner."""


class Ban(msgspec.Struct, frozen=True):
    """Why no account of a broker may log in."""

    code: int
    says: str
    at: Moment


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """What is recorded of an account."""

    v: int = 1
    broker: str = ""
    """Name of the record of its broker's ban."""
    salt: str = ""
    credentials: str = ""
    """Salted hash of what it logs in with."""
    wrong: dict[str, int] = {}
    """Logins refused for wrong credentials, by side."""
    last_wrong: str = ""
    attempts: tuple[Attempt, ...] = ()


class Go(msgspec.Struct, frozen=True):
    """Log in now."""


class Wait(msgspec.Struct, frozen=True):
    """Not yet."""

    wait_s: float
    until_s: float
    """Wall time, for people."""
    reason: str


class Refuse(msgspec.Struct, frozen=True):
    """Not before an operator has acted."""

    reason: str
    todo: str


Decision = Go | Wait | Refuse


def decide(account: Account, ban: Ban | None, now: Moment) -> Decision:
    """Say whether the account may log in at this moment."""
    if ban is not None:
        return Refuse(
            f"the broker has forbidden logins from this host: {ban.code} {ban.says}",
            "ask the broker to unlock, then clear the mark (mdhub_ingest.gateways.logins --clear)",
        )
    wrong = sum(account.wrong.values())
    if wrong >= WRONG_MAX:
        return Refuse(
            f"{wrong} logins were refused for wrong credentials ({account.last_wrong}); the broker "
            "locks the account after a few more",
            "mend password, auth code or user id (the hub notices that they changed), or clear the "
            "record (mdhub_ingest.gateways.logins --clear)",
        )
    waits = [_spacing(account, now), _opens(account, now), *_caps(account, now)]
    wait_s, reason = max(waits)
    return Wait(wait_s, now.wall_s + wait_s, reason) if wait_s > 0.0 else Go()


def _spacing(account: Account, now: Moment) -> tuple[float, str]:
    if not account.attempts:
        return 0.0, ""
    last = account.attempts[-1]
    failures = 0
    for attempt in reversed(account.attempts):
        if attempt.outcome is Outcome.OK:
            break
        failures += attempt.outcome is not Outcome.NOT_YET
    pause_s = max(SPACING_S[min(failures, len(SPACING_S) - 1)], last.wait_s)
    return pause_s - now.since(last.at), f"pause after {failures} attempts without success"


def _opens(account: Account, now: Moment) -> tuple[float, str]:
    opens = [attempt for attempt in account.attempts if attempt.outcome is Outcome.OPEN]
    return _until_below(
        opens, OPEN_MAX, HOUR_S, now=now,
        reason=f"{OPEN_MAX} processes died in the middle of a login within an hour",
    )  # fmt: skip


def _caps(account: Account, now: Moment) -> list[tuple[float, str]]:
    counted = [
        attempt
        for attempt in account.attempts
        if attempt.outcome is not Outcome.NOT_YET and attempt.at.boot == now.boot
    ]
    return [
        _until_below(counted, limit, within_s, now=now,
                     reason=f"{limit} logins within {within_s / 60:.0f} minutes")
        for limit, within_s in CAPS
    ]  # fmt: skip


def _until_below(
    attempts: list[Attempt], limit: int, within_s: float, *, now: Moment, reason: str
) -> tuple[float, str]:
    """Seconds until fewer than `limit` of these lie within that time."""
    if len(attempts) < limit:
        return 0.0, reason
    return within_s - now.since(attempts[-limit].at), reason


def fit(account: Account, salt: str, credentials: str) -> Account:
    """Take the credentials it has now; other ones than before have no wrong logins yet."""
    if account.credentials == credentials:
        return account
    if not account.credentials:  # a new record, or one that took the place of a damaged one
        return msgspec.structs.replace(account, salt=salt, credentials=credentials)
    fresh = msgspec.structs.replace(
        account, salt=salt, credentials=credentials, wrong={}, last_wrong=""
    )
    for attempt in account.attempts:
        fresh = _outcome(fresh, attempt.id, Outcome.SILENT)
    return fresh


def begin(account: Account, attempt: Attempt) -> Account:
    """Record an attempt that is about to be made."""
    return msgspec.structs.replace(account, attempts=(*account.attempts, attempt)[-KEPT:])


def succeeded(account: Account, attempt_id: str, side: str) -> Account:
    """A login of this side succeeded."""
    wrong = {other: count for other, count in account.wrong.items() if other != side}
    return _outcome(msgspec.structs.replace(account, wrong=wrong), attempt_id, Outcome.OK)


def refused(account: Account, attempt_id: str, side: str, code: Code) -> Account:
    """A login or authentication of this side was refused."""
    if code.wrong:
        wrong = {**account.wrong, side: account.wrong.get(side, 0) + 1}
        said = f"{side}: {code.number} {code.en}"
        account = msgspec.structs.replace(account, wrong=wrong, last_wrong=said)
        return _outcome(account, attempt_id, Outcome.WRONG, code.wait_s)
    waits = code.action is Action.WAIT
    outcome = Outcome.NOT_YET if waits else Outcome.REFUSED
    return _outcome(account, attempt_id, outcome, code.wait_s)


def end(account: Account, attempt_id: str, *, connected: bool) -> Account:
    """The process ends by itself: without an answer, or without any connection."""
    if connected:
        return _outcome(account, attempt_id, Outcome.SILENT)
    attempts = tuple(
        a for a in account.attempts if a.id != attempt_id or a.outcome is not Outcome.OPEN
    )
    return msgspec.structs.replace(account, attempts=attempts)


def _outcome(account: Account, attempt_id: str, outcome: Outcome, wait_s: float = 0.0) -> Account:
    def changed(attempt: Attempt) -> Attempt:
        if attempt.id != attempt_id:
            return attempt
        if outcome is Outcome.SILENT and attempt.outcome is not Outcome.OPEN:
            return attempt
        worst = max(attempt.outcome, outcome, key=_WORSE.__getitem__)
        return msgspec.structs.replace(attempt, outcome=worst, wait_s=max(attempt.wait_s, wait_s))

    return msgspec.structs.replace(account, attempts=tuple(map(changed, account.attempts)))
