"""Types of values in a file, which has numbers and text of its own.

A variable is always text, so the model itself takes `"2"` for a number; in a file that is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, get_args

from mdhub.config.errors import Problem
from mdhub.config.knobs import KNOBS
from mdhub.config.layers import Layer, shown_key
from mdhub.config.locate import Key

__all__ = ["wrong_types"]

_NUMBERS: Final = (int, float)


def wrong_types(layer: Layer) -> list[Problem]:
    """Every value that is text, true or false where a number is wanted, or broken where whole."""
    found = []
    for key, value in _leaves(layer.values, ()):
        words = _wrong(key, value)
        if words:
            words = f"was {value!r}, {words}"
            found.append(Problem(layer.where(key), shown_key(key), words))
    return found


def _wrong(key: Key, value: object) -> str:
    path = tuple(part for part in key if isinstance(part, str))
    wanted = {kind for knob in KNOBS if knob.path == path for kind in _kinds(knob.info.annotation)}
    if not wanted or not wanted <= {int, float, type(None)}:
        return ""
    if float in wanted:
        return "" if type(value) in _NUMBERS else "expected a number, without quotes"
    return "" if type(value) is int else "expected a whole number, without quotes"


def _kinds(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) or (annotation,)


def _leaves(value: Any, key: Key) -> Iterator[tuple[Key, object]]:
    if isinstance(value, dict):
        for name, below in value.items():
            yield from _leaves(below, (*key, name))
    elif isinstance(value, list):
        for number, below in enumerate(value):
            yield from _leaves(below, (*key, number))
    else:
        yield key, value
