"""`docs/wire.schema.json` describes the bytes, and refuses what readers refuse."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgpack
import msgspec
import pytest
from jsonschema import Draft202012Validator

from mdhub.wire import PAYLOADS, decoder, encode, schema_digest
from mdhub.wire.examples import EXAMPLES
from mdhub.wire.json_schema import wire_schema_text
from mdhub.wire.schema import fields_of
from tests.unit.wire.samples import SAMPLES

FILE = Path(__file__).parents[3] / "docs" / "wire.schema.json"
SCHEMA: dict[str, Any] = json.loads(FILE.read_text())
NAMES = sorted(payload.__name__ for payload in PAYLOADS)

Row = list[Any]


def complaints(name: str, value: object) -> list[str]:
    """What an independent validator says of a decoded payload."""
    validator = Draft202012Validator({**SCHEMA, "$ref": f"#/$defs/{name}"})
    return [error.message for error in validator.iter_errors(value)]


def plain(name: str) -> Row:
    """A sample of a payload as another MessagePack library reads it."""
    row: Row = msgpack.unpackb(encode(SAMPLES[name]))
    return row


def test_the_file_is_the_one_the_code_makes() -> None:
    """A change of the contract that is not in the file does not pass."""
    assert FILE.read_text() == wire_schema_text(), "run `make wire-docs`"


def test_the_file_says_which_contract_it_is() -> None:
    """Its digest is the one publishers answer with."""
    assert SCHEMA["x-schema-digest"] == schema_digest()
    assert SCHEMA["x-schema-version"] == 1


def test_it_is_a_schema_of_its_draft() -> None:
    """Tools that read JSON Schema 2020-12 read it."""
    Draft202012Validator.check_schema(SCHEMA)
    assert sorted(SCHEMA["$defs"]) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_real_bytes_fit(name: str) -> None:
    """What the hub encodes is what the schema describes, also with fields of a later release."""
    row = plain(name)

    assert complaints(name, row) == []
    assert complaints(name, [*row, "of a later release", None]) == []


@pytest.mark.parametrize("name", NAMES)
def test_elements_have_names_and_words(name: str) -> None:
    """In wire order, with the types of the tables."""
    payload = next(p for p in PAYLOADS if p.__name__ == name)
    elements = SCHEMA["$defs"][name]["prefixItems"]

    described = [(each["title"], each["x-type"]) for each in elements]
    assert described == [(field.name, field.type) for field in fields_of(payload)]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_too_short_is_refused(name: str) -> None:
    """Down to the last field without a default, as our own reader sees it."""
    payload = next(p for p in PAYLOADS if p.__name__ == name)
    row = plain(name)
    for length in range(len(row) + 1):
        short = row[:length]
        assert bool(complaints(name, short)) == (not _readable(payload, short)), length


@pytest.mark.parametrize("name", NAMES)
def test_what_our_reader_refuses_is_refused(name: str) -> None:
    """Each element replaced by values of other types: the schema lets nothing more through."""
    payload = next(p for p in PAYLOADS if p.__name__ == name)
    row = plain(name)
    for position in range(len(row)):
        value: object
        for value in (None, True, "text", 1.5, -7, 2**63, [], {}, [[1.0]], [[1.0, 2, 3]]):
            changed = [*row[:position], value, *row[position + 1 :]]
            if not _readable(payload, changed):
                assert complaints(name, changed), (position, value)


def _readable(payload: type, row: Row) -> bool:
    try:
        decoder(payload)(msgpack.packb(row))
    except msgspec.DecodeError:
        return False
    return True


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("CleanTick", lambda row: [2, *row[1:]]),
        ("SnapshotRequest", lambda row: [*row[:2], "replay", *row[3:]]),
        ("EndReply", lambda row: [*row[:2], "ok", *row[3:]]),
        ("Control", lambda row: [row[0], "clock", *row[2:6], ["noon"]]),
        ("Control", lambda row: [row[0], "calendar", *row[2:6], ["20261001"]]),
        ("Marker", lambda row: [row[0], "end_of_session", row[2], []]),
        ("Control", lambda row: [row[0], "rules", *row[2:6], [0]]),
        ("Control", lambda row: [row[0], "contracts", *row[2:6], [["cu2610", "SHFE"]] * 501]),
    ],
)
def test_a_payload_that_contradicts_itself_is_refused(
    name: str, spoil: Callable[[Row], Row]
) -> None:
    """Another version, the name of another request, the body of another kind."""
    assert complaints(name, spoil(plain(name)))


@pytest.mark.parametrize(
    ("name", "grow"),
    [
        ("Control", lambda row: [row[0], "of a later release", *row[2:]]),
        ("Event", lambda row: [*row[:4], "of a later release", *row[5:]]),
        ("Heartbeat", lambda row: [*row[:6], "of a later release"]),
        ("RawTick", lambda row: [*row[:11], math.nan, None, math.inf, *row[14:]]),
    ],
)
def test_what_readers_pass_over_fits(name: str, grow: Callable[[Row], Row]) -> None:
    """Kinds and states nobody knows yet; numbers that are none, as fronts send them."""
    assert complaints(name, grow(plain(name))) == []


def test_the_worked_examples_fit() -> None:
    """Each example of docs/wire.md that names its payload."""
    checked = 0
    for piece in (piece for pieces in EXAMPLES.values() for piece in pieces):
        name = piece.title.rpartition(", ")[2].split()[0]
        if name in SCHEMA["$defs"]:
            checked += 1
            assert complaints(name, msgpack.unpackb(piece.data)) == [], piece.title
    assert checked >= 5
