"""Moments as people write them on a command line. Pure."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from typing import Final

from mdhub.wire.errors import MdhubError
from mdhub.wire.ticks import CHINA_TIME

__all__ = ["MomentError", "moment_ms"]

_AGO: Final = re.compile(r"(\d{1,9})(s|m|h|d)")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class MomentError(MdhubError):
    """A text that names no moment."""

    exit_code = 2


def moment_ms(text: str, now_ms: int) -> int:
    """Read `90s`, `10m`, `2h`, `1d` (ago), `21:00` (the newest such), or an ISO date and time.

    Times without an offset are China time. Returns UTC ms. Raises MomentError.
    """
    now = datetime.fromtimestamp(now_ms / 1000, CHINA_TIME)
    try:
        moment = _moment(text, now)
        return max(0, int(moment.timestamp() * 1000))
    except (ValueError, OverflowError):
        raise MomentError(
            f"moment was {text!r}, expected e.g. 10m (ago; or s, h, d), 21:00 or 2026-11-23T21:00 "
            "(China time)"
        ) from None


def _moment(text: str, now: datetime) -> datetime:
    ago = _AGO.fullmatch(text)
    if ago is not None:
        return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    if ":" in text and "-" not in text:
        clock = time.fromisoformat(text)
        moment = datetime.combine(now.date(), clock, clock.tzinfo or CHINA_TIME)
        return moment if moment <= now else moment - timedelta(days=1)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=CHINA_TIME)
