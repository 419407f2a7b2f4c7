"""Moments as people write them on a command line. Pure."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from typing import Final

from mdhub.wire.errors import MdhubError
from mdhub.wire.ticks import CHINA_TIME

__all__ = ["MomentError", "moment_ms", "until_ns"]

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


def until_ns(text: str, now_ns: int) -> int:
    """Read `90s`, `10m`, `2h`, `1d` (from now), `15:00` (the next such), or an ISO date and time.

    Times without an offset are China time. Returns UTC ns after now. Raises MomentError.
    """
    now = datetime.fromtimestamp(now_ns / 1e9, CHINA_TIME)
    try:
        span = _AGO.fullmatch(text)
        if span is not None:
            moment = now + timedelta(**{_UNITS[span[2]]: int(span[1])})
        else:
            moment = _moment(text, now)
            moment += timedelta(days=1) if moment <= now and "-" not in text else timedelta()
        found_ns = int(moment.timestamp()) * 1_000_000_000
    except (ValueError, OverflowError):
        found_ns = 0
    if found_ns <= now_ns:
        raise MomentError(
            f"until was {text!r}, expected e.g. 10m (from now; or s, h, d), 15:00 or "
            f"2026-11-23T15:00 (China time), later than now ({now:%Y-%m-%dT%H:%M:%S})"
        )
    return found_ns


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
