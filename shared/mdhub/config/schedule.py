"""Knobs of the trading-day schedule (docs/schedule.md)."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import Field, field_validator

from mdhub.config.base import Knobs
from mdhub.market.products import EXCHANGES

__all__ = ["GroupKnobs", "ScheduleKnobs"]

_Window = Annotated[str, Field(pattern=r"^[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$")]
_Exchange = Annotated[str, Field(pattern=f"^({'|'.join(EXCHANGES)})$")]
_STOCK: Final = ("SSE", "SZSE")


class GroupKnobs(Knobs):
    """Sources that are connected together: around the sessions of some exchanges."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$")
    """Name of the group, as `schedule` of a source says it."""
    windows: tuple[_Window, ...] = Field(min_length=1)
    """When they are connected, China time. Windows that begin from 16:00 on are of the night: they
    open on evenings with a night session."""
    exchanges: tuple[_Exchange, ...] = Field(default=tuple(EXCHANGES), min_length=1)
    """Whose sessions count: a window without any of them stays shut."""


_GROUPS: Final = (
    GroupKnobs(
        name="futures",
        windows=("08:30-15:50", "20:30-02:45"),
        exchanges=tuple(name for name in EXCHANGES if name not in _STOCK),
    ),
    GroupKnobs(name="stock", windows=("08:30-15:50",), exchanges=_STOCK),
)


class ScheduleKnobs(Knobs):
    """The trading day: connections, the checklist, the close (docs/schedule.md)."""

    checklist_min: float = Field(default=5.0, ge=0, le=120)
    """Minutes before the open at which the checklist must be through."""
    coverage: float = Field(default=0.98, ge=0, le=1)
    """Share of the wanted contracts of an account that must be confirmed by then."""
    disk_free_mb: int = Field(default=2_048, ge=0)
    """MB that must be free under the data folder."""
    clock_ms: float = Field(default=500.0, gt=0)
    """How far this host's clock may be from the server's."""
    archive: tuple[str, ...] = Field(default=(), examples=[["/opt/mdhub/archive.sh", "--zstd"]])
    """Program and its arguments, run after each window; no shell. It finds MDHUB_TRADING_DAY
    (YYYYMMDD) and MDHUB_SESSION (day or night) in its environment."""
    archive_limit_s: float = Field(default=1_800.0, gt=0, le=86_400)
    """Seconds after which it is ended with all that it started."""
    groups: tuple[GroupKnobs, ...] = _GROUPS
    """Groups of sources. `futures` (ctp, tts, vnpy) and `stock` (sopt) are there in any case."""

    @field_validator("groups")
    @classmethod
    def _named_apart(cls, groups: tuple[GroupKnobs, ...]) -> tuple[GroupKnobs, ...]:
        names = [group.name for group in groups]
        wrong = sorted({name for name in names if names.count(name) > 1 or name == "always"})
        if wrong:
            raise ValueError(
                f"group {', '.join(wrong)}: expected different names, and none that is `always`"
            )
        return groups

    def for_ingest(self) -> dict[str, Any]:
        """As `mdhub run ingest --schedule` takes it."""
        told = self.model_dump(mode="json", exclude={"groups"})
        groups = {each.name: each.model_dump(mode="json", exclude={"name"}) for each in self.groups}
        return {**told, "groups": groups}
