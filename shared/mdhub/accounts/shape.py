"""What every store checks of a draft before it keeps it, and what each says of a change."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec.structs import asdict

from mdhub.accounts.errors import BadAccount
from mdhub.accounts.kinds import is_secret
from mdhub.accounts.model import FIRST_REVISION, Account, Draft
from mdhub.accounts.sealed import is_sealed
from mdhub.runtime.secret import Value, in_plain_text

__all__ = ["AUTHOR_MAX", "DELETED", "changed_fields", "checked", "first_of", "next_of", "said_by"]

SETTINGS_MAX: Final = 64
NAME_MAX: Final = 64
VALUE_MAX: Final = 8_192
"""Characters; a sealed value of 4,000 characters fits."""
LIST_MAX: Final = 256
AUTHOR_MAX: Final = 128
INT_MAX: Final = 1 << 63
DELETED: Final = "deleted"


def checked(draft: Draft) -> Draft:
    """Return it as a plain `Draft`.

    Raises BadAccount naming the fields that do not fit, among them secrets in plain text: no
    store takes one.
    """
    plain = {name: getattr(draft, name) for name in Draft.__struct_fields__}
    try:
        fits = msgspec.convert(msgspec.to_builtins(plain), Draft)
    except msgspec.ValidationError as error:
        words, _, place = str(error).partition(" - at ")
        field = place.strip("`").removeprefix("$.").partition("[")[0]
        raise BadAccount(f"{field}: {words}", {field: words}) from None
    problems = dict(_lists(fits)) | dict(_settings(fits))
    if problems:
        raise BadAccount(
            "; ".join(f"{field}: {words}" for field, words in problems.items()), problems
        )
    return fits


def _lists(draft: Draft) -> list[tuple[str, str]]:
    lists: Mapping[str, Any] = {
        "subscribe": draft.subscribe,
        "health.canaries": draft.health.canaries,
        "health.silence_ms": draft.health.silence_ms,
    }
    return [
        (name, f"expected at most {LIST_MAX} entries of at most {NAME_MAX} characters")
        for name, entries in lists.items()
        if len(entries) > LIST_MAX or any(len(entry) > NAME_MAX for entry in entries)
    ]


def _settings(draft: Draft) -> list[tuple[str, str]]:
    if len(draft.settings) > SETTINGS_MAX:
        return [("settings", f"expected at most {SETTINGS_MAX} of them")]
    return [
        (f"settings.{name[:NAME_MAX]}", words)
        for name, value in draft.settings.items()
        if (words := _wrong(draft, name, value))
    ]


def _wrong(draft: Draft, name: str, value: Value) -> str:
    if not name or len(name) > NAME_MAX or not name.isprintable():
        return f"a name has 1 to {NAME_MAX} printable characters"
    if isinstance(value, str) and len(value) > VALUE_MAX:
        return f"expected at most {VALUE_MAX} characters"
    if isinstance(value, float) and not math.isfinite(value):
        return "expected a finite number"
    if isinstance(value, int) and not -INT_MAX <= value < INT_MAX:
        return "expected a number of at most 64 bits"
    secret = is_secret(draft.gateway_type, name, draft.settings)
    if secret and not is_sealed(value) and in_plain_text(name, value, secret=True):
        return "is a secret in plain text: seal it first, or give env:NAME or file:/path"
    return ""


def said_by(by: str) -> str:
    """Return the author of a change. Raises BadAccount if it names nobody or is too long."""
    if not by or len(by) > AUTHOR_MAX or not by.isprintable():
        raise BadAccount(f"the author of a change has 1 to {AUTHOR_MAX} printable characters")
    return by


def first_of(draft: Draft, *, last_revision: int, now_ns: int) -> Account:
    """Return a new account.

    `last_revision` is that of a deleted one of the same id, 0 without: revisions go on, so that
    whoever has read the deleted one cannot overwrite the new one.
    """
    return Account(
        **asdict(draft), created_at=now_ns, updated_at=now_ns,
        revision=max(FIRST_REVISION, last_revision + 1),
    )  # fmt: skip


def next_of(draft: Draft, before: Account, *, now_ns: int) -> Account:
    """Return the account that takes the place of `before`."""
    return Account(
        **asdict(draft), created_at=before.created_at, updated_at=now_ns,
        revision=before.revision + 1,
    )  # fmt: skip


def changed_fields(before: Draft | None, after: Draft | None) -> tuple[str, ...]:
    """Names of what differs, settings as `settings.<name>`; sorted."""
    old, new = _flat(before), _flat(after)
    missing = object()
    return tuple(
        sorted(
            name
            for name in old.keys() | new.keys()
            if old.get(name, missing) != new.get(name, missing)
        )
    )


def _flat(draft: Draft | None) -> dict[str, Any]:
    if draft is None:
        return {}
    fields: dict[str, Any] = {name: getattr(draft, name) for name in Draft.__struct_fields__}
    settings: dict[str, Value] = fields.pop("settings")
    typed = {f"settings.{name}": (type(value), value) for name, value in settings.items()}
    return fields | typed
