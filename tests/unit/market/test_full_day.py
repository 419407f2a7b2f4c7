"""Whole trading days of the simulated market have the shape of real ones (docs/sources.md)."""

from collections import defaultdict
from functools import cache
from itertools import islice, pairwise, takewhile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdhub.market.dates import DAY_NS, SECOND_NS, midnight_ns
from mdhub.market.listing import Character
from mdhub.market.sessions import MINUTE_NS
from mdhub.market.snapshot import NO_VALUE, Snapshot
from mdhub.market.synthetic import SyntheticMarket

MARKET = SyntheticMarket(seed=4, ticks_per_s=3, sessions="full")
FRIDAY, MONDAY = 20250620, 20250623
EXCHANGES = {c.symbol: c.exchange for c in MARKET.contracts}

Days = dict[int, dict[str, list[Snapshot]]]


@cache
def days() -> Days:
    """Friday and Monday by contract."""
    rows: Days = {FRIDAY: defaultdict(list), MONDAY: defaultdict(list)}
    for s in takewhile(lambda s: s.day <= MONDAY, MARKET.snapshots()):
        rows[s.day][s.symbol].append(s)
    return rows


def times(symbol: str, day: int = MONDAY) -> list[str]:
    return [f"{s.update_time}.{s.update_ms:03}" for s in days()[day][symbol]]


def with_character(character: Character) -> str:
    return next(c.symbol for c in MARKET.contracts if c.character is character)


@pytest.mark.parametrize("symbol", ["rb2507", "m2507", "TA507", "sc2507"])
def test_contract_with_a_night_session_opens_at_2059_with_one_auction_tick(symbol: str) -> None:
    """A minute of silence follows; the morning has an auction tick of its own."""
    found = times(symbol)
    assert found[0][:8] == "20:59:00"
    assert found[1] >= "21:00"
    assert sum(text.startswith("20:59") for text in found) == 1
    assert [text[:8] for text in found if text.startswith("08:5")] == ["08:59:00"]
    first = days()[MONDAY][symbol][0]
    assert first.last == first.open == first.high == first.low
    assert first.volume


@pytest.mark.parametrize(("symbol", "opening"), [("lc2507", "08:59:00"), ("IF2506", "09:29:00")])
def test_contract_without_a_night_opens_in_the_morning(symbol: str, opening: str) -> None:
    """GFEX and CFFEX begin with one auction tick a minute before the open."""
    day = FRIDAY
    assert times(symbol, day)[0][:8] == opening
    assert times(symbol, day)[1][:5] >= "09:00"


def test_nothing_is_made_in_the_breaks() -> None:
    """Between 10:15 and 10:30 only CFFEX and the ETF options trade, from 11:31 to 13:00 nobody."""
    for rows in days()[MONDAY].values():
        for s in rows:
            made = (s.made_ns - midnight_ns(str(MONDAY))) // MINUTE_NS
            assert not 11 * 60 + 30 < made < 13 * 60, s
            if EXCHANGES.get(s.symbol) in {"SHFE", "DCE", "CZCE", "INE", "GFEX"}:
                assert not 10 * 60 + 15 <= made < 10 * 60 + 30, s
                assert not 3 * 60 <= made < 8 * 60 + 59, s


def test_shfe_pushes_the_closing_row_twice() -> None:
    """At 23:00:00.500 and 15:00:00.500, the second time field by field; then comes settlement."""
    rows = days()[MONDAY]["rb2507"]
    for bell in ("23:00:00", "15:00:00"):
        first, again = [s for s in rows if (s.update_time, s.update_ms) == (bell, 500)]
        assert (first.repeat, again.repeat) == (False, True)
        assert again.made_ns > first.made_ns
        assert (again.volume, again.bids, again.last) == (first.volume, first.bids, first.last)


@pytest.mark.parametrize("symbol", ["m2507", "TA507"])
def test_dce_and_czce_repeat_their_last_row_at_the_bell(symbol: str) -> None:
    """With its old time, which is before the bell."""
    repeats = [s for s in days()[MONDAY][symbol] if s.repeat]
    assert [s.update_time < bell for s, bell in zip(repeats, ["23:00", "15:00"], strict=True)] == [
        True,
        True,
    ]
    assert all(s.made_ns > s.exchange_ns for s in repeats)


