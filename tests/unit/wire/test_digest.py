"""The digest changes with the contract, and with nothing else."""

from __future__ import annotations

import msgspec
import pytest

from mdhub.wire import schema_digest
from mdhub.wire.digest import digest_of
from mdhub.wire.schema import PAYLOADS


class Before(msgspec.Struct, array_like=True):
    """A payload."""

    v: int
    price: float | None
    name: str = ""


Documented = msgspec.defstruct(
    "Before",
    [("v", int), ("price", float | None), ("name", str, "")],
    namespace={"__doc__": "The same payload in other words."},
    array_like=True,
)
Appended = msgspec.defstruct(
    "Before",
    [("v", int), ("price", float | None), ("name", str, ""), ("more", int, 0)],
    array_like=True,
)
Retyped = msgspec.defstruct(
    "Before", [("v", int), ("price", int | None), ("name", str, "")], array_like=True
)
Reordered = msgspec.defstruct(
    "Before", [("price", float | None), ("v", int), ("name", str, "")], array_like=True
)
Required = msgspec.defstruct(
    "Before", [("v", int), ("price", float), ("name", str, "")], array_like=True
)
Defaulted = msgspec.defstruct(
    "Before", [("v", int), ("price", float | None), ("name", str, "x")], array_like=True
)


def test_words_leave_it_alone() -> None:
    """A docstring is no contract."""
    assert digest_of([Before]) == digest_of([Documented])


@pytest.mark.parametrize("changed", [Appended, Retyped, Reordered, Required, Defaulted])
def test_a_change_of_the_tables_changes_it(changed: type[msgspec.Struct]) -> None:
    """A field more, another type, order, nil or default."""
    assert digest_of([changed]) != digest_of([Before])


def test_it_covers_every_payload() -> None:
    """One payload less is another contract."""
    assert digest_of(PAYLOADS) == schema_digest()
    assert len({digest_of([p for p in PAYLOADS if p is not gone]) for gone in PAYLOADS}) == len(
        PAYLOADS
    )
