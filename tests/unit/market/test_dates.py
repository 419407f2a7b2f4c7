"""True dates, and dates as fronts send them."""

import pytest

from mdhub.market.dates import midnight_ns, received_days


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
