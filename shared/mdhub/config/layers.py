"""Where values come from: layers of nested tables, the strongest first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mdhub.config.locate import Key

__all__ = ["DEFAULT", "Layer", "merged", "nearest", "origin_of", "shown_key"]

DEFAULT: Final = "default"


@dataclass(frozen=True, slots=True)
class Layer:
    """Values of one origin; `where` names the place of a key in words."""

    values: Mapping[str, Any]
    where: Callable[[Key], str]

    def depth(self, key: Key) -> int:
        """How many leading parts of a key stand here."""
        value: Any = self.values
        for depth, part in enumerate(key):
            try:
                value = value[part]
            except (LookupError, TypeError):
                return depth
        return len(key)


def merged(layers: Sequence[Layer]) -> dict[str, Any]:
    """One nested table; tables are merged, everything else is taken from the strongest."""
    result: dict[str, Any] = {}
    for layer in reversed(layers):
        result = _over(result, layer.values)
    return result


def origin_of(layers: Sequence[Layer], key: Key) -> str:
    """Where the value of a key comes from."""
    for layer in layers:
        depth = layer.depth(key)
        if depth == len(key):
            return layer.where(key)
        if any(isinstance(part, int) for part in key[:depth]):
            return DEFAULT  # lists are taken whole: what is not in this one is in none
    return DEFAULT


def nearest(layers: Sequence[Layer], key: Key) -> str:
    """Place nearest to a key: its own, or that of the table it is missing in."""
    depth, layer = max(((layer.depth(key), layer) for layer in layers), key=lambda found: found[0])
    return layer.where(key[:depth]) if depth else ""


def shown_key(key: Key) -> str:
    """`("sources", 0, "seed")` as `sources[0].seed`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in key)
    return "".join(parts).removeprefix(".")


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(below)
    for name, value in above.items():
        held = result.get(name)
        both = isinstance(held, Mapping) and isinstance(value, Mapping)
        result[name] = _over(held, value) if both and held is not None else value
    return result
