"""The note by which supervisors tell the monitor how accounts want to be watched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog

from mdhub.accounts.model import Account, AccountHealth
from mdhub.health.watched import NOTE, Watched, decode_watched
from mdhub.streams.errors import ServerError
from mdhub.streams.memory import MemoryServer
from mdhub.streams.port import Log
from mdhub_ingest.accounts import errand
from mdhub_ingest.accounts.watched import WatchedNote, watched_of
from tests.support.wait import until

HEALTH = AccountHealth(canaries=("rb2701.SHFE",), silence_ms={"rb2701.SHFE": 3_000})


def account(name: str, **fields: Any) -> Account:
    settings = {"password": "sealed:v1:k:a:b", "user_id": "880012"}
    given: dict[str, Any] = {"gateway_type": "ctp", "settings": settings, "health": HEALTH}
    return Account(id=name, created_at=1, updated_at=1, **given | fields)


def said(note: WatchedNote, log: Log) -> Callable[[], tuple[Watched, ...]]:
    def look() -> tuple[Watched, ...]:
        note.turn()
        return decode_watched(log.note(NOTE) or b"\x90")

    return look


def test_only_wishes_of_enabled_accounts_are_told_and_no_setting() -> None:
    """By id; who asks for nothing is left out."""
    accounts = [
        account("B"), account("A"), account("OFF", is_enabled=False),
        account("QUIET", health=AccountHealth()),
    ]  # fmt: skip
    wishes = watched_of(accounts)
    assert [each.name for each in wishes] == ["A", "B"]
    assert wishes[0] == Watched("A", HEALTH.canaries, HEALTH.silence_ms)


def test_the_note_is_written_when_wishes_change_and_tried_again(monkeypatch: Any) -> None:
    """A server that does not answer at first costs nothing but the time until the next attempt."""
    monkeypatch.setattr(errand, "EVERY_S", 0.0)
    log, failures = MemoryServer().log("ingest"), [1]

    def connect() -> Log:
        if failures:
            failures.pop()
            raise ServerError("away")
        return log

    note = WatchedNote(connect, structlog.get_logger("ingest"))
    note.turn()
    assert log.note(NOTE) is None
    note.accounts = watched_of([account("A")])
    until(lambda: [each.name for each in said(note, log)()] == ["A"], "the first wishes")
    note.accounts = ()
    until(lambda: said(note, log)() == (), "the withdrawn wishes")
