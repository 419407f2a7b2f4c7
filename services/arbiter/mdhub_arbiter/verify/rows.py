"""What is compared of the entries of clean and rejected, and how two that differ are told apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, NamedTuple

import msgspec

from mdhub.streams.ids import clean_id
from mdhub.streams.port import Entry
from mdhub.wire.codec import (
    DecodeError,
    decode_any,
    decode_clean_header,
    decode_clean_tick,
    decode_marker,
    decode_raw_tick,
    decode_rejected_header,
)
from mdhub_arbiter.decide import Clean, Output

__all__ = ["Difference", "Field", "Row", "first_difference", "found_row", "outputs"]

ABSENT: Final = "(no such entry)"


class Row(NamedTuple):
    """Compared bytes of one entry; `arb_ns` of clean is the only thing left out."""

    id: bytes
    head: tuple[Any, ...]
    """Clean: n, k, epoch. Rejected: the header's bytes."""
    field: bytes
    payload: bytes


class Field(msgspec.Struct, frozen=True):
    """One field that differs."""

    name: str
    f_of_raw: Any
    in_log: Any


class Difference(msgspec.Struct, frozen=True):
    """The first entry that is not what raw says."""

    stream: str
    id: str
    raw_id: str
    fields: list[Field]


def outputs(raw_id: bytes, decided: Iterable[Output]) -> Iterator[tuple[str, Row]]:
    """Entries that a raw entry leads to: name of the stream, and the row there."""
    for j, out in enumerate(decided):
        entry_id = clean_id(raw_id, j)
        if isinstance(out, Clean):
            yield "clean", Row(entry_id, (out.n, out.k, out.epoch), out.field, out.payload)
        else:
            yield "rejected", Row(entry_id, (out.header,), b"t", out.payload)


def found_row(stream: str, entry: Entry) -> Row:
    """Row of an entry of the log; one of a foreign shape differs from every row."""
    entry_id, fields = entry
    if len(fields) != 4 or fields[0] != b"h":  # noqa: PLR2004 - two names, two values
        return Row(entry_id, ("shape",), b"", b" ".join(fields))
    _, header, field, payload = fields
    if stream == "rejected":
        return Row(entry_id, (header,), field, payload)
    try:
        head = decode_clean_header(header)
    except DecodeError:
        return Row(entry_id, (header,), field, payload)
    return Row(entry_id, (head.n, head.k, head.epoch), field, payload)


def first_difference(
    expected: list[Row], found: list[Row]
) -> tuple[bytes, Row | None, Row | None] | None:
    """First id at which two lists in order of id differ, and what each of them has there."""
    if expected == found:
        return None
    here = {row.id: row for row in expected}
    there = {row.id: row for row in found}
    ids = [row.id for row in expected if there.get(row.id) != row]
    ids += [row.id for row in found if row.id not in here]
    first = min(ids, key=_as_numbers)
    return first, here.get(first), there.get(first)


def explain(stream: str, raw_id: bytes, expected: Row | None, found: Row | None) -> Difference:
    """Both rows decoded, field by field."""
    row = expected or found
    assert row is not None  # noqa: S101 - one of them is there
    left, right = _named(stream, expected), _named(stream, found)
    if expected is None or found is None:
        fields = [
            Field("entry", ABSENT if expected is None else left, ABSENT if found is None else right)
        ]
    else:
        names = dict.fromkeys([*left, *right])
        fields = [Field(n, left.get(n), right.get(n)) for n in names if left.get(n) != right.get(n)]
    return Difference(stream, row.id.decode(), raw_id.decode(), fields)


def _as_numbers(entry_id: bytes) -> tuple[int, int]:
    ms, seq = entry_id.split(b"-")
    return int(ms), int(seq)


def _named(stream: str, row: Row | None) -> dict[str, Any]:
    if row is None:
        return {}
    head: dict[str, Any]
    if stream == "clean":
        head = dict(zip(("n", "k", "epoch"), row.head, strict=False))
    else:
        head = _decoded(decode_rejected_header, row.head[0])
    body = _decoded(_DECODERS.get((stream, row.field), decode_any), row.payload)
    return head | {"field": row.field.decode(errors="replace")} | body


_DECODERS: Final = {
    ("clean", b"t"): decode_clean_tick,
    ("clean", b"m"): decode_marker,
    ("rejected", b"t"): decode_raw_tick,
}


def _decoded(decode: Callable[[bytes], Any], payload: bytes) -> dict[str, Any]:
    """Fields by name, and the bytes as they are where they are no message of ours."""
    try:
        fields = msgspec.structs.asdict(decode(payload))
    except (DecodeError, TypeError):
        return {"bytes": payload.hex()}
    return {name: value for name, value in fields.items() if name != "v"}
