"""The login record of each account on this host: `<data>/gateways/logins/`. Rules: `budget.py`.

    python -m mdhub_ingest.gateways.logins --data DIR                 # what is recorded
    python -m mdhub_ingest.gateways.logins --data DIR --clear CTP1    # after an operator has acted

Shared by all sources of the host, so two of them with one account have one budget. A file holds no
secret: credentials are a salted scrypt hash, the user is part of the file's name as a hash.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import secrets
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec

from mdhub.wire.errors import MdhubError
from mdhub_ingest.gateways import budget, codes
from mdhub_ingest.gateways.budget import Account, Attempt, Ban, Decision, Go, Moment
from mdhub_ingest.gateways.port import Note, NoteKind

__all__ = ["FOLDER", "Logins", "LoginsError", "main", "moment"]

FOLDER: Final = Path("gateways", "logins")
"""Inside the hub's data folder."""
LOCK_S: Final = 2.0
DAMAGED: Final = "the record could not be read"
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_SCRYPT: Final = {"n": 2**14, "r": 8, "p": 1, "dklen": 16}


class LoginsError(MdhubError):
    """The record cannot be kept: without it nothing may log in."""


def moment() -> Moment:
    """Return now, by this host's clocks."""
    boot = ""
    with suppress(OSError):
        boot = _BOOT_ID.read_text("ascii").strip()
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return Moment(boot, time.clock_gettime(clock), time.time())


class Logins:
    """What one process asks before it connects and tells afterwards. For one thread."""

    def __init__(  # noqa: PLR0913 - an account, what it logs in with, and who asks
        self,
        folder: Path,
        *,
        broker: str,
        user: str,
        credentials: Iterable[str],
        source: str,
        kind: str = "ctp",
        now: Callable[[], Moment] = moment,
    ) -> None:
        self._folder = folder
        self._account = folder / f"{_name('account', broker, user)}.json"
        self._ban = folder / f"{_name('broker', broker)}.ban.json"
        self._credentials = "\0".join(credentials).encode()
        self._source = source
        self._kind = kind
        self._now = now
        self._attempt = ""
        self._connected = False

    def ask(self) -> Decision:
        """Say whether to connect now; `Go` has recorded the attempt. Raises LoginsError."""
        with _locked(self._account):
            account = self._fitting(_read(self._account))
            now = self._now()
            decision = budget.decide(account, _read_ban(self._ban, now), now)
            if isinstance(decision, Go):
                self._attempt = secrets.token_hex(8)
                account = budget.begin(account, Attempt(self._attempt, now, self._source))
                _write(self._account, account)
        return decision

    def heard(self, notes: Iterable[Note]) -> None:
        """Record what became of the attempt. Raises LoginsError."""
        answers = []
        for note in notes:
            self._connected = self._connected or note.kind is NoteKind.CONNECTED
            if note.kind is NoteKind.LOGIN or (note.kind is NoteKind.AUTH and note.code):
                answers.append(note)
        if not (answers and self._attempt):
            return
        with _locked(self._account):
            account = before = _read(self._account)
            for note in answers:
                account = self._answered(account, note)
            if account != before:
                _write(self._account, account)

    def end(self) -> None:
        """Record that the process ends by itself. Raises LoginsError."""
        if not self._attempt:
            return
        with _locked(self._account):
            account = budget.end(_read(self._account), self._attempt, connected=self._connected)
            _write(self._account, account)
        self._attempt = ""

    def _answered(self, account: Account, note: Note) -> Account:
        if not note.code:
            return budget.succeeded(account, self._attempt, note.side.value)
        code = codes.error(note.code, self._kind)
        if code.broker:
            _write(self._ban, Ban(code.number, code.en, self._now()))
        return budget.refused(account, self._attempt, note.side.value, code)

    def _fitting(self, account: Account) -> Account:
        salt = account.salt or secrets.token_hex(16)
        hashed = _hash(self._credentials, salt)
        if account.credentials != hashed:
            salt = secrets.token_hex(16)
            hashed = _hash(self._credentials, salt)
        fitting = budget.fit(account, salt, hashed)
        return msgspec.structs.replace(fitting, broker=self._ban.name)


def _name(what: str, *parts: str) -> str:
    text = "\0".join(parts)
    return f"{what}-{hashlib.sha256(text.encode()).hexdigest()[:24]}"


