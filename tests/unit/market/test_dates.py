"""True dates, and dates as fronts send them."""

from datetime import date

import pytest

from mdhub.market.dates import SECOND_NS, midnight_ns, received_days, trading_day_of

HOUR_NS = 3600 * SECOND_NS


@pytest.mark.parametrize(
    ("day", "hour", "trading_day"),
    [
        ("20261119", 10, date(2026, 11, 19)),
        ("20261119", 21, date(2026, 11, 20)),
        ("20261120", 1, date(2026, 11, 20)),
        ("20261120", 21, date(2026, 11, 23)),
        ("20261121", 1, date(2026, 11, 23)),
        ("20261122", 22, date(2026, 11, 23)),
    ],
)
def test_trading_day_begins_in_the_evening_before(day: str, hour: int, trading_day: date) -> None:
    """From 20:00 on it is the next trading day, and a Friday night belongs to Monday."""
    assert trading_day_of(midnight_ns(day) + hour * HOUR_NS) == trading_day


@pytest.mark.parametrize(
    ("exchange", "received"),
    [
        ("SHFE", ("20171113", "20171110")),
        ("INE", ("20171113", "20171110")),
        ("DCE", ("20171113", "20171113")),
        ("CZCE", ("20171110", "20171110")),
    ],
)
def test_fronts_confuse_dates_at_night_in_their_own_ways(
    exchange: str, received: tuple[str, str]
) -> None:
    """DCE sends the trading day twice, CZCE the natural day twice."""
    assert (
        received_days(exchange, hour=21, trading_day="20171113", natural_day="20171110") == received
    )


def test_dates_are_right_by_day() -> None:
    """Between the nights every exchange sends the true dates."""
    for exchange in ("SHFE", "DCE", "CZCE", "CFFEX"):
        days = received_days(exchange, hour=9, trading_day="20171113", natural_day="20171113")
        assert days == ("20171113", "20171113")


@pytest.mark.parametrize("text", ["", "2017111", "2017-11-13", "20171301", "２０１７１１１３"])
def test_malformed_day_is_refused(text: str) -> None:
    """What is not YYYYMMDD raises ValueError."""
    with pytest.raises(ValueError, match=r"."):
        midnight_ns(text)
