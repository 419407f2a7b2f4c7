"""How much of each stream is kept: defaults, and what `mdhub up` hands to the arbiter.

The arbiter finds other budgets than the defaults in its environment, by the names that the
configuration has for them: `MDHUB_RETENTION__RAW__KEEP_MS`, `MDHUB_RETENTION__RAW__MAX_BYTES`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from mdhub.streams.errors import StreamsError
from mdhub.streams.topology import CLEAN, RAW, REJECTED

__all__ = ["DEFAULTS", "RETENTION", "Budget", "Budgets", "budget_environment"]

MINUTE_MS: Final = 60_000
MEGABYTE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Budget:
    """How long and how much of a stream is kept."""

    keep_ms: int
    max_bytes: int


DEFAULTS: Final = {
    RAW.name: Budget(15 * MINUTE_MS, 512 * MEGABYTE),
    CLEAN.name: Budget(60 * MINUTE_MS, 512 * MEGABYTE),
    REJECTED.name: Budget(60 * MINUTE_MS, 128 * MEGABYTE),
}


class Budgets(Mapping[str, Budget]):
    """Budget of each trimmed stream: from the environment where it names one, else the default.

    Looked up when asked, so that nothing is read at import. Raises StreamsError naming a variable
    whose value is no number.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._environment = environment

    def __getitem__(self, stream: str) -> Budget:
        default = DEFAULTS[stream]
        return Budget(
            self._number(_variable(stream, "keep_ms"), default.keep_ms),
            self._number(_variable(stream, "max_bytes"), default.max_bytes),
        )

    def __iter__(self) -> Iterator[str]:
        return iter(DEFAULTS)

    def __len__(self) -> int:
        return len(DEFAULTS)

    def _number(self, variable: str, default: int) -> int:
        text = self._environment.get(variable, "")
        if text and not text.isdecimal():
            raise StreamsError(f"{variable} was {text!r}, expected a whole number")
        return int(text) if text else default


RETENTION: Final = Budgets()


def budget_environment(budgets: Mapping[str, Budget]) -> dict[str, str]:
    """Variables that give `Budgets` these budgets."""
    return {
        _variable(stream, knob): str(getattr(budget, knob))
        for stream, budget in budgets.items()
        for knob in ("keep_ms", "max_bytes")
    }


def _variable(stream: str, knob: str) -> str:
    return f"MDHUB_RETENTION__{stream}__{knob}".upper()
