"""Twins of wire structs whose JSON has field names.

On the wire they are arrays; in the API every value has its name. Fields and types are those of the
original, so the two cannot drift apart.
"""

from __future__ import annotations

from functools import cache, partial
from types import UnionType
from typing import TYPE_CHECKING, Any, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import NODEFAULT, Struct

from mdhub.health import alerts, model
from mdhub.wire import entries, ticks

__all__ = [
    "Alert",
    "CanaryFacts",
    "ChannelFacts",
    "CleanTick",
    "CoverageFacts",
    "Finding",
    "HealthReport",
    "QualityMark",
    "RawTick",
    "ServerFacts",
    "ServiceFacts",
    "ShardFacts",
    "Silence",
    "SourceFacts",
    "named",
]

T = TypeVar("T")


@cache
def twin(kind: type[Struct]) -> type[Struct]:
    """Make the struct with the same fields whose JSON is an object."""
    hints = get_type_hints(kind, include_extras=True)
    fields: list[tuple[str, Any, Any]] = []
    for field in msgspec.structs.fields(kind):
        default: Any = field.default
        if field.default_factory is not NODEFAULT:
            default = msgspec.field(default_factory=field.default_factory)
        elif isinstance(default, Struct):
            # Made anew: Litestar hashes a default when it writes the API document.
            make = partial(msgspec.convert, default, twin(type(default)), from_attributes=True)
            default = msgspec.field(default_factory=make)
        elif default is NODEFAULT:
            default = msgspec.field()
        fields.append((field.name, _twins_in(hints[field.name]), default))
    made = msgspec.defstruct(kind.__name__, fields, frozen=True, kw_only=True, module=__name__)
    made.__doc__ = kind.__doc__
    return made


def named(kind: type[T], value: object) -> T:
    """Turn a wire struct into its twin."""
    return msgspec.convert(value, kind, from_attributes=True)


def _twins_in(hint: Any) -> Any:
    if isinstance(hint, type) and issubclass(hint, Struct):
        return twin(hint)
    origin, inside = get_origin(hint), get_args(hint)
    if origin in {Union, UnionType}:
        return Union[tuple(_twins_in(each) for each in inside)]  # noqa: UP007 - made of a tuple
    if origin in {list, dict}:
        return origin[tuple(_twins_in(each) for each in inside)]
    return hint


if TYPE_CHECKING:
    from mdhub.health.alerts import Alert, ChannelFacts, Silence
    from mdhub.health.model import (
        CanaryFacts,
        CoverageFacts,
        Finding,
        HealthReport,
        ServerFacts,
        ServiceFacts,
        ShardFacts,
        SourceFacts,
    )
    from mdhub.wire.entries import QualityMark
    from mdhub.wire.ticks import CleanTick, RawTick
else:
    Finding = twin(model.Finding)
    SourceFacts = twin(model.SourceFacts)
    ServiceFacts = twin(model.ServiceFacts)
    ShardFacts = twin(model.ShardFacts)
    ServerFacts = twin(model.ServerFacts)
    CanaryFacts = twin(model.CanaryFacts)
    CoverageFacts = twin(model.CoverageFacts)
    HealthReport = twin(model.HealthReport)
    Alert = twin(alerts.Alert)
    Silence = twin(alerts.Silence)
    ChannelFacts = twin(alerts.ChannelFacts)
    QualityMark = twin(entries.QualityMark)
    RawTick = twin(ticks.RawTick)
    CleanTick = twin(ticks.CleanTick)
