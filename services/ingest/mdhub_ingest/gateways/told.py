"""Numbers as gateways tell them: there are many ways to say that there is none."""

from __future__ import annotations

from math import isfinite
from typing import Final

__all__ = ["NONE_FROM", "amount", "number"]

NONE_FROM: Final = 1e300
"""From here on a number means "no value": DBL_MAX, or what some bridge has made of it."""


def number(value: float | None) -> float | None:
    """Return what was told; None = no value."""
    return value if value is not None and isfinite(value) and abs(value) < NONE_FROM else None


def amount(value: float | None) -> float:
    """Return a positive number as told; 0 = none was."""
    told = number(value)
    return float(told) if told is not None and told > 0 else 0.0
