"""Readers of the log: who is behind, and whom retention has passed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from mdhub.wire.ops import Severity
from mdhub_monitor.rules.problem import Problem

__all__ = ["ReaderFact", "reader_problems"]

BEHIND_MS: Final = 10_000
"""Readers register where they are about once a second."""
REGISTERS_MS: Final = 10_000
"""Who has not registered for so long is down, or does not read any more: not merely behind."""
FORGOTTEN_MS: Final = 3_600_000
"""Who has not registered for so long has been taken out of service."""


class ReaderFact(NamedTuple):
    """One reader of one stream, in ms of stream ids."""

    reader: str
    """`raw 0 arbiter:B`: stream, shard, name."""
    at_ms: int
    """Of the newest entry it has read."""
    age_ms: int
    """Since it registered."""
    first_ms: int
    """Of the oldest entry the stream still has; 0 = empty."""
    next_ms: int
    """Of the oldest entry it has not read; 0 = it has read everything."""
    newest_ms: int

    @property
    def behind_ms(self) -> int:
        """How long what it has not read has been there; a quiet stretch before it does not count.

        So a place that was registered before a break, or before there was anything, is not behind.
        """
        return self.newest_ms - self.next_ms if self.next_ms else 0


def reader_problems(readers: Iterable[ReaderFact]) -> Iterator[Problem]:
    """One finding per reader: overtaken is worse than behind."""
    for each in readers:
        if each.age_ms > FORGOTTEN_MS:
            continue
        if 0 < each.at_ms < each.first_ms:
            facts = {"missing_ms": each.first_ms - each.at_ms}
            yield Problem("reader_overtaken", each.reader, Severity.ERROR, facts)
        elif each.behind_ms > BEHIND_MS and each.age_ms <= REGISTERS_MS:
            facts = {"behind_ms": each.behind_ms, "age_ms": each.age_ms}
            yield Problem("reader_behind", each.reader, Severity.WARNING, facts)
