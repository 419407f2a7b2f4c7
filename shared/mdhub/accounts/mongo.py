"""Accounts in MongoDB, by PyMongo. One document per account, so that no transaction is needed.

A document holds the account, its newest changes and a mark if it was deleted; it is replaced as a
whole where it still has the revision that was read. Documents are never removed, so the sum of
their revisions grows with every write: that is the version.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from pymongo import MongoClient
from pymongo.errors import DuplicateKeyError, OperationFailure, PyMongoError

from mdhub.accounts.errors import AccountExists, StoreUnavailable, UnknownAccount
from mdhub.accounts.layout import refuse_newer
from mdhub.accounts.memory import conflict
from mdhub.accounts.model import Account, Draft
from mdhub.accounts.port import AccountStore, Change
from mdhub.accounts.rows import account_of, change_of, change_row, row_of
from mdhub.accounts.shape import DELETED, changed_fields, checked, first_of, next_of, said_by

__all__ = ["MongoAccounts"]

Document = dict[str, Any]

COLLECTION: Final = "market_data_accounts"
LAYOUT: Final = "market_data_accounts_layout"
LAYOUT_KNOWN: Final = 1
HISTORY_MAX: Final = 500
"""Changes kept per account: a document has a bound of 16 MB."""


class MongoAccounts(AccountStore):
    """An account store in one database of a MongoDB server. It connects when it is first used."""

    def __init__(
        self,
        client: MongoClient[Document],
        database: str,
        *,
        place: str,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """`place`: how errors name the database; no password in it."""
        self._client = client
        self._accounts = client[database][COLLECTION]
        self._layout = client[database][LAYOUT]
        self._place = place
        self._now_ns = now_ns
        self._ready = False
        self._bringing_up = threading.Lock()

    def all(self) -> Sequence[Account]:
        with self._translated():
            accounts = [_read(each) for each in self._accounts.find({"is_deleted": False})]
        return sorted(accounts, key=lambda account: (account.priority, account.id))

    def get(self, account_id: str) -> Account:
        with self._translated():
            return _read(self._found(account_id))

    def create(self, draft: Draft, *, by: str) -> Account:
        draft, by = checked(draft), said_by(by)
        with self._translated():
            old = self._accounts.find_one({"_id": draft.id})
            last = 0 if old is None else int(old["revision"])
            account = first_of(draft, last_revision=last, now_ns=self._now_ns())
            change = _change(account, by, "created", None, draft)
            exists = AccountExists(f"there is an account {draft.id} already")
            if old is not None and not old["is_deleted"]:
                raise exists
            document = _document(account, old, change)
            try:
                if old is None:
                    self._accounts.insert_one(document)
                elif not self._put(document, last):
                    raise exists
            except DuplicateKeyError:
                raise exists from None
        return account

    def replace(self, draft: Draft, *, revision: int, by: str) -> Account:
        return self._replaced(draft, revision, by, "changed")

    def reseal(self, account: Account, *, by: str) -> Account:
        return self._replaced(account, account.revision, by, "resealed")

    def delete(self, account_id: str, *, revision: int, by: str) -> None:
        by = said_by(by)
        with self._translated():
            old = self._found(account_id, revision)
            fields = changed_fields(_read(old), None)
            change = Change(account_id, revision + 1, self._now_ns(), by, DELETED, fields)
            tombstone = {
                "_id": account_id, "is_deleted": True, "revision": revision + 1,
                "changes": _with(old, change),
            }  # fmt: skip
            if not self._put(tombstone, revision):
                self._say_conflict(account_id, revision)

    def version(self) -> int:
        total = {"$group": {"_id": None, "version": {"$sum": "$revision"}}}
        with self._translated():
            found = list(self._accounts.aggregate([total]))
        return int(found[0]["version"]) if found else 0

    def history(self, account_id: str, *, count: int = 50) -> Sequence[Change]:
        with self._translated():
            document = self._accounts.find_one({"_id": account_id})
            changes = [] if document is None else document["changes"]
            return [change_of(row) for row in changes[::-1][:count]]

    def close(self) -> None:
        self._client.close()

    def _replaced(self, draft: Draft, revision: int, by: str, action: str) -> Account:
        draft, by = checked(draft), said_by(by)
        with self._translated():
            old = self._found(draft.id, revision)
            before = _read(old)
            account = next_of(draft, before, now_ns=self._now_ns())
            change = _change(account, by, action, before, draft)
            if not self._put(_document(account, old, change), revision):
                self._say_conflict(draft.id, revision)
        return account

    def _found(self, account_id: str, revision: int | None = None) -> Document:
        document = self._accounts.find_one({"_id": account_id, "is_deleted": False})
        if document is None:
            raise UnknownAccount(f"there is no account {account_id}")
        if revision is not None and document["revision"] != revision:
            raise conflict(account_id, revision, document["revision"])
        return document

    def _put(self, document: Document, revision: int) -> bool:
        """Replace a document that still has this revision; tell whether it had."""
        here = {"_id": document["_id"], "revision": revision}
        return self._accounts.replace_one(here, document).matched_count == 1

    def _say_conflict(self, account_id: str, revision: int) -> None:
        """Somebody was faster between reading and writing."""
        found = self._found(account_id)
        raise conflict(account_id, revision, found["revision"])

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            self._bring_up_once()
            yield
        except PyMongoError as error:
            # Not chained: its text quotes commands and what the server said.
            raise _unavailable(self._place, error) from None

    def _bring_up_once(self) -> None:
        if self._ready:
            return
        with self._bringing_up:
            found = self._layout.find_one({"_id": "layout"})
            if found is None:
                try:
                    self._layout.insert_one({"_id": "layout", "layout": LAYOUT_KNOWN})
                except DuplicateKeyError:
                    found = self._layout.find_one({"_id": "layout"})
            refuse_newer(LAYOUT_KNOWN if found is None else int(found["layout"]), LAYOUT_KNOWN)
            self._ready = True


def _document(account: Account, old: Document | None, change: Change) -> Document:
    row = row_of(account)
    account_id = row.pop("id")
    return {"_id": account_id, **row, "is_deleted": False, "changes": _with(old, change)}


def _with(old: Mapping[str, Any] | None, change: Change) -> list[Document]:
    before = [] if old is None else old["changes"]
    return [*before, change_row(change)][-HISTORY_MAX:]


def _read(document: Mapping[str, Any]) -> Account:
    try:
        return account_of({**document, "id": document["_id"]})
    except KeyError as missing:
        raise StoreUnavailable(
            f"account {document['_id']!a} in the database lacks {missing}: somebody else has "
            "written it; mend or delete the document"
        ) from None


def _change(account: Account, by: str, action: str, before: Draft | None, after: Draft) -> Change:
    fields = changed_fields(before, after)
    return Change(account.id, account.revision, account.updated_at, by, action, fields)


def _unavailable(place: str, error: PyMongoError) -> StoreUnavailable:
    if isinstance(error, OperationFailure):
        words = f"it refuses (code {error.code}): mend login and rights, or see the server's log"
    else:
        words = f"{type(error).__name__}: see that it runs and the address is right"
    return StoreUnavailable(f"the accounts' database {place} is not to be used now: {words}")
