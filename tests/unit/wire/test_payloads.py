"""The bytes of the contract: they outlive every version of this program."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgpack
import msgspec
import pytest

from mdhub.wire import (
    PAYLOADS,
    SCHEMA_VERSION,
    DecodeError,
    MarkerKind,
    control,
    decode_control,
    decode_marker,
    decoder,
    encode,
    entries,
    fields_of,
    live,
    marker,
    ops,
    requests,
    schema_digest,
    ticks,
)
from tests.unit.wire.samples import SAMPLES

GOLDEN = Path(__file__).parents[2] / "golden" / f"wire_v{SCHEMA_VERSION}.json"

each_payload = pytest.mark.parametrize("name", sorted(SAMPLES))


def as_list(name: str) -> list[Any]:
    plain: list[Any] = msgpack.unpackb(encode(SAMPLES[name]))
    return plain


def decode(name: str, data: bytes) -> msgspec.Struct:
    return decoder(type(SAMPLES[name]))(data)


def test_every_struct_of_the_contract_is_listed_and_has_a_sample() -> None:
    """No payload escapes the tables, the digest or these tests."""
    found = {
        name
        for module in (ticks, entries, live, ops, requests)
        for name, kind in vars(module).items()
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct)
    }
    assert {payload.__name__ for payload in PAYLOADS} == found == set(SAMPLES)


@each_payload
def test_bytes_never_change(name: str) -> None:
    """What was written yesterday, and by programs in other languages, stays readable."""
    golden: dict[str, str] = json.loads(GOLDEN.read_text())
    now = encode(SAMPLES[name]).hex()

    assert golden.get(name) == now, (
        f"the bytes of {name} are not those in tests/golden/{GOLDEN.name}. Released fields are "
        "never removed, reordered or retyped; a new field goes to the end, with a default. If "
        f'that is what you did, put this line there:\n  "{name}": "{now}",'
    )


def test_no_golden_bytes_are_orphans() -> None:
    """A payload that leaves the contract does so on purpose."""
    assert set(json.loads(GOLDEN.read_text())) == set(SAMPLES)


@each_payload
def test_another_library_writes_the_same_bytes(name: str) -> None:
    """The plain list through the msgpack package gives our bytes: nothing of them is special."""
    assert msgpack.packb(as_list(name)) == encode(SAMPLES[name])


@each_payload
def test_decoding_gives_back_what_was_encoded(name: str) -> None:
    """Nothing is lost on the way."""
    assert decode(name, encode(SAMPLES[name])) == SAMPLES[name]


@each_payload
def test_fields_of_later_versions_are_ignored(name: str) -> None:
    """A payload with more fields at its end is read like one without."""
    later = msgpack.packb([*as_list(name), "new", [1, {"a": None}], None])

    assert decode(name, later) == SAMPLES[name]


@each_payload
def test_a_missing_field_is_refused(name: str) -> None:
    """Only fields with a default may be missing."""
    needed = [f for f in fields_of(type(SAMPLES[name])) if f.default is None]

    with pytest.raises(DecodeError):
        decode(name, msgpack.packb(as_list(name)[: len(needed) - 1]))


@each_payload
def test_a_field_of_another_type_is_refused(name: str) -> None:
    """Each field with a type of its own refuses what is none."""
    for i, field in enumerate(fields_of(type(SAMPLES[name]))):
        if field.type == "any":
            continue
        wrong = as_list(name)
        wrong[i] = b"bytes"
        with pytest.raises(DecodeError):
            decode(name, msgpack.packb(wrong))


@each_payload
def test_nil_is_refused_where_it_is_not_allowed(name: str) -> None:
    """The nil column of the tables is true."""
    for i, field in enumerate(fields_of(type(SAMPLES[name]))):
        with_nil = as_list(name)
        with_nil[i] = None
        if field.nil or field.type == "any":
            decode(name, msgpack.packb(with_nil))
        else:
            with pytest.raises(DecodeError):
                decode(name, msgpack.packb(with_nil))


@pytest.mark.parametrize("name", ["RawTick", "CleanTick"])
def test_numbers_that_other_languages_cannot_hold_are_refused(name: str) -> None:
    """int64 means int64, although MessagePack goes one bit further."""
    i = [field.name for field in fields_of(type(SAMPLES[name]))].index("volume")
    fields = as_list(name)
    fields[i] = 2**63

    with pytest.raises(DecodeError):
        decode(name, msgpack.packb(fields))


def test_an_integer_is_a_price_too() -> None:
    """Encoders that shorten 4000.0 to 4000 are understood."""
    fields = as_list("CleanTick")
    fields[8] = 4000

    assert decode("CleanTick", msgpack.packb(fields)) == msgspec.structs.replace(
        SAMPLES["CleanTick"], last=4000.0
    )


def test_kinds_yet_to_come_can_be_read() -> None:
    """An entry of an unknown kind is recognised as one, and its body left alone."""
    mark = decode_marker(marker("eclipse", 7, {"any": ["thing"]}))
    entry = decode_control(control("eclipse", "A", 1, 2, 3, None))

    assert (mark.kind, mark.log_ns, msgpack.unpackb(bytes(mark.body))) == (
        "eclipse", 7, {"any": ["thing"]},
    )  # fmt: skip
    assert mark.kind not in list(MarkerKind)
    assert (entry.kind, entry.seq, bytes(entry.body)) == ("eclipse", 2, b"\xc0")


def test_the_digest_names_this_version_of_the_tables() -> None:
    """Two builds agree if and only if their tables do; this one changes with any of them."""
    assert schema_digest() == "38552c9eaf0d81d7"
