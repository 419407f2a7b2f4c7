"""Accounts and changes as rows of text and numbers: what SQL and MongoDB keep of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from mdhub.accounts.errors import StoreUnavailable
from mdhub.accounts.model import Account
from mdhub.accounts.port import Change

__all__ = ["account_of", "change_of", "change_row", "row_of"]

_AS_TEXT: Final = ("settings", "subscribe", "health")
"""Kept as JSON text: the same in every database, with keys of any spelling and all of a number."""


def row_of(account: Account) -> dict[str, Any]:
    """Return an account as a row."""
    row = {name: getattr(account, name) for name in Account.__struct_fields__}
    return row | {name: msgspec.json.encode(row[name]).decode() for name in _AS_TEXT}


def account_of(row: Mapping[str, Any]) -> Account:
    """Return a row as an account. Raises StoreUnavailable for one that is none."""
    values = {name: row[name] for name in Account.__struct_fields__}
    try:
        texts = {name: msgspec.json.decode(values[name]) for name in _AS_TEXT}
        flag = {"is_enabled": bool(values["is_enabled"])}
        return msgspec.convert(values | texts | flag, Account)
    except msgspec.MsgspecError as error:
        # Not chained: its text may quote what stands in the database.
        place = str(error).rpartition(" - at ")[2] if " - at " in str(error) else "its JSON"
        raise StoreUnavailable(
            f"account {row['id']!a} in the database is no account ({place}): somebody else has "
            "written it; mend or delete the row"
        ) from None


def change_row(change: Change) -> dict[str, Any]:
    """Return a change as a row."""
    return {
        "id": change.id,
        "revision": change.revision,
        "ts_ns": change.ts_ns,
        "changed_by": change.by,
        "action": change.action,
        "fields": msgspec.json.encode(change.fields).decode(),
    }


def change_of(row: Mapping[str, Any]) -> Change:
    """Return a row as a change. Raises StoreUnavailable for one that is none."""
    try:
        fields = msgspec.json.decode(row["fields"], type=tuple[str, ...])
    except msgspec.MsgspecError:
        raise StoreUnavailable("a change in the database is no change: mend its row") from None
    return Change(
        row["id"], row["revision"], row["ts_ns"], row["changed_by"], row["action"], fields
    )