def test_settlement_comes_after_the_close_with_unchanged_volume() -> None:
    """Every contract gets its settlement price between 15:00 and 15:45, CFFEX the close first."""
    for symbol, rows in days()[MONDAY].items():
        settled = [s for s in rows if s.settlement not in (0.0, NO_VALUE)]
        assert settled, symbol
        assert settled[-1] is rows[-1]
        minute = (rows[-1].made_ns - midnight_ns(str(MONDAY))) // MINUTE_NS
        assert 15 * 60 <= minute < 15 * 60 + 45
        assert {s.volume for s in settled} == {rows[-2].volume}
    closed = [s for s in days()[MONDAY]["IF2507"] if s.close != NO_VALUE]
    assert [s.update_time[:5] for s in closed] == ["15:24", "15:27", "15:44"]
    assert [s.settlement == NO_VALUE for s in closed] == [True, False, False]


def test_the_next_day_begins_where_the_day_ended() -> None:
    """Volume anew, previous close and settlement those of the day before, one set of limits."""
    before, after = days()[FRIDAY], days()[MONDAY]
    common = before.keys() & after.keys()
    assert len(common) > 40
    for symbol in common:
        last, first = before[symbol][-1], after[symbol][0]
        assert first.pre_settlement == last.settlement, symbol
        assert (first.volume or 0) <= (last.volume or 0)
        if last.volume:
            assert first.pre_close == last.close == last.last, symbol
        for name in ("limit_up", "limit_down", "pre_close", "pre_settlement"):
            assert len({getattr(s, name) for s in after[symbol]}) == 1
        for a, b in pairwise(after[symbol]):
            assert (b.volume or 0) >= (a.volume or 0)
            assert not a.volume or (a.open == b.open and (b.high or 0) >= (a.high or 0))


@pytest.mark.parametrize(
    ("symbol", "night", "morning"),
    [
        ("rb2507", ("20250623", "20250620"), ("20250623", "20250623")),
        ("au2507", ("20250623", "20250620"), ("20250623", "20250623")),
        ("m2507", ("20250623", "20250623"), ("20250623", "20250623")),
        ("TA507", ("20250620", "20250620"), ("20250623", "20250623")),
    ],
)
def test_fronts_send_their_own_idea_of_dates_at_night(
    symbol: str, night: tuple[str, str], morning: tuple[str, str]
) -> None:
    """DCE's action day and CZCE's trading day are wrong at night (domain of real fronts)."""
    rows = days()[MONDAY][symbol]
    assert (rows[0].trading_day, rows[0].action_day) == night
    day = next(s for s in rows if s.update_time.startswith("09:"))
    assert (day.trading_day, day.action_day) == morning


def test_after_midnight_the_action_day_is_the_next_one() -> None:
    """Gold at 00:30 on Saturday belongs to Monday."""
    found = next(s for s in days()[MONDAY]["au2507"] if s.update_time.startswith("00:3"))
    assert (found.trading_day, found.action_day) == ("20250623", "20250621")
    assert 0 <= found.exchange_ns - midnight_ns("20250621") - 30 * MINUTE_NS < 10 * MINUTE_NS


def test_cffex_has_another_phase_of_milliseconds_on_other_days() -> None:
    """Two values 500 ms apart on each day; over many days not always the same."""
    market = SyntheticMarket(seed=1, ticks_per_s=60, sessions="full")
    phases = set()
    for day in range(6):
        open_ns = midnight_ns("20250623") + day % 5 * DAY_NS + day // 5 * 7 * DAY_NS
        made = market.snapshots(open_ns + (9 * 60 + 30) * MINUTE_NS)
        early = islice(made, 2_000)
        ms = {s.update_ms % 500 for s in early if s.true_exchange == "CFFEX"}
        assert len(ms) == 1
        phases |= ms
    assert len(phases) > 1


def test_locked_contract_has_one_side_of_the_book() -> None:
    """At limit-up the ask is DBL_MAX with volume 0, on the next day at limit-down the bid."""
    symbol = with_character(Character.LOCKED)
    for s in days()[FRIDAY][symbol]:
        assert s.last == s.limit_up == s.bids[0][0]
        assert s.asks == [(NO_VALUE, 0)]
    for s in days()[MONDAY][symbol]:
        assert s.last == s.limit_down == s.asks[0][0]
        assert s.bids == [(NO_VALUE, 0)]


