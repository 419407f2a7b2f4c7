"""What the schedule is told by the configuration: groups, checklist, archive."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from mdhub.calendar.rows import EXCHANGES
from mdhub.calendar.windows import ALWAYS, Group, ScheduleError

__all__ = ["FUTURES", "STOCK", "ScheduleSettings", "parse_settings"]

FUTURES: Final = "futures"
STOCK: Final = "stock"
DAY: Final = "08:30-15:50"
NIGHT: Final = "20:30-02:45"
_STOCK_EXCHANGES: Final = ("SSE", "SZSE")


def _groups() -> dict[str, Group]:
    futures = tuple(name for name in EXCHANGES if name not in _STOCK_EXCHANGES)
    return {FUTURES: Group((DAY, NIGHT), futures), STOCK: Group((DAY,), _STOCK_EXCHANGES)}


class ScheduleSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[schedule]` of the configuration (docs/schedule.md)."""

    groups: dict[str, Group] = {}
    """By name; `futures` and `stock` are there unless they are described anew."""
    checklist_min: Annotated[float, Meta(ge=0, le=120)] = 5.0
    """Minutes before the open at which the checklist must be through."""
    coverage: Annotated[float, Meta(ge=0, le=1)] = 0.98
    """Share of the wanted contracts that must be confirmed by then."""
    disk_free_mb: Annotated[int, Meta(ge=0)] = 2_048
    clock_ms: Annotated[float, Meta(gt=0)] = 500.0
    archive: tuple[str, ...] = ()
    """Program and its arguments, run at the end of each window; empty = none."""
    archive_limit_s: Annotated[float, Meta(gt=0, le=86_400)] = 1_800.0

    def all_groups(self) -> dict[str, Group]:
        """Every group there is."""
        return _groups() | self.groups


def parse_settings(text: str) -> ScheduleSettings:
    """Parse JSON. Raises ScheduleError."""
    try:
        settings = msgspec.json.decode(text or "{}", type=ScheduleSettings)
    except msgspec.DecodeError as error:
        raise ScheduleError(f"schedule: {error}; expected for example {{}}") from error
    if ALWAYS in settings.groups:
        raise ScheduleError(
            f"a group is called {ALWAYS!r}: that word says of a source that it has none"
        )
    return settings
