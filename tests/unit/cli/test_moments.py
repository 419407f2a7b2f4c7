"""Moments on the command line."""

from __future__ import annotations

from datetime import datetime

import pytest

from mdhub.cli.moments import MomentError, moment_ms

NOW = datetime.fromisoformat("2026-11-23T21:05:00+08:00")


def read(text: str) -> str:
    moment = datetime.fromtimestamp(moment_ms(text, int(NOW.timestamp() * 1000)) / 1000, NOW.tzinfo)
    return moment.isoformat(sep=" ")[:19]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("90s", "2026-11-23 21:03:30"),
        ("10m", "2026-11-23 20:55:00"),
        ("2h", "2026-11-23 19:05:00"),
        ("1d", "2026-11-22 21:05:00"),
        ("21:00", "2026-11-23 21:00:00"),
        ("21:05:00", "2026-11-23 21:05:00"),
        ("21:06", "2026-11-22 21:06:00"),
        ("13:00+00:00", "2026-11-23 21:00:00"),
        ("2026-11-20", "2026-11-20 00:00:00"),
        ("2026-11-20T21:00", "2026-11-20 21:00:00"),
        ("2026-11-20T13:00:00Z", "2026-11-20 21:00:00"),
    ],
)
def test_moments_are_read_as_china_time(text: str, moment: str) -> None:
    """So long ago, the newest such time of day, or a date."""
    assert read(text) == moment


@pytest.mark.parametrize("text", ["", "10", "m", "25:00", "10y", "-5m", "soon", "999999999d"])
def test_what_names_no_moment_is_refused(text: str) -> None:
    """With examples of what does."""
    with pytest.raises(MomentError, match=r"expected e\.g\. 10m"):
        read(text)