def _hash(credentials: bytes, salt: str) -> str:
    return hashlib.scrypt(credentials, salt=bytes.fromhex(salt), **_SCRYPT).hex()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Keep other processes out; a holder that was killed lets go by itself."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise _unusable(path, error) from error
    try:
        _take(handle, path)
        yield
    finally:
        os.close(handle)


def _take(handle: int, path: Path) -> None:
    until_s = time.monotonic() + LOCK_S
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError as error:
            if time.monotonic() >= until_s:
                raise LoginsError(
                    f"{path}: another process has held the lock for {LOCK_S:g} s, expected "
                    "milliseconds; find it with `fuser` and end it"
                ) from error
            time.sleep(0.01)


def _unusable(path: Path, error: OSError) -> LoginsError:
    return LoginsError(
        f"the login record {path} cannot be kept ({error.strerror}); without it nothing may log "
        "in: make the folder writable for this user"
    )


def _read(path: Path) -> Account:
    """Return the record; one that cannot be read counts as a wrong login, and is kept aside."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Account)
    except FileNotFoundError:
        return Account()
    except OSError as error:
        raise _unusable(path, error) from error
    except (msgspec.DecodeError, ValueError):
        with suppress(OSError):
            path.replace(path.with_suffix(".damaged"))
        return Account(wrong={"unknown": 1}, last_wrong=DAMAGED)


def _read_ban(path: Path, now: Moment) -> Ban | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Ban)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable(path, error) from error
    except (msgspec.DecodeError, ValueError):
        return Ban(0, f"{path.name} is there but cannot be read", now)


def _write(path: Path, record: Account | Ban) -> None:
    fresh = path.with_suffix(f".{os.getpid()}.new")
    try:
        with fresh.open("wb") as file:
            file.write(msgspec.json.encode(record))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        raise _unusable(path, error) from error


def _records(folder: Path) -> Iterator[tuple[Path, Account]]:
    for path in sorted(folder.glob("account-*.json")):
        with _locked(path):
            yield path, _read(path)


def _sources(account: Account) -> set[str]:
    return {attempt.source for attempt in account.attempts}


def _clear(folder: Path, source: str) -> list[str]:
    """Forget wrong and broken-off logins of a source's account, and the ban of its broker."""
    cleared = []
    for path, account in _records(folder):
        if source not in _sources(account):
            continue
        kept = Account(broker=account.broker, salt=account.salt, credentials=account.credentials)
        _write(path, kept)
        cleared.append(path.name)
        ban = folder / account.broker
        if account.broker and ban.exists():
            ban.unlink(missing_ok=True)
            cleared.append(ban.name)
    return cleared


def _rows(folder: Path) -> list[dict[str, object]]:
    now = moment()
    rows: list[dict[str, object]] = []
    for path, account in _records(folder):
        ban = _read_ban(folder / account.broker, now) if account.broker else None
        decision = budget.decide(account, ban, now)
        rows.append(
            {
                "record": path.name,
                "sources": sorted(_sources(account)),
                "wrong": account.wrong,
                "last_wrong": account.last_wrong,
                "attempts": len(account.attempts),
                "last": account.attempts[-1].outcome.value if account.attempts else "",
                "now": type(decision).__name__.lower(),
                "reason": "" if isinstance(decision, Go) else decision.reason,
            }
        )
    return rows


def main(argv: Sequence[str] | None = None) -> int:
    """Show or clear login records. Exit codes: 0 done, 1 nothing of that source, 2 unusable."""
    parser = argparse.ArgumentParser(
        prog="python -m mdhub_ingest.gateways.logins",
        description="Show or clear the login records of the accounts on this host.",
        epilog="example: python -m mdhub_ingest.gateways.logins --data ~/mdhub --clear CTP1",
    )
    parser.add_argument("--data", required=True, type=Path, help="the hub's data folder")
    parser.add_argument("--clear", metavar="SOURCE", help="forget what stops this source")
    options = parser.parse_args(argv)
    folder = options.data.expanduser() / FOLDER
    try:
        rows = _rows(folder) if options.clear is None else _clear(folder, options.clear)
    except LoginsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    for row in rows:
        sys.stdout.write(msgspec.json.encode(row).decode() + "\n")
    if options.clear is not None and not rows:
        sys.stderr.write(f"nothing is recorded of {options.clear!r} in {folder}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
