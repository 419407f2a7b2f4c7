"""The knobs of `[alerts]` as the monitor takes them: JSON in the variable MDHUB_ALERTS."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from mdhub.wire.errors import MdhubError

__all__ = ["VARIABLE", "AlertSettings", "Quiet", "SettingsError", "parse_settings"]

VARIABLE: Final = "MDHUB_ALERTS"
CHINA_MIN: Final = 480
"""Minutes that China is ahead of UTC; it has no summer time."""
MINUTE_NS: Final = 60_000_000_000
_DAY_MIN: Final = 1_440
_HOURS: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


class SettingsError(MdhubError):
    """The settings given cannot be understood."""


class Quiet(msgspec.Struct, frozen=True):
    """Hours of the day, China time, in which only errors are told."""

    first_min: int = 0
    end_min: int = 0
    """The same = no quiet hours."""

    def covers(self, wall_ns: int) -> bool:
        """Whether a moment lies in them; they may span midnight."""
        minute = (wall_ns // MINUTE_NS + CHINA_MIN) % _DAY_MIN
        since_first = (minute - self.first_min) % _DAY_MIN
        return since_first < (self.end_min - self.first_min) % _DAY_MIN


class AlertSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Meanings and defaults: `AlertKnobs` of mdhub.config.model (a test compares)."""

    hub: str = "mdhub"
    channels: dict[str, str] = {}
    """Name -> reference to the address."""
    severity: Literal["info", "warning", "error"] = "warning"
    language: Literal["en", "zh", "both"] = "en"
    merge_s: float = 3.0
    repeat_s: float = 1_800.0
    quiet: str = ""
    docs_url: str = ""

    @property
    def quiet_hours(self) -> Quiet:
        found = _HOURS.fullmatch(self.quiet)
        if found is None:
            return Quiet()
        first_h, first_min, end_h, end_min = map(int, found.groups())
        return Quiet(first_h * 60 + first_min, end_h * 60 + end_min)


def parse_settings(environment: Mapping[str, str]) -> AlertSettings:
    """Read the settings. Raises SettingsError; the message never quotes a value."""
    try:
        settings = msgspec.json.decode(environment.get(VARIABLE) or "{}", type=AlertSettings)
    except msgspec.DecodeError as error:
        raise SettingsError(f"{VARIABLE} was not understood: {error}") from None
    if settings.quiet and not _HOURS.fullmatch(settings.quiet):
        raise SettingsError(f"{VARIABLE}: quiet was expected as 23:00-07:00")
    return settings
