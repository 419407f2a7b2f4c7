"""The payloads of the contract and their fields, read off the structs themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, cast

import msgspec
from msgspec import NODEFAULT, inspect

from mdhub.wire import entries, live, ops, requests, ticks

__all__ = ["PAYLOADS", "Field", "fields_of"]

Payload = type[msgspec.Struct]

PAYLOADS: Final[tuple[Payload, ...]] = (
    ticks.RawTick,
    ticks.CleanTick,
    entries.Control,
    entries.Clock,
    entries.Lead,
    entries.ConfigChange,
    entries.MarketClock,
    entries.LostRange,
    entries.ContractRow,
    entries.RulesChange,
    entries.SourceVerdict,
    entries.CleanHeader,
    entries.Marker,
    entries.EpochMark,
    entries.QualityMark,
    entries.PhaseMark,
    entries.EndOfSessionMark,
    entries.RejectedHeader,
    live.LiveHeader,
    live.Heartbeat,
    ops.Event,
    ops.Command,
    ops.LogLine,
    requests.RequestHead,
    requests.HelloRequest,
    requests.SnapshotRequest,
    requests.TailsRequest,
    requests.FindRequest,
    requests.ReplayRequest,
    requests.ReplyHead,
    requests.MsgReply,
    requests.ErrorReply,
    requests.HelloReply,
    requests.ShardInfo,
    requests.TailsReply,
    requests.FindReply,
    requests.EndReply,
)
"""Every array that crosses a process boundary, in the order of `docs/wire.md`."""

_WORDS: Final[dict[type[inspect.Type], str]] = {
    inspect.AnyType: "any",
    inspect.RawType: "any",
    inspect.BoolType: "bool",
    inspect.BytesType: "bytes",
    inspect.DictType: "map",
    inspect.FloatType: "float64",
    inspect.IntType: "int64",
    inspect.NoneType: "nil",
    inspect.StrType: "str",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One element of a payload: what it is called and what may stand there."""

    name: str
    type: str
    """In words: str, int64, float64, bool, bytes, map, any, `list of ...`, `[..., ...]`."""
    nil: bool
    default: str | None
    """As JSON: what a reader puts when the array is shorter. None = must be there."""


def fields_of(payload: Payload) -> tuple[Field, ...]:
    """List the elements of a payload in wire order."""
    info = cast("inspect.StructType", inspect.type_info(payload))
    return tuple(_field(field) for field in info.fields)


def _field(field: inspect.Field) -> Field:
    members = field.type.types if isinstance(field.type, inspect.UnionType) else (field.type,)
    values = [m for m in members if not isinstance(m, inspect.NoneType)]
    return Field(
        field.name,
        " or ".join(_word(value) for value in values),
        len(values) < len(members),
        None if field.default is NODEFAULT else msgspec.json.encode(field.default).decode(),
    )


def _word(kind: inspect.Type) -> str:
    match kind:
        case inspect.UnionType(types=members):
            return " or ".join(_word(member) for member in members)
        case inspect.ListType(item_type=item):
            return f"list of {_word(item)}"
        case inspect.TupleType(item_types=items):
            return f"[{', '.join(_word(item) for item in items)}]"
        case inspect.StructType(cls=cls):
            return cls.__name__
        case _:
            return _WORDS[type(kind)]
