# HOT: once per fresh snapshot of a contract.
"""What is usual for a contract: its gaps between two snapshots, learned and bounded.

A histogram of half octaves per contract, halved when it is full, so that it follows the contract's
newest few thousand gaps. Gaps are exchange time, so neither a slow source nor an accelerated
market bends them.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from typing import Annotated, Final

import msgspec

from mdhub.wire.codec import decoder, encode

__all__ = ["KNOWN_GAPS", "Habit", "decode_habits", "encode_habits"]

BINS: Final = 48
FULL: Final = 4_096
KNOWN_GAPS: Final = 100
"""Gaps after which a contract's habit is believed, beside those of others."""
SETTLED_MS: Final = 900_000
"""Time observed after which it is believed on its own: an opening is livelier than a noon."""
BREAK_MS: Final = 600_000
"""Longer gaps are breaks, not habits."""
RARE: Final = 1_000
"""One gap in so many is longer than what is called usual."""
REFRESH: Final = 32
MAX_CONTRACTS: Final = 60_000

_Bins = Annotated[list[Annotated[int, msgspec.Meta(ge=0, le=FULL)]], msgspec.Meta(max_length=BINS)]


class Habit:
    """Gaps of one contract."""

    __slots__ = ("_bins", "_due", "_observed_ms", "_usual_ms", "total")

    def __init__(self, bins: list[int] | None = None) -> None:
        self._bins = array("H", (bins or []) + [0] * (BINS - len(bins or [])))
        self.total = sum(self._bins)
        self._usual_ms = 0
        self._observed_ms = 0
        self._due = 0

    @property
    def known(self) -> bool:
        return self.total >= KNOWN_GAPS

    @property
    def settled(self) -> bool:
        if not self.known:
            return False
        self.usual_ms()
        return self._observed_ms >= SETTLED_MS

    def learn(self, gap_ms: int) -> None:
        """Add one gap."""
        if not 0 < gap_ms < BREAK_MS:
            return
        self._bins[_bin(gap_ms)] += 1
        self.total += 1
        self._due -= 1
        if self.total >= FULL:
            for i, count in enumerate(self._bins):
                self._bins[i] = count // 2
            self.total = sum(self._bins)

    def usual_ms(self) -> int:
        """All but one gap in a thousand are at most so long; 0 = nothing learned.

        With fewer than a thousand gaps: none was longer.
        """
        if self._due <= 0:
            self._due = REFRESH
            self._usual_ms = self._rare_ms()
            self._observed_ms = sum(n * _edge_ms(i) for i, n in enumerate(self._bins))
        return self._usual_ms

    def bins(self) -> list[int]:
        return self._bins.tolist()

    def _rare_ms(self) -> int:
        above, allowed = 0, self.total // RARE
        for i in range(BINS - 1, -1, -1):
            above += self._bins[i]
            if above > allowed:
                return _edge_ms(i)
        return 0


def _bin(gap_ms: int) -> int:
    """Two bins an octave: [2^b, 1.5 * 2^b) and [1.5 * 2^b, 2^(b+1))."""
    bits = gap_ms.bit_length()
    upper = (gap_ms >> (bits - 2)) & 1 if bits > 1 else 0
    return 2 * (bits - 1) + upper


def _edge_ms(place: int) -> int:
    octave, upper = divmod(place, 2)
    return 2 << octave if upper else max(1, 3 << octave >> 1)


_decode: Final = decoder(dict[str, _Bins])


def encode_habits(habits: Mapping[str, Habit]) -> bytes:
    """What was learned, by symbol, to be kept over a restart."""
    return encode({symbol: habit.bins() for symbol, habit in habits.items() if habit.total})


def decode_habits(data: bytes) -> dict[str, Habit]:
    """Read what was kept. Raises DecodeError."""
    kept = _decode(data)
    return {symbol: Habit(bins) for symbol, bins in list(kept.items())[:MAX_CONTRACTS]}
