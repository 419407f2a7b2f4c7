"""The thread that follows the store: it sees every change, and survives whatever a store does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import Any

import pytest
from msgspec.structs import replace

from mdhub.accounts.errors import StoreUnavailable
from mdhub.accounts.memory import MemoryAccounts, MemoryShelf
from mdhub.accounts.model import Draft
from mdhub_ingest.accounts.watch import HANGS_S, Seen, StoreWatch
from tests.support.wait import until

pytestmark = pytest.mark.timeout(20)

DRAFT = Draft(id="A", gateway_type="ctp", settings={"password": "sealed:v1:k1:a:b"})


class Lines:
    """Notes the names of log lines."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.text = ""

    def info(self, event: str, /, **fields: Any) -> None:
        self.said.append(event)
        self.text += str(fields)

    warning = info


class Shaky(MemoryAccounts):
    """A store that can be away, hang, or fail as drivers do."""

    def __init__(self, shelf: MemoryShelf) -> None:
        super().__init__(shelf)
        self.error: Exception | None = None
        self.hangs: Event | None = None

    def version(self) -> int:
        if self.hangs is not None:
            self.hangs.wait(10)
        if self.error is not None:
            raise self.error
        return super().version()


class Stage:
    """A watch over a shaky store, and a clock that is set by hand."""

    def __init__(self) -> None:
        self.shelf = MemoryShelf()
        self.store = Shaky(self.shelf)
        self.editor = MemoryAccounts(self.shelf)
        self.lines = Lines()
        self.now_s = 0.0
        self.watch = StoreWatch(
            lambda: self.store, self.lines, every_s=0.01, monotonic=lambda: self.now_s
        )

    def seen(self, what: str) -> Seen:
        found: list[Seen] = []

        def look() -> bool:
            taken = self.watch.take()
            found.extend([] if taken is None else [taken])
            return bool(found)

        until(look, what, timeout_s=5)
        return found[-1]


@contextmanager
def watching() -> Iterator[Stage]:
    stage = Stage()
    stage.watch.start()
    try:
        yield stage
    finally:
        stage.watch.close()


def test_every_change_is_seen_once() -> None:
    """By the version: accounts are not read again without need."""
    with watching() as stage:
        assert stage.seen("nothing yet").accounts == ()
        account = stage.editor.create(DRAFT, by="test")
        assert stage.seen("the new account").accounts == (account,)
        assert stage.watch.take() is None


def test_what_was_sealed_anew_is_told_apart_from_another_secret() -> None:
    """By the store's own history."""
    with watching() as stage:
        account = stage.editor.create(DRAFT, by="test")
        until(lambda: stage.seen("it").accounts, "the account")
        again = replace(account, settings={"password": "sealed:v1:k2:c:d"})
        account = stage.editor.reseal(again, by="test")
        assert stage.seen("the resealed one").resealed == {"A"}
        other = replace(DRAFT, settings={"password": "sealed:v1:k2:e:f"})
        stage.editor.replace(other, revision=account.revision, by="test")
        assert stage.seen("the changed one").resealed == set()


@pytest.mark.parametrize(
    "error", [StoreUnavailable("away"), OSError("mysql://user:SECRET@host is away")]
)
def test_a_store_that_is_away_is_said_once_and_comes_back(error: Exception) -> None:
    """A driver's own words are not repeated: they may hold the address."""
    with watching() as stage:
        stage.editor.create(DRAFT, by="test")
        stage.seen("the account")
        stage.store.error = error
        until(lambda: stage.watch.away, "the outage", timeout_s=5)
        assert stage.watch.take() is None, "the last accounts go on"
        stage.store.error = None
        until(lambda: not stage.watch.away, "the store to be back", timeout_s=5)
        assert stage.lines.said == ["accounts_unavailable", "accounts_back"]
        assert stage.watch.outages == 1
        assert "SECRET" not in stage.lines.text


def test_a_store_that_hangs_is_noticed_from_outside() -> None:
    """The main thread waits for nothing."""
    with watching() as stage:
        stage.seen("nothing yet")
        stage.store.hangs = Event()
        until(lambda: stage.watch._asking, "the question")
        stage.watch.look()
        assert not stage.watch.away
        stage.now_s += HANGS_S + 1
        stage.watch.look()
        assert stage.watch.away and stage.watch.outages == 1
        stage.store.hangs.set()
        until(lambda: not stage.watch.away, "the answer")


def test_another_database_that_is_empty_stops_nobody() -> None:
    """A file that was deleted comes back empty: that is no order to stop all accounts."""
    with watching() as stage:
        stage.editor.create(DRAFT, by="test")
        until(lambda: stage.seen("the account").accounts, "the account", timeout_s=5)
        stage.shelf.accounts.clear()
        stage.shelf.changes.clear()
        until(lambda: stage.watch.away, "the outage", timeout_s=5)
        assert stage.watch.take() is None
