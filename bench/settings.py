"""How long and how often to measure."""

from __future__ import annotations

from dataclasses import dataclass

WARM_UP_S = 2.0
QUICK_RATE = 2_000.0
QUICK_CONTRACTS = 600


@dataclass(frozen=True)
class Settings:
    """What the command line asked for. `quick` shows that rows run; its numbers say nothing."""

    seconds: float = 15.0
    rounds: int = 3
    quick: bool = False
    may_install: bool = True

    @property
    def warm_up_s(self) -> float:
        return min(WARM_UP_S, self.seconds / 4)

    @property
    def tabs(self) -> int:
        """Open tabs of the console, or what of them a quick run opens."""
        return 5 if self.quick else 200

    def rate(self, ticks_per_s: float) -> float:
        """A rate, or what of it a quick run plays."""
        return min(ticks_per_s, QUICK_RATE) if self.quick else ticks_per_s

    def few(self, amount: int) -> int:
        """An amount of items for a stage, or what of it a quick run takes."""
        return max(500, amount // 100) if self.quick else amount

    def contracts(self, amount: int) -> int:
        """A number of contracts, or what of it a quick run has."""
        return min(amount, QUICK_CONTRACTS) if self.quick else amount
