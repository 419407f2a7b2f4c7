"""The calendar as control entries of kind `calendar`: plain MessagePack arrays, in parts.

Body of a part: `[v, digest, part, parts, rows]`; a row is one of
`["year", 2026]`, `["closed", 20260101]`, `["no-night", 20260213]`,
`["template", name, [[phase, start_s, end_s], ...]]` (seconds since 20:00) and
`["hours", exchange, product, since, template]`. The digest is over all rows, so that parts of
different calendars are never put together.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Any, Final

import msgspec

from mdhub.calendar.rows import Hours, Rows, Template, faults
from mdhub.wire.codec import DecodeError, decoder, encode

__all__ = ["Gathering", "decode_part", "digest_of", "encode_parts", "gather"]

PART_VERSION: Final = 1
MAX_ROWS: Final = 500
MAX_BYTES: Final = 256_000
MAX_PARTS: Final = 16
_DIGEST_LETTERS: Final = 16


class Part(msgspec.Struct, array_like=True, frozen=True):
    """Body of one `calendar` entry."""

    v: int
    digest: str
    part: int
    """Counts from 0."""
    parts: int
    rows: list[list[Any]]


class Gathering(msgspec.Struct, array_like=True, frozen=True):
    """Parts of a calendar that is not complete yet."""

    digest: str = ""
    parts: int = 0
    bodies: tuple[bytes, ...] = ()


_decode_part: Final = decoder(Part)


def digest_of(rows: Rows) -> str:
    """Name of a calendar: equal for equal rows."""
    return sha256(encode(list(_lines(rows)))).hexdigest()[:_DIGEST_LETTERS]


def encode_parts(rows: Rows) -> list[bytes]:
    """Bodies of the entries that carry the rows, in order."""
    lines = list(_lines(rows))
    digest = digest_of(rows)
    chunks = [lines[i : i + MAX_ROWS] for i in range(0, len(lines), MAX_ROWS)]
    return [
        encode(Part(PART_VERSION, digest, number, len(chunks), chunk))
        for number, chunk in enumerate(chunks)
    ]


def decode_part(body: bytes) -> Part:
    """Read one body. Raises DecodeError if it is none or beyond the bounds."""
    if len(body) > MAX_BYTES:
        raise DecodeError(f"calendar part of {len(body)} bytes, expected at most {MAX_BYTES}")
    part = _decode_part(body)
    if part.v != PART_VERSION:
        raise DecodeError(f"calendar part of version {part.v}, expected {PART_VERSION}")
    if not 0 <= part.part < part.parts <= MAX_PARTS or len(part.digest) != _DIGEST_LETTERS:
        raise DecodeError(f"calendar part {part.part} of {part.parts}, at most {MAX_PARTS}")
    if len(part.rows) > MAX_ROWS:
        raise DecodeError(f"calendar part of {len(part.rows)} rows, expected at most {MAX_ROWS}")
    return part


def gather(so_far: Gathering, body: bytes) -> tuple[Gathering, Rows | None]:
    """Add a part; the rows when it was the last one.

    Part 0 begins anew; a part that does not follow raises DecodeError, as does what is no
    calendar in the end. Nothing is kept of a calendar that was refused.
    """
    part = decode_part(body)
    if part.part == 0:
        so_far = Gathering(part.digest, part.parts)
    if (part.digest, part.parts, part.part) != (so_far.digest, so_far.parts, len(so_far.bodies)):
        raise DecodeError(f"calendar part {part.part} of {part.digest} does not follow the last")
    bodies = (*so_far.bodies, bytes(body))
    if len(bodies) < part.parts:
        return Gathering(part.digest, part.parts, bodies), None
    rows = _rows([row for each in bodies for row in _decode_part(each).rows])
    if digest_of(rows) != part.digest:
        raise DecodeError("calendar has another digest than its parts say")
    return Gathering(), rows


def _lines(rows: Rows) -> Iterator[list[Any]]:
    yield from (["year", year] for year in rows.years)
    yield from (["closed", day] for day in rows.closed)
    yield from (["no-night", day] for day in rows.nightless)
    for template in rows.templates:
        spans = [[str(span.phase), span.start_s, span.end_s] for span in template.spans]
        yield ["template", template.name, spans]
    yield from (["hours", h.exchange, h.product, h.since, h.template] for h in rows.hours)


def _rows(lines: list[list[Any]]) -> Rows:
    found: dict[str, list[list[Any]]] = {
        "year": [], "closed": [], "no-night": [], "template": [], "hours": [],
    }  # fmt: skip
    for line in lines:
        if not line or not isinstance(line[0], str) or line[0] not in found:
            raise DecodeError("calendar row of an unknown kind")
        found[line[0]].append(line[1:])
    try:
        rows = Rows(
            years=_numbers(found["year"]),
            closed=_numbers(found["closed"]),
            nightless=_numbers(found["no-night"]),
            templates=msgspec.convert(found["template"], tuple[Template, ...]),
            hours=msgspec.convert(found["hours"], tuple[Hours, ...]),
        )
    except msgspec.ValidationError as error:
        raise DecodeError(f"calendar: {error}") from error
    for fault in faults(rows):
        raise DecodeError(f"calendar: {fault}")
    return rows


def _numbers(lines: list[list[Any]]) -> tuple[int, ...]:
    return tuple(number for (number,) in msgspec.convert(lines, list[tuple[int]]))
