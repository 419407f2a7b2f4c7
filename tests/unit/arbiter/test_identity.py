"""Each exchange snapshot is accepted once, whoever delivers it and however often."""

from __future__ import annotations

import pytest

from mdhub.wire.entries import Verdict
from mdhub.wire.ticks import Flag
from tests.unit.arbiter.builders import DBL_MAX, Desk, clean_tick, outcome, rejected_header

EXCHANGES = {
    "rb2701": "SHFE", "sc2701": "INE", "m2701": "DCE", "si2701": "GFEX", "IF2612": "CFFEX",
    "10008123": "SSE", "90003456": "SZSE", "MA701": "CZCE",
}  # fmt: skip
every_exchange = pytest.mark.parametrize(("symbol", "exchange"), EXCHANGES.items())
stamped_exchanges = pytest.mark.parametrize(
    ("symbol", "exchange"), [pair for pair in EXCHANGES.items() if pair[1] != "CZCE"]
)


@every_exchange
def test_the_second_copy_is_a_duplicate(symbol: str, exchange: str) -> None:
    """Copies are counted for the source that was later, and written nowhere."""
    desk = Desk()
    of = {"symbol": symbol, "exchange": exchange}

    assert outcome(desk.see("10:00:00", source="A", **of)) == "clean"
    assert desk.see("10:00:00", source="B", **of) is None
    assert desk.see("10:00:00", source="A", **of) is None
    assert [desk.state.sources[s].duplicate for s in "AB"] == [1, 1]


@every_exchange
def test_copies_may_differ_in_what_fronts_make_of_them(symbol: str, exchange: str) -> None:
    """Exchange name, dates, turnover, average and deeper levels do not make a new snapshot."""
    desk = Desk()
    deep = [(2999.0, 5), (2998.0, 4)]
    desk.see(symbol=symbol, exchange=exchange, bids=deep)
    copy = desk.see(
        symbol=symbol, exchange="", trading_day="", action_day="20261117",
        turnover=1.0, average=None, bids=deep[:1], source="B", recv_ns=5,
    )  # fmt: skip
    assert copy is None


@every_exchange
def test_an_older_snapshot_is_late(symbol: str, exchange: str) -> None:
    """What lies behind the mark is written to rejected as late."""
    desk = Desk()
    desk.see("10:00:01", symbol=symbol, exchange=exchange)
    header = rejected_header(desk.see("10:00:00", symbol=symbol, exchange=exchange, source="B"))

    assert (header.verdict, header.reason, header.source) == (Verdict.LATE, "late", "B")
    assert desk.state.sources["B"].late == 1
    assert desk.state.reasons == {"late": 1}


@every_exchange
def test_volume_does_not_fall_within_a_trading_day(symbol: str, exchange: str) -> None:
    """A newer tick with less volume is rejected and moves no mark."""
    desk = Desk()
    of = {"symbol": symbol, "exchange": exchange}
    desk.see("10:00:00", volume=100, **of)

    assert outcome(desk.see("10:00:01", volume=99, **of)) == "volume_regress"
    assert outcome(desk.see("10:00:01", volume=100, **of)) == "clean"


@every_exchange
def test_volume_begins_anew_with_the_trading_day(symbol: str, exchange: str) -> None:
    """The first tick of a new trading day may have less volume."""
    desk = Desk("2026-11-18 15:00:00")
    of = {"symbol": symbol, "exchange": exchange}
    desk.see("15:00:00", volume=1_000_000, **of)
    desk.at("2026-11-18 20:59:00")
    tick = clean_tick(desk.see("20:59:00", volume=2, **of))

    assert (tick.volume, tick.trading_day) == (2, 20261119)


@stamped_exchanges
@pytest.mark.parametrize(
    "other",
    [{"last": 3001.0}, {"volume": 101}, {"open_interest": 5.0}, {"bids": [(2998.0, 5)]},
     {"asks": [(3001.0, 8)]}, {"asks": []}],
)  # fmt: skip
def test_other_content_at_the_same_time_is_a_conflict(
    symbol: str, exchange: str, other: dict[str, object]
) -> None:
    """One exchange time has one snapshot; the first trustworthy one stands."""
    desk = Desk()
    desk.see("10:00:00.500", symbol=symbol, exchange=exchange)
    fields = {"symbol": symbol, "exchange": exchange, "source": "B"} | other
    assert outcome(desk.see("10:00:00.500", **fields)) == "conflict"


@every_exchange
def test_equal_content_at_a_new_time_is_news(symbol: str, exchange: str) -> None:
    """A quiet market that still speaks shows that the feed lives."""
    desk = Desk()
    for second in range(3):
        assert desk.says(f"10:00:0{second}", symbol=symbol, exchange=exchange) == "clean"


@every_exchange
def test_settlement_is_passed_on_once(symbol: str, exchange: str) -> None:
    """A filled close or settlement price on an unchanged snapshot is a settlement tick."""
    desk = Desk("2026-11-18 15:00:00")
    of = {"symbol": symbol, "exchange": exchange}
    desk.see("15:00:00", **of)
    close = clean_tick(desk.see("15:00:00", source="B", close=2999.0, **of))
    both = clean_tick(desk.see("15:00:00", source="B", close=2999.0, settlement=3000.0, **of))

    assert (close.flags, close.close, close.settlement) == (Flag.SETTLEMENT, 2999.0, None)
    assert (both.flags, both.close, both.settlement) == (Flag.SETTLEMENT, 2999.0, 3000.0)
    assert desk.see("15:00:00", source="A", close=2999.0, settlement=3000.0, **of) is None
    assert desk.see("15:00:00", source="A", **of) is None
    assert desk.state.instruments[symbol].k == 3


@every_exchange
def test_fronts_that_write_zero_for_no_close_tell_no_news(symbol: str, exchange: str) -> None:
    """CZCE fronts send 0, others DBL_MAX; neither is a closing price."""
    desk = Desk()
    desk.see(symbol=symbol, exchange=exchange, close=DBL_MAX)
    assert desk.see(symbol=symbol, exchange=exchange, close=0.0, settlement=0.0) is None


@every_exchange
def test_settlement_may_come_with_a_later_time(symbol: str, exchange: str) -> None:
    """SHFE and CFFEX send settlement rows minutes after the close, with unchanged volume."""
    desk = Desk("2026-11-18 15:22:06")
    of = {"symbol": symbol, "exchange": exchange}
    desk.see("15:00:00", **of)
    assert clean_tick(desk.see("15:22:06", settlement=3000.0, **of)).settlement == 3000.0
