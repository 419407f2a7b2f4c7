"""The model as a list: one row per knob."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from mdhub.config.model import HubConfig

__all__ = ["KNOBS", "SECRETS", "SETTINGS", "Knob", "knobs_of"]

SETTINGS: Final = "settings"
"""Key of a gateway's settings within a source."""
UNITS: Final = {
    "_ms": "milliseconds",
    "_s": "seconds",
    "_per_s": "per second",
    "_mb": "MB",
    "_bytes": "bytes",
    "pace": "contracts per second",
    "rate": "market seconds per second",
    "speed": "market seconds per second",
}


@dataclass(frozen=True, slots=True)
class Knob:
    """One knob; in lists `path` leaves out the number of the element."""

    path: tuple[str, ...]
    model: type[BaseModel]
    info: FieldInfo
    in_list: bool

    @property
    def meaning(self) -> str:
        return " ".join((self.info.description or "").split())

    @property
    def unit(self) -> str:
        name = self.path[-1]
        endings = [ending for ending in UNITS if name.endswith(ending)]
        return UNITS[max(endings, key=len)] if endings else ""

    @property
    def required(self) -> bool:
        return self.info.is_required()


def knobs_of(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[Knob]:
    """Every knob below a model, in the order of the code."""
    for field, info in model.model_fields.items():
        below, name = _models(info.annotation), info.alias or field
        if not below:
            yield Knob((*path, name), model, info, in_list=False)
        for child in below:
            for knob in knobs_of(child, (*path, name)):
                listed = knob.in_list or get_origin(info.annotation) is tuple
                yield Knob(knob.path, knob.model, knob.info, listed)


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models(part)]


KNOBS: Final = tuple(knobs_of(HubConfig))
SECRETS: Final = frozenset(
    knob.path for knob in KNOBS if SecretStr in get_args(knob.info.annotation)
)
