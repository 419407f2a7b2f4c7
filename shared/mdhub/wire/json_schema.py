"""`docs/wire.schema.json` from the structs: `python -m mdhub.wire.json_schema`.

One definition per payload, for what a plain MessagePack library makes of its bytes: arrays with
their elements in order. It refuses what a reader refuses; what a reader passes over (elements
after the last one, kinds it does not know) it lets through.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from enum import Enum, StrEnum
from typing import Any, Final, cast

import msgspec
from msgspec import NODEFAULT, inspect

from mdhub.wire import entries, live, ops, requests, ticks
from mdhub.wire.digest import schema_digest
from mdhub.wire.notes import attribute_notes, docstring, note_of
from mdhub.wire.schema import PAYLOADS, fields_of

__all__ = ["wire_schema", "wire_schema_text"]

Payload = type[msgspec.Struct]
Schema = dict[str, Any]

_INT64: Final = (-(2**63), 2**63 - 1)
_SIMPLE: Final[Mapping[type[inspect.Type], Schema]] = {
    inspect.AnyType: {},
    inspect.RawType: {},
    inspect.BoolType: {"type": "boolean"},
    inspect.DictType: {"type": "object"},
    inspect.NoneType: {"type": "null"},
}
_FIXED: Final[Mapping[tuple[Payload, str], str]] = {
    (requests.HelloRequest, "name"): requests.RequestName.HELLO,
    (requests.SnapshotRequest, "name"): requests.RequestName.SNAPSHOT,
    (requests.TailsRequest, "name"): requests.RequestName.TAILS,
    (requests.FindRequest, "name"): requests.RequestName.FIND,
    (requests.ReplayRequest, "name"): requests.RequestName.REPLAY,
    (requests.MsgReply, "status"): requests.Status.MSG,
    (requests.EndReply, "status"): requests.Status.END,
    (requests.ErrorReply, "status"): requests.Status.ERROR,
    (requests.HelloReply, "status"): requests.Status.OK,
    (requests.TailsReply, "status"): requests.Status.OK,
    (requests.FindReply, "status"): requests.Status.OK,
}
"""Fields that tell one payload from another."""
_WORDS: Final[Mapping[tuple[Payload, str], type[Enum]]] = {
    (entries.Control, "kind"): entries.ControlKind,
    (entries.Marker, "kind"): entries.MarkerKind,
    (entries.RejectedHeader, "verdict"): entries.Verdict,
    (live.Heartbeat, "state"): live.HubState,
    (live.LiveHeader, "hflags"): live.HeaderFlag,
    (ticks.CleanTick, "flags"): ticks.Flag,
    (ops.Event, "kind"): ops.EventKind,
    (ops.Event, "severity"): ops.Severity,
    (requests.ErrorReply, "code"): requests.ErrorCode,
}
"""Fields whose values have names; readers ignore those they do not know, so all are allowed."""
_BODIES: Final[Mapping[Payload, Mapping[StrEnum, Payload | Schema]]] = {
    entries.Control: {
        entries.ControlKind.CLOCK: entries.Clock,
        entries.ControlKind.LEAD: entries.Lead,
        entries.ControlKind.CONFIG: entries.ConfigChange,
        entries.ControlKind.RULES: entries.RulesChange,
        entries.ControlKind.VERDICT: entries.SourceVerdict,
        entries.ControlKind.OPERATOR: entries.SourceVerdict,
        entries.ControlKind.LOST: entries.LostRange,
        entries.ControlKind.CONTRACTS: {
            "type": "array",
            "items": {"$ref": f"#/$defs/{entries.ContractRow.__name__}"},
            "maxItems": 500,
        },
        entries.ControlKind.CALENDAR: {"type": "array", "items": {"type": "integer"}},
    },
    entries.Marker: {
        entries.MarkerKind.EPOCH: entries.EpochMark,
        entries.MarkerKind.QUALITY: entries.QualityMark,
        entries.MarkerKind.PHASE: entries.PhaseMark,
        entries.MarkerKind.END_OF_SESSION: entries.EndOfSessionMark,
    },
}
"""What stands in `body`, by `kind`."""


def wire_schema_text() -> str:
    """Return the text of `docs/wire.schema.json`."""
    return json.dumps(wire_schema(), indent=1, ensure_ascii=False) + "\n"


def wire_schema() -> Schema:
    """Build the JSON schema (draft 2020-12) of every payload, under `$defs`."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:mdhub:wire:v{ticks.SCHEMA_VERSION}",
        "title": f"mdhub wire contract, version {ticks.SCHEMA_VERSION}",
        "description": "Payloads as a MessagePack library decodes them; docs/wire.md has the "
        "rules. Choose one by reference, such as #/$defs/CleanTick.",
        "x-schema-version": ticks.SCHEMA_VERSION,
        "x-schema-digest": schema_digest(),
        "$defs": {payload.__name__: _payload(payload) for payload in PAYLOADS},
    }


