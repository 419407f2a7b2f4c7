"""Hours of every product on every day, against a table of another source."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta

import pytest

from mdhub.calendar import Calendar, Phase
from mdhub.market.products import ETF, ETF_OPTION, PRODUCTS
from mdhub.wire.ticks import CHINA_TIME
from tests.unit.calendar.test_days import ALL_DAYS, CALENDAR, GOLDEN

TRADING_DAYS = [day for day in ALL_DAYS if CALENDAR.is_trading_day(day)]
CHANGES: dict[tuple[str, str], list[tuple[date, str]]] = defaultdict(list)
NIGHT_OFF: set[date] = set()
SPELLED = {(exchange, name.upper()): name for name, exchange in PRODUCTS.items()}
for _line in GOLDEN.read_text(encoding="utf-8").splitlines():
    _verb, *_words = _line.split()
    if _verb == "night-off":
        NIGHT_OFF.add(date.fromisoformat(_words[0]))
    elif _verb == "hours":
        _key = (_words[0], SPELLED[_words[0], _words[1]])
        CHANGES[_key].append((date.fromisoformat(_words[2]), _words[3]))


def clock(ns: int) -> str:
    return datetime.fromtimestamp(ns / 1e9, CHINA_TIME).strftime("%H:%M")


def continuous(calendar: Calendar, exchange: str, product: str, day: date) -> str:
    found = [
        f"{clock(i.start_ns)}-{clock(i.end_ns)}"
        for i in calendar.sessions(exchange, product, day)
        if i.phase is Phase.CONTINUOUS
    ]
    return ",".join(found) or "-"


def expected(key: tuple[str, str], day: date) -> str:
    hours = [h for since, h in CHANGES[key] if since <= day][-1]
    if day in NIGHT_OFF and hours.startswith("21:00"):
        return hours.partition(",")[2]
    return hours


def nearby(key: tuple[str, str]) -> list[date]:
    """Days around each change of a product, and each first day after a holiday."""
    chosen = set(NIGHT_OFF)
    for since, _ in CHANGES[key]:
        place = TRADING_DAYS.index(since)
        chosen |= set(TRADING_DAYS[max(0, place - 2) : place + 3])
    return sorted(day for day in chosen if day >= CHANGES[key][0][0])


@pytest.mark.parametrize("key", sorted(CHANGES), ids=".".join)
def test_hours_are_those_of_an_independent_table(key: tuple[str, str]) -> None:
    """Around every change and after every holiday a product trades when the table says."""
    for day in nearby(key):
        assert continuous(CALENDAR, *key, day) == expected(key, day), day


@pytest.mark.parametrize("key", [("SHFE", "ag"), ("DCE", "m"), ("CZCE", "SA"), ("CFFEX", "T")])
def test_hours_are_right_on_every_day_of_ten_years(key: tuple[str, str]) -> None:
    """One product of a kind, each trading day."""
    for day in TRADING_DAYS:
        if day >= CHANGES[key][0][0]:
            assert continuous(CALENDAR, *key, day) == expected(key, day), day


def test_every_product_has_hours_of_its_own() -> None:
    """No product the hub knows is judged by default hours today."""
    keys = [(exchange, product) for product, exchange in PRODUCTS.items()]
    keys += [(exchange, p) for exchange in ("SSE", "SZSE") for p in (ETF, ETF_OPTION)]
    unlisted = [key for key in keys if not CALENDAR.hours.of(*key, 20261120).listed]
    assert unlisted == []


def test_an_unknown_product_has_the_widest_hours_of_its_exchange() -> None:
    """A new product is heard at night too, and said to be unlisted."""
    hours = CALENDAR.hours.of("SHFE", "zz", 20261120)

    assert not hours.listed
    assert continuous(CALENDAR, "SHFE", "zz", date(2026, 11, 20)).startswith("21:00-02:30")
    assert not CALENDAR.hours.of("NOWHERE", "zz", 20261120).listed


PHASES = [
    ("SHFE", "rb", "20:54:59", Phase.CLOSED),
    ("SHFE", "rb", "20:55:00", Phase.AUCTION),
    ("SHFE", "rb", "20:59:59", Phase.AUCTION),
    ("SHFE", "rb", "21:00:00", Phase.CONTINUOUS),
    ("SHFE", "rb", "23:00:00", Phase.CLOSED),
    ("SHFE", "ag", "02:29:59", Phase.CONTINUOUS),
    ("SHFE", "ag", "02:30:00", Phase.CLOSED),
    ("SHFE", "ag", "08:54:59", Phase.CLOSED),
    ("SHFE", "ag", "08:59:00", Phase.AUCTION),
    ("SHFE", "ag", "10:15:00", Phase.BREAK),
    ("SHFE", "ag", "10:30:00", Phase.CONTINUOUS),
    ("SHFE", "ag", "11:30:00", Phase.BREAK),
    ("SHFE", "ag", "15:00:00", Phase.SETTLEMENT),
    ("SHFE", "ag", "16:59:59", Phase.SETTLEMENT),
    ("SHFE", "ag", "17:00:00", Phase.CLOSED),
    ("CFFEX", "IF", "09:25:00", Phase.AUCTION),
    ("CFFEX", "IF", "10:20:00", Phase.CONTINUOUS),
    ("CFFEX", "IF", "14:58:00", Phase.CONTINUOUS),
    ("CFFEX", "IO", "14:58:00", Phase.AUCTION),
    ("CFFEX", "T", "15:14:59", Phase.CONTINUOUS),
    ("CFFEX", "T", "15:15:00", Phase.SETTLEMENT),
    ("SSE", "ETFO", "09:15:00", Phase.AUCTION),
    ("SSE", "ETFO", "14:57:00", Phase.AUCTION),
    ("SZSE", "ETFO", "15:00:00", Phase.SETTLEMENT),
    ("DCE", "jd", "21:30:00", Phase.CLOSED),
]


@pytest.mark.parametrize(("exchange", "product", "time", "phase"), PHASES)
def test_phases_of_a_plain_day(exchange: str, product: str, time: str, phase: Phase) -> None:
    """Auctions, breaks and the settlement window have their names (Wednesday 2026-11-18)."""
    day = date(2026, 11, 17) if time >= "20" else date(2026, 11, 18)
    moment = datetime.fromisoformat(f"{day} {time}").replace(tzinfo=CHINA_TIME)
    found = CALENDAR.at(exchange, product, int(moment.timestamp()) * 1_000_000_000)

    assert found.phase is phase
    assert found.trading_day == date(2026, 11, 18)


def test_intervals_have_no_hole_within_a_day_and_agree_with_moments() -> None:
    """A session list and the phase of an instant are two views of one thing."""
    for key in (("SHFE", "ag"), ("CFFEX", "IO"), ("SSE", "ETFO"), ("CFFEX", "T")):
        for day in (date(2018, 10, 9), date(2024, 2, 19), date(2026, 11, 23)):
            for interval in CALENDAR.sessions(*key, day):
                for ns in (interval.start_ns, interval.end_ns - 1):
                    moment = CALENDAR.at(*key, ns)
                    assert (moment.phase, moment.trading_day) == (interval.phase, day)
                assert CALENDAR.at(*key, interval.end_ns).phase is not interval.phase


def test_a_day_without_trading_has_no_sessions() -> None:
    """Weekends and holidays are empty, not an error."""
    assert CALENDAR.sessions("SHFE", "rb", date(2026, 10, 1)) == []
    assert CALENDAR.sessions("SHFE", "rb", date(2026, 11, 21)) == []


def test_fridays_night_is_mondays() -> None:
    """The night of 2017-11-10 opens the trading day 2017-11-13."""
    first = CALENDAR.sessions("DCE", "i", date(2017, 11, 13))[1]
    assert (clock(first.start_ns), clock(first.end_ns)) == ("21:00", "23:30")
    begin = datetime.fromtimestamp(first.start_ns / 1e9, CHINA_TIME)
    assert begin.date() == date(2017, 11, 10)
    assert CALENDAR.at("DCE", "i", first.start_ns).trading_day == date(2017, 11, 13)


def test_the_clock_sorts_the_night_before_the_day() -> None:
    """The session clock grows along every trading day."""
    for day in TRADING_DAYS[1::97]:
        starts = [i.start_ns for i in CALENDAR.sessions("SHFE", "au", day)]
        clocks = [CALENDAR.at("SHFE", "au", ns).clock_ns for ns in starts]
        assert clocks == sorted(clocks)
        assert all(clock < 24 * 3_600 * 10**9 for clock in clocks)
    assert CALENDAR.at("SHFE", "au", starts[0]).natural_day <= TRADING_DAYS[-1] + timedelta(1)
