"""What operators said against the schedule; every word ends by itself. Pure.

`hold` and `start` are of one source, a holiday is of all. Times are market time.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final, Literal

import msgspec
from msgspec.structs import replace

from mdhub.calendar.note import OverrideNote, ScheduleNote
from mdhub.calendar.rows import as_date
from mdhub.calendar.windows import Timetable

__all__ = ["Override", "Overrides", "decode_overrides", "encode_overrides", "note"]

BEGUN_MAX: Final = 32


class Override(msgspec.Struct, frozen=True):
    """One source runs, or does not, whatever its group does."""

    kind: Literal["hold", "start"]
    until_ns: int
    reason: str
    command: str
    """Id of the command that said so."""


class Overrides(msgspec.Struct, frozen=True):
    """All that holds, and how far the commands have been read."""

    sources: dict[str, Override] = {}
    holidays: dict[str, str] = {}
    """Day (YYYYMMDD) -> reason."""
    cursor: str = "0-0"
    """Id of the newest command that changed anything here."""
    begun: tuple[str, ...] = ()
    """Ids of the newest commands that do something once: written down before it is done."""

    def of(self, source: str, market_ns: int) -> Override | None:
        """What holds of a source at a moment."""
        said = self.sources.get(source)
        return said if said is not None and market_ns < said.until_ns else None

    def days(self) -> frozenset[date]:
        """Days that were declared holidays."""
        return frozenset(as_date(int(day)) for day in self.holidays)

    def put(self, source: str, said: Override) -> Overrides:
        return replace(self, sources=self.sources | {source: said})

    def drop(self, source: str) -> Overrides:
        return replace(self, sources={n: o for n, o in self.sources.items() if n != source})

    def close(self, day: int, reason: str) -> Overrides:
        return replace(self, holidays=self.holidays | {str(day): reason})

    def reopen(self, day: int) -> Overrides:
        return replace(self, holidays={d: r for d, r in self.holidays.items() if d != str(day)})

    def read_to(self, cursor: str) -> Overrides:
        return replace(self, cursor=cursor)

    def begin(self, command: str) -> Overrides:
        """Note what is about to be done."""
        return replace(self, begun=(*self.begun, command)[-BEGUN_MAX:])

    def pruned(self, market_ns: int, today: int) -> tuple[Overrides, list[str]]:
        """Without what has ended, and the names of what that was (sources, days)."""
        over = [name for name, said in self.sources.items() if said.until_ns <= market_ns]
        past = [day for day in self.holidays if int(day) < today]
        if not (over or past):
            return self, []
        sources = {name: said for name, said in self.sources.items() if name not in over}
        holidays = {day: why for day, why in self.holidays.items() if day not in past}
        return replace(self, sources=sources, holidays=holidays), [*over, *past]


def note(overrides: Overrides, groups: Mapping[str, str], timetable: Timetable) -> ScheduleNote:
    """What people are told; `groups`: of each source. `timetable` is without overrides."""
    said = [
        OverrideNote(
            source=source, kind=each.kind, until_ns=each.until_ns, reason=each.reason,
            command=each.command,
        )
        for source, each in sorted(overrides.sources.items())
    ]  # fmt: skip
    return ScheduleNote(
        groups=timetable.groups, sources=dict(groups), overrides=said,
        holidays=overrides.holidays, calendar=timetable.calendar.digest,
    )  # fmt: skip


def encode_overrides(overrides: Overrides) -> bytes:
    """Render as JSON, for people as well."""
    return msgspec.json.format(msgspec.json.encode(overrides), indent=2)


def decode_overrides(text: bytes) -> Overrides:
    """Parse JSON. Raises ValueError."""
    found = msgspec.json.decode(text, type=Overrides)
    found.days()
    return found
