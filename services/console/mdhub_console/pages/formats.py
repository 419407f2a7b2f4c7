"""How numbers, times and ages read: fixed width, with their zone. Pure."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Final

from mdhub.wire.ticks import CHINA_TIME
from mdhub_console.live.tape import NO_VALUE

__all__ = [
    "DASH", "NO_VALUE", "age", "bytes_size", "clock", "count", "countdown", "day", "duration",
    "fixed", "hour", "moment", "percent", "price", "utc",
]  # fmt: skip

DASH: Final = "–"
"""Where there is no value: never 0, never an empty cell."""
_NOISE: Final = 1e-9
_NS: Final = 1_000_000_000
_SPANS: Final = (
    (9.95, 1, 1, "s"),
    (99.5, 1, 0, "s"),
    (5_970, 60, 0, "min"),
    (172_800, 3_600, 1, "h"),
    (math.inf, 86_400, 0, "d"),
)
"""Below so many seconds: divisor, places, unit; static/js/ages.js says the same."""
_UNITS: Final = (("GB", 1 << 30), ("MB", 1 << 20), ("kB", 1 << 10))


def count(value: float | None) -> str:
    """Return 12345 as `12,345`."""
    return DASH if value is None else f"{value:,.0f}"


def fixed(value: float | None, places: int = 1, unit: str = "") -> str:
    """Return a number with so many places and a thin unit behind it."""
    return DASH if value is None else f"{value:,.{places}f}{unit}"


def price(value: float | None, places: int = 0) -> str:
    """A price with its places; one that has more keeps them, for they may be the fault."""
    if value is None or not abs(value) < NO_VALUE:
        return DASH
    fits = abs(value - round(value, places)) < _NOISE
    return f"{value:.{places}f}" if fits else f"{value:.10g}"


def percent(share: float | None, places: int = 0) -> str:
    """Return 0.58 as `58 %`."""
    return DASH if share is None else f"{100 * share:.{places}f} %"


def bytes_size(size: float | None) -> str:
    """Return a size in a fitting unit."""
    if size is None:
        return DASH
    name, unit = next(((n, u) for n, u in _UNITS if size >= u), ("B", 1))
    return f"{size / unit:.{0 if unit == 1 else 1}f} {name}"


def age(age_ms: float | None) -> str:
    """Age of a live value: `0.4 s`, `12 s`, `3 min`, `2.5 h`, `4 d`."""
    return DASH if age_ms is None else duration(age_ms / 1000)


def duration(seconds: float) -> str:
    """Length of time with the unit that fits."""
    size = max(0.0, seconds)
    _, divisor, places, unit = next(row for row in _SPANS if size < row[0])
    return f"{size / divisor:.{places}f} {unit}"


def countdown(seconds: float) -> str:
    """Time to go as `00:41:07`; days in front where there are any."""
    left = max(0, int(seconds))
    days, left = divmod(left, 86_400)
    text = f"{left // 3600:02}:{left // 60 % 60:02}:{left % 60:02}"
    return f"{days} d {text}" if days else text


def clock(ts_ns: int, *, ms: bool = False) -> str:
    """Exchange time of day."""
    text = f"{_at(ts_ns):%H:%M:%S}"
    return f"{text}.{ts_ns // 1_000_000 % 1000:03}" if ms else text


def hour(ts_ns: int) -> str:
    """Exchange time, `09:00`."""
    return f"{_at(ts_ns):%H:%M}"


def moment(ts_ns: int) -> str:
    """Exchange date and time, with its zone."""
    return f"{_at(ts_ns):%Y-%m-%d %H:%M:%S} +08:00"


def utc(ts_ns: int) -> str:
    """UTC, as ISO 8601 with milliseconds; what a hover shows."""
    at = datetime.fromtimestamp(ts_ns // _NS, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{ts_ns // 1_000_000 % 1000:03}Z"


def day(yyyymmdd: int) -> str:
    """Return 20261123 as `2026-11-23`."""
    text = str(yyyymmdd)
    return f"{text[:4]}-{text[4:6]}-{text[6:]}" if yyyymmdd else DASH


def _at(ts_ns: int) -> datetime:
    return datetime.fromtimestamp(ts_ns // _NS, CHINA_TIME)
