"""Times of day find their moment, trading day and phase by market time."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdhub.calendar import Calendar, Interval, Phase
from mdhub.calendar.calendar import CHINA_OFFSET_NS, DAY_NS
from mdhub.calendar.hours import Admits
from mdhub.calendar.placing import LAST_MOMENT_NS, Placer, Segment
from mdhub.calendar.rows import as_int
from mdhub.wire.ticks import CHINA_TIME
from tests.unit.calendar.test_days import CALENDAR
from tests.unit.calendar.test_sessions import CHANGES, TRADING_DAYS

SECOND_NS = 1_000_000_000
TOLERANCE_NS = 65 * SECOND_NS
SEEN = {Admits.ALL, Admits.SETTLEMENT}


def china_ns(text: str) -> int:
    moment = datetime.fromisoformat(text).replace(tzinfo=CHINA_TIME)
    return int(moment.timestamp()) * SECOND_NS


def of_day_ns(ts_ns: int) -> int:
    return (ts_ns + CHINA_OFFSET_NS) % DAY_NS


def place(market_ns: int, product: str, time_ns: int) -> tuple[int, Segment]:
    placer = Placer(CALENDAR)
    placer.set_market_time(market_ns, TOLERANCE_NS)
    return placer.place(product, time_ns)


def said(market: str, product: str, time: str) -> tuple[str, int, Phase, Admits]:
    """Moment, trading day, phase and what is admitted."""
    ts_ns, segment = place(china_ns(market), product, of_day_ns(china_ns(f"2026-01-01 {time}")))
    moment = datetime.fromtimestamp(ts_ns / 1e9, CHINA_TIME)
    return f"{moment:%m-%d %H:%M:%S}", segment.trading_day, segment.phase, segment.admits


CASES = [
    # live, around midnight and over the weekend
    ("2026-11-17 21:00:00", "SHFE.ag", "21:00:00", "11-17 21:00:00", 20261118),
    ("2026-11-17 23:59:59", "SHFE.ag", "23:59:58", "11-17 23:59:58", 20261118),
    ("2026-11-17 23:59:59", "SHFE.ag", "00:00:01", "11-18 00:00:01", 20261118),
    ("2026-11-18 00:00:01", "SHFE.ag", "23:59:59", "11-17 23:59:59", 20261118),
    ("2026-11-20 21:00:00", "SHFE.ag", "21:00:00", "11-20 21:00:00", 20261123),
    ("2026-11-21 00:00:30", "SHFE.ag", "23:59:59", "11-20 23:59:59", 20261123),
    ("2026-11-21 02:29:59", "SHFE.ag", "02:29:59", "11-21 02:29:59", 20261123),
    ("2026-11-23 09:00:00", "SHFE.ag", "09:00:00", "11-23 09:00:00", 20261123),
    ("2026-11-17 20:59:01", "SHFE.rb", "20:59:00", "11-17 20:59:00", 20261118),
    ("2026-11-18 09:29:01", "CFFEX.IF", "09:29:00", "11-18 09:29:00", 20261118),
    ("2026-11-18 11:30:01", "CFFEX.IF", "11:30:00", "11-18 11:30:00", 20261118),
    ("2026-11-18 15:27:30", "CFFEX.IF", "15:27:29", "11-18 15:27:29", 20261118),
    ("2026-11-21 02:30:01", "SHFE.ag", "02:30:00", "11-21 02:30:00", 20261123),
    # the last snapshot, pushed at a login in the morning
    ("2026-11-18 08:30:00", "DCE.i", "22:59:59", "11-17 22:59:59", 20261118),
    ("2026-11-18 08:30:00", "DCE.jd", "15:00:00", "11-17 15:00:00", 20261117),
    ("2026-11-23 08:30:00", "DCE.i", "22:59:59", "11-20 22:59:59", 20261123),
    ("2026-11-23 08:30:00", "SHFE.ag", "01:00:00", "11-21 01:00:00", 20261123),
    ("2026-11-23 08:30:00", "DCE.jd", "15:00:00", "11-20 15:00:00", 20261120),
    ("2026-11-23 08:30:00", "DCE.i", "23:00:00", "11-20 23:00:00", 20261123),
    # and at one in the evening, at noon, in the night
    ("2026-11-18 20:40:00", "SHFE.rb", "15:00:00", "11-18 15:00:00", 20261118),
    ("2026-11-18 20:40:00", "SHFE.rb", "22:59:59", "11-17 22:59:59", 20261118),
    ("2026-11-18 12:00:00", "SHFE.rb", "11:30:00", "11-18 11:30:00", 20261118),
    ("2026-11-18 14:00:00", "SHFE.rb", "21:30:00", "11-17 21:30:00", 20261118),
    ("2026-11-18 22:00:00", "SHFE.rb", "10:00:00", "11-18 10:00:00", 20261118),
    # after a holiday: no night on its eve, nor on the days between
    ("2025-10-09 08:30:00", "DCE.i", "22:59:59", "09-29 22:59:59", 20250930),
    ("2025-10-09 08:30:00", "DCE.jd", "15:00:00", "09-30 15:00:00", 20250930),
    ("2025-10-09 09:00:00", "DCE.i", "09:00:00", "10-09 09:00:00", 20251009),
]


@pytest.mark.parametrize(("market", "product", "time", "moment", "trading_day"), CASES)
def test_a_time_finds_its_moment(
    market: str, product: str, time: str, moment: str, trading_day: int
) -> None:
    """What a front may truly send at a moment is admitted, with its date and trading day."""
    found = said(market, product, time)

    assert found[:2] == (moment, trading_day)
    assert found[3] in SEEN


@pytest.mark.parametrize(
    ("market", "product", "time", "phase", "admits"),
    [
        ("2026-11-18 12:00:01", "SHFE.rb", "12:00:00", Phase.BREAK, Admits.NONE),
        ("2026-11-18 19:32:01", "SHFE.rb", "19:32:00", Phase.CLOSED, Admits.NONE),
        ("2026-11-18 09:00:00", "SHFE.rb", "19:32:00", Phase.CLOSED, Admits.NONE),
        ("2026-11-21 10:00:01", "SHFE.rb", "10:00:00", Phase.CLOSED, Admits.NONE),
        ("2026-11-18 10:16:30", "SHFE.rb", "10:16:00", Phase.BREAK, Admits.NONE),
        ("2026-11-18 10:15:30", "SHFE.rb", "10:15:30", Phase.BREAK, Admits.ALL),
        ("2026-11-18 23:30:00", "DCE.i", "23:29:59", Phase.CLOSED, Admits.NONE),
        ("2026-09-30 21:30:00", "DCE.i", "21:30:00", Phase.CLOSED, Admits.NONE),
        ("2026-11-18 10:00:00", "SHFE.rb", "10:30:00", Phase.CONTINUOUS, Admits.AHEAD),
        ("2026-11-18 10:00:00", "SHFE.rb", "15:00:00", Phase.SETTLEMENT, Admits.AHEAD),
        ("2026-11-23 10:00:00", "SHFE.rb", "10:02:00", Phase.CONTINUOUS, Admits.AHEAD),
        ("2026-11-20 22:30:00", "SHFE.ag", "23:30:00", Phase.CONTINUOUS, Admits.AHEAD),
        ("2026-11-18 22:58:30", "SHFE.rb", "23:00:30", Phase.CLOSED, Admits.AHEAD),
        ("2026-11-18 22:58:30", "SHFE.rb", "23:02:00", Phase.CLOSED, Admits.NONE),
        ("2026-12-31 21:00:00", "SHFE.ag", "21:00:00", Phase.CLOSED, Admits.OUTSIDE),
        ("2027-02-01 10:00:00", "SHFE.ag", "10:00:00", Phase.CLOSED, Admits.OUTSIDE),
        ("2016-02-01 10:00:00", "SHFE.ag", "10:00:00", Phase.CLOSED, Admits.OUTSIDE),
    ],
)
def test_what_cannot_be_now_is_not_admitted(
    market: str, product: str, time: str, phase: Phase, admits: Admits
) -> None:
    """Breaks, closed hours, weekends, times to come, and years nobody knows."""
    assert said(market, product, time)[2:] == (phase, admits)


PRODUCTS = sorted(".".join(key) for key in CHANGES)


@settings(deadline=None)
@given(
    product=st.sampled_from(PRODUCTS),
    day=st.sampled_from(TRADING_DAYS[1:]),
    data=st.data(),
)
def test_every_instant_of_every_session_has_its_trading_day(
    product: str, day: date, data: st.DataObject
) -> None:
    """Ten years, all products: received at once or a minute late, a tick keeps its place."""
    exchange, _, name = product.partition(".")
    intervals = CALENDAR.sessions(exchange, name, day)
    if not intervals:
        return  # not listed any more
    interval: Interval = data.draw(st.sampled_from(intervals))
    second = data.draw(st.integers(interval.start_ns, interval.end_ns - 1)) // SECOND_NS
    late_s = data.draw(st.integers(-60, 60))
    ts_ns, segment = place((second + late_s) * SECOND_NS, product, of_day_ns(second * SECOND_NS))

    assert (ts_ns, segment.trading_day) == (second * SECOND_NS, as_int(day))
    assert segment.phase is interval.phase
    assert (segment.admits in SEEN) or interval.phase is Phase.BREAK


@settings(deadline=None)
@given(st.sampled_from(PRODUCTS), st.sampled_from(TRADING_DAYS[1:-1]), st.data())
def test_places_are_monotone_along_a_trading_day(
    product: str, day: date, data: st.DataObject
) -> None:
    """Walking through a trading day, exchange times and trading days never run back."""
    start_ns = china_ns(f"{CALENDAR.trading_day_before(day)} 20:00:00")
    length_s = (china_ns(f"{day} 20:00:00") - start_ns) // SECOND_NS
    walk = sorted(data.draw(st.lists(st.integers(0, length_s - 1), min_size=2, max_size=30)))
    placer = Placer(CALENDAR)
    placed = []
    for second in walk:
        now_ns = start_ns + second * SECOND_NS
        placer.set_market_time(now_ns, TOLERANCE_NS)
        ts_ns, segment = placer.place(product, of_day_ns(now_ns))
        assert ts_ns == now_ns
        assert segment.trading_day == as_int(day)
        placed.append(ts_ns)
    assert placed == sorted(placed)


@settings(deadline=None)
@given(
    market_ns=st.integers(0, LAST_MOMENT_NS),
    second=st.integers(0, 86_399),
    product=st.sampled_from([*PRODUCTS, "SSE.ETFO", "SHFE.zz", "NOWHERE.x", ""]),
    bare=st.booleans(),
)
def test_any_time_is_placed(market_ns: int, second: int, product: str, bare: bool) -> None:  # noqa: FBT001
    """No market time, product or time of day is an exception; the time of day is kept."""
    placer = Placer(Calendar.bare() if bare else CALENDAR)
    placer.set_market_time(market_ns, TOLERANCE_NS)
    ts_ns, segment = placer.place(product, second * SECOND_NS)

    assert of_day_ns(ts_ns) == second * SECOND_NS
    if segment.admits is not Admits.AHEAD:
        assert ts_ns <= market_ns + TOLERANCE_NS


def test_a_long_life_keeps_little() -> None:
    """Ten years of market time leave a bounded number of days in memory."""
    placer = Placer(CALENDAR)
    for day in TRADING_DAYS:
        placer.set_market_time(china_ns(f"{day} 09:00:00"), TOLERANCE_NS)
        assert placer.place("SHFE.rb", 9 * 3_600 * SECOND_NS)[1].trading_day == as_int(day)
        assert placer.place("SHFE.rb", 22 * 3_600 * SECOND_NS)[1].trading_day <= as_int(day)
    assert len(placer._days) < 50


@pytest.mark.parametrize(
    ("exchange", "time", "sent", "known"),
    [
        ("SHFE", "21:30:00", ("20261123", "20261120"), True),
        ("SHFE", "21:30:00", ("20261123", "20261123"), False),
        ("DCE", "21:30:00", ("20261123", "20261123"), True),
        ("DCE", "21:30:00", ("20261120", "20261120"), False),
        ("CZCE", "21:30:00", ("20261120", "20261120"), True),
        ("CZCE", "21:30:00", ("", "20261120"), True),
        ("CZCE", "21:30:00", ("20261123", "20261123"), False),
        ("SHFE", "21:30:00", ("20261123", ""), True),
        ("SHFE", "21:30:00", ("99999999", "yesterday"), False),
    ],
)
def test_conventions_of_dates_are_known_per_exchange(
    exchange: str, time: str, sent: tuple[str, str], *, known: bool
) -> None:
    """What an exchange always sends is no repair; anything else is."""
    product = {"SHFE": "SHFE.ag", "DCE": "DCE.i", "CZCE": "CZCE.MA"}[exchange]
    _, segment = place(
        china_ns(f"2026-11-20 {time}"), product, of_day_ns(china_ns(f"2026-11-20 {time}"))
    )
    assert (sent in segment.dates) is known


def test_the_time_zone_of_the_host_does_not_matter() -> None:
    """Hosts in New York and Sydney decide like one in Shanghai."""
    program = (
        "from tests.unit.calendar.test_placing import CASES, said\n"
        "print([said(*case[:3]) for case in CASES])"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "TZ": zone, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            cwd=Path.cwd(),
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for zone in ("Asia/Shanghai", "America/New_York", "Australia/Sydney")
    }
    assert len(answers) == 1


def test_no_day_is_longer_than_a_day() -> None:
    """Sessions of a trading day lie between the evening before and its own evening."""
    for day in TRADING_DAYS[1::50]:
        evening = CALENDAR.trading_day_before(day)
        for exchange, product in (("SHFE", "au"), ("INE", "sc"), ("CFFEX", "T")):
            intervals = CALENDAR.sessions(exchange, product, day)
            assert intervals[0].start_ns >= china_ns(f"{evening} 20:00:00")
            assert intervals[-1].end_ns <= china_ns(f"{day} 20:00:00")
            assert day - evening <= timedelta(12)