def _payload(payload: Payload) -> Schema:
    fields = cast("inspect.StructType", inspect.type_info(payload)).fields
    schema: Schema = {
        "description": docstring(payload),
        "type": "array",
        "minItems": sum(field.default is NODEFAULT for field in fields),
        "prefixItems": [
            _element(payload, field, told.type)
            for field, told in zip(fields, fields_of(payload), strict=True)
        ],
    }
    names = [field.name for field in fields]
    conditions = [_body(names, kind, body) for kind, body in _BODIES.get(payload, {}).items()]
    return schema | ({"allOf": conditions} if conditions else {})


def _element(payload: Payload, field: inspect.Field, word: str) -> Schema:
    element = {"title": field.name, **_type(field.type), "x-type": word}
    note = note_of(payload, field.name)
    if note:
        element["description"] = note
    unit = _unit(field.name)
    if unit:
        element["x-unit"] = unit
    if field.default is not NODEFAULT:
        element["default"] = field.default
    if field.name == "v":
        element["const"] = ticks.SCHEMA_VERSION
    fixed = _FIXED.get((payload, field.name))
    if fixed is not None:
        element["const"] = fixed
    values = _WORDS.get((payload, field.name))
    return element if values is None else element | {"x-values": _values(values)}


def _unit(name: str) -> str:
    if name.endswith("_ns"):
        return "ns since 1970-01-01T00:00:00Z"
    if name == "epoch":
        return "ms since 1970-01-01T00:00:00Z"
    return "ms" if name.endswith("_ms") else ""


def _values(values: type[Enum]) -> Schema:
    notes = attribute_notes(values)
    return {str(member.value): notes.get(member.name, "") for member in values}


def _body(names: list[str], kind: StrEnum, body: Payload | Schema) -> Schema:
    schema = body if isinstance(body, dict) else _reference(body)
    return {
        "if": {"prefixItems": _at(names.index("kind"), {"const": kind})},
        "then": {"prefixItems": _at(names.index("body"), schema)},
    }


def _at(position: int, schema: Schema) -> list[Schema | bool]:
    return [True] * position + [schema]


def _reference(payload: type) -> Schema:
    return {"$ref": f"#/$defs/{payload.__name__}"}


def _type(kind: inspect.Type) -> Schema:
    match kind:
        case inspect.UnionType(types=members):
            return _union([_type(member) for member in members])
        case inspect.IntType(ge=least, le=most):
            low, high = _INT64
            return {
                "type": "integer",
                "minimum": low if least is None else least,
                "maximum": high if most is None else most,
            }
        case inspect.FloatType(ge=least, le=most):
            return {"type": "number", **_given(minimum=least, maximum=most)}
        case inspect.StrType(min_length=least, max_length=most):
            return {"type": "string", **_given(minLength=least, maxLength=most)}
        case inspect.ListType(item_type=item):
            return {"type": "array", "items": _type(item)}
        case inspect.TupleType(item_types=items):
            return {
                "type": "array",
                "prefixItems": [_type(item) for item in items],
                "minItems": len(items),
                "maxItems": len(items),
            }
        case inspect.StructType(cls=cls):
            return _reference(cls)
        case _:
            return dict(_SIMPLE[type(kind)])


def _given(**bounds: float | None) -> Schema:
    return {name: bound for name, bound in bounds.items() if bound is not None}


def _union(members: list[Schema]) -> Schema:
    """Join the types; none of them has a bound that would fall on another."""
    joined: Schema = {}
    for member in members:
        joined |= member
    return joined | {"type": [member["type"] for member in members]}


if __name__ == "__main__":
    sys.stdout.write(wire_schema_text())
