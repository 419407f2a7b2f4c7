"""Limits lines of a gateway by pattern: a flapping front writes 1,500 of them a second. Pure."""

from __future__ import annotations

import re
from collections import OrderedDict
from typing import Final

__all__ = ["Limiter", "pattern"]

_NUMBER: Final = re.compile(r"0[xX][0-9a-fA-F]+|[0-9]+")
PATTERN_CHARS: Final = 120
PATTERNS: Final = 200
"""Kept at a time; the one unused longest goes first (see `forgotten`)."""


def pattern(text: str) -> str:
    """Return what lines that differ only in numbers, or far behind, have in common."""
    return _NUMBER.sub("#", text)[:PATTERN_CHARS]


class _Bucket:
    __slots__ = ("left_out", "tokens", "updated_s")

    def __init__(self, tokens: float, updated_s: float) -> None:
        self.tokens = tokens
        self.updated_s = updated_s
        self.left_out = 0


class Limiter:
    """Lets `burst` lines of a pattern pass at once and `per_s` of them each second."""

    def __init__(self, *, per_s: float = 0.2, burst: int = 5, patterns: int = PATTERNS) -> None:
        self._per_s = per_s
        self._burst = float(burst)
        self._patterns = patterns
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()
        self.left_out = 0
        """All lines left out since the start."""
        self.forgotten = 0
        """Of these, those no later line tells of."""

    def admit(self, text: str, now_s: float) -> int | None:
        """None = leave this line out; else how many like it were left out since the last one."""
        return self.admit_key(pattern(text), now_s)

    def admit_key(self, key: str, now_s: float) -> int | None:
        """As `admit`, for lines whose pattern the caller knows."""
        bucket = self._bucket(key, now_s)
        passed_s = max(0.0, now_s - bucket.updated_s)
        bucket.tokens = min(self._burst, bucket.tokens + passed_s * self._per_s)
        bucket.updated_s = now_s
        if bucket.tokens < 1.0:
            bucket.left_out += 1
            self.left_out += 1
            return None
        bucket.tokens -= 1.0
        left_out, bucket.left_out = bucket.left_out, 0
        return left_out

    def _bucket(self, key: str, now_s: float) -> _Bucket:
        bucket = self._buckets.get(key)
        if bucket is not None:
            self._buckets.move_to_end(key)
            return bucket
        if len(self._buckets) >= self._patterns:
            _, oldest = self._buckets.popitem(last=False)
            self.forgotten += oldest.left_out
        bucket = self._buckets[key] = _Bucket(self._burst, now_s)
        return bucket