def test_quoted_option_has_bid_and_ask_only() -> None:
    """No last price, volume 0, until the settlement price comes."""
    rows = days()[FRIDAY][with_character(Character.QUOTED)]
    assert len(rows) > 20
    for s in rows:
        assert (s.last, s.volume, s.open, s.turnover) == (0.0, 0, 0.0, 0.0)
        assert s.bids[0][0] and s.asks[0][0] and s.bids[0][0] < s.asks[0][0]


def test_penny_option_moves_between_one_and_three_ticks() -> None:
    """Deep out of the money; a bid below one tick does not exist."""
    symbol = with_character(Character.PENNY)
    tick = next(c.tick for c in MARKET.contracts if c.symbol == symbol)
    rows = [*days()[FRIDAY][symbol], *days()[MONDAY][symbol]]
    assert {s.last for s in rows} <= {tick, 2 * tick, 3 * tick}
    assert len({s.last for s in rows}) > 1
    assert all(s.bids[0] == (NO_VALUE, 0) or s.bids[0][0] for s in rows)


def test_sleepy_contract_hardly_trades() -> None:
    """Less than a snapshot in five minutes."""
    assert len(days()[MONDAY][with_character(Character.SLEEPY)]) < 100


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 1_000), minute=st.integers(0, 2 * 631), into_ms=st.integers(0, 59_999))
def test_any_seed_from_any_start_gives_the_same_suffix(
    seed: int, minute: int, into_ms: int
) -> None:
    """Who joins anywhere in a day sees exactly what those see who joined 20 minutes before."""
    market = SyntheticMarket(seed=seed, ticks_per_s=2, sessions="full")
    from_ns = market.time_after(minute * MINUTE_NS) + into_ms * 1_000_000
    earlier = market.snapshots(from_ns - 20 * MINUTE_NS)
    suffix = [s for s in islice(earlier, 4_000) if s.made_ns >= from_ns][:400]
    joined = list(islice(market.snapshots(from_ns), len(suffix)))
    assert suffix
    assert joined == suffix, f"seed {seed}, minute {minute}, {into_ms} ms"


def test_market_from_its_start_contains_every_suffix() -> None:
    """Played from the beginning or joined at each bell: the same rows."""
    whole = [s for rows in days()[FRIDAY].values() for s in rows]
    whole.sort(key=lambda s: (s.made_ns, s.symbol))
    bells = ("20250619", 23), ("20250620", 1), ("20250620", 9), ("20250620", 13), ("20250620", 15)
    for date, hour in bells:
        from_ns = midnight_ns(date) + hour * 3600 * SECOND_NS
        rest = [s for s in whole if s.made_ns >= from_ns][:300]
        joined = list(islice(MARKET.snapshots(from_ns), len(rest)))
        assert sorted(joined, key=lambda s: (s.made_ns, s.symbol)) == rest


def test_the_first_day_after_a_holiday_has_no_night_and_its_sums_begin_in_the_morning() -> None:
    """After the National Day week of 2025 trading goes on on Thursday at 08:59."""
    market = SyntheticMarket(seed=4, ticks_per_s=1, sessions="full")
    rows = list(takewhile(lambda s: s.day <= 20251010, market.snapshots(midnight_ns("20250930"))))
    assert sorted({s.day for s in rows}) == [20250930, 20251009, 20251010]
    thursday = [s for s in rows if s.day == 20251009]
    assert thursday[0].exchange_ns >= midnight_ns("20251009") + 8 * 3600 * SECOND_NS
    symbol = next(s.symbol for s in thursday if s.symbol.startswith("rb"))
    first = next(s for s in thursday if s.symbol == symbol)
    assert first.update_time == "08:59:00"
    assert first.last == first.open == first.high == first.low
    friday = next(s for s in rows if s.day == 20251010 and s.symbol == symbol)
    closed = [s for s in thursday if s.symbol == symbol][-1]
    assert friday.update_time == "20:59:00"
    assert (friday.pre_close, friday.pre_settlement) == (closed.close, closed.settlement)


def test_the_market_ends_with_the_calendar() -> None:
    """Its last trading day is the calendar's; nothing is made that a hub would call outside."""
    market = SyntheticMarket(seed=4, ticks_per_s=1, sessions="full")
    last_minutes = midnight_ns("20261231") + 15 * 3600 * SECOND_NS
    rows = list(market.snapshots(last_minutes))
    assert {s.day for s in rows} == {20261231}
    assert rows[-1].update_time >= "15:24"
    assert list(market.snapshots(midnight_ns("20270104"))) == []
