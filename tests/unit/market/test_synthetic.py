"""The synthetic market is one market, and keeps the rules of real ones."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdhub.market.dates import SECOND_NS, midnight_ns
from mdhub.market.errors import MarketError
from mdhub.market.listing import Character
from mdhub.market.products import exchange_of
from mdhub.market.sessions import LIQUID
from mdhub.market.snapshot import NO_VALUE, Snapshot, raw_tick
from mdhub.market.synthetic import SyntheticMarket

HOUR_NS = 3600 * SECOND_NS
MINUTE_NS = 60 * SECOND_NS
SEEDS = st.integers(0, 1_000)
GRID = frozenset({"SHFE", "INE", "CFFEX", "SSE"})


def of_seconds(market: SyntheticMarket, seconds: float, *, after_ns: int = 0) -> list[Snapshot]:
    """What is made in some seconds of trading, after so much of it."""
    start_ns = market.time_after(after_ns)
    until_ns = market.time_after(after_ns + int(seconds * SECOND_NS))
    made: list[Snapshot] = []
    for snapshot in market.snapshots(start_ns):
        if snapshot.made_ns >= until_ns:
            return made
        made.append(snapshot)
    return made


def by_contract(snapshots: Iterable[Snapshot]) -> dict[str, list[Snapshot]]:
    contracts: defaultdict[str, list[Snapshot]] = defaultdict(list)
    for snapshot in snapshots:
        contracts[snapshot.symbol].append(snapshot)
    return contracts


def neighbours(snapshots: Iterable[Snapshot]) -> Iterator[tuple[Snapshot, Snapshot]]:
    for rows in by_contract(snapshots).values():
        yield from pairwise(rows)


def number(value: float | None) -> float:
    assert value is not None
    return value


def content(snapshot: Snapshot) -> tuple[object, ...]:
    return (
        snapshot.last,
        snapshot.volume,
        snapshot.open_interest,
        snapshot.turnover,
        tuple(snapshot.bids),
        tuple(snapshot.asks),
    )


def test_same_seed_makes_the_same_market() -> None:
    """Two markets of one seed agree in every snapshot; another seed makes another market."""
    one, same, other = (of_seconds(SyntheticMarket(seed=seed), 70) for seed in (5, 5, 6))
    assert one == same
    assert one != other


@settings(max_examples=5, deadline=None)
@given(seed=SEEDS, into_ms=st.integers(0, 120_000))
def test_market_joined_in_the_middle_is_the_rest_of_the_whole(seed: int, into_ms: int) -> None:
    """Who comes late sees exactly what the others see from then on."""
    market = SyntheticMarket(seed=seed)
    from_ns = market.start_ns + into_ms * 1_000_000
    rest = [s for s in of_seconds(market, 125) if s.made_ns >= from_ns]
    joined = list(islice(market.snapshots(from_ns), len(rest)))
    assert joined == rest, f"seed {seed}, from {into_ms} ms"


def test_market_of_hours_ago_is_joined_at_once() -> None:
    """Ten hours of trading, or a year's, are caught up without making their snapshots."""
    market = SyntheticMarket(seed=1)
    for hours in (10, 800):
        at_ns = market.time_after(hours * HOUR_NS)
        late = next(market.snapshots(at_ns))
        assert 0 <= late.made_ns - at_ns < SECOND_NS


@settings(max_examples=4, deadline=None)
@given(seed=SEEDS, minute=st.sampled_from([34, 84, 164, 329, 330, 824]))
def test_who_comes_after_a_break_sees_the_same_market(seed: int, minute: int) -> None:
    """Breaks, nights and weekends make nothing, and whoever asks in one gets what follows."""
    market = SyntheticMarket(seed=seed)
    whole = of_seconds(market, 70, after_ns=minute * MINUTE_NS)
    after_ns = market.time_after((minute + 1) * MINUTE_NS)
    rest = [s for s in whole if s.made_ns >= after_ns]
    assert rest
    for from_ns in (after_ns, after_ns - 1, after_ns - 10 * MINUTE_NS):
        joined = (s for s in market.snapshots(from_ns) if s.made_ns >= after_ns)
        assert list(islice(joined, len(rest))) == rest, f"seed {seed}, minute {minute}"


def test_all_eight_exchanges_trade() -> None:
    """Some 60 contracts over six futures exchanges and both ETF option exchanges."""
    market = SyntheticMarket(seed=1)
    seen = Counter(exchange_of(symbol) for symbol in by_contract(of_seconds(market, 60)))
    assert 60 <= sum(seen.values()) <= len(market.contracts) == 70
    assert set(seen) == {"SHFE", "INE", "DCE", "CZCE", "GFEX", "CFFEX", "SSE", "SZSE"}
    assert all(exchange_of(c.symbol) == c.exchange for c in market.contracts)


@pytest.mark.parametrize("ticks_per_s", [20, 90, 1_000])
def test_market_keeps_the_rate_asked_for(ticks_per_s: float) -> None:
    """The average rate is the one asked for, with more contracts where it takes them."""
    market = SyntheticMarket(seed=3, ticks_per_s=ticks_per_s)
    assert len(of_seconds(market, 120)) / 120 == pytest.approx(ticks_per_s, rel=0.06)


def test_impossible_rate_is_refused() -> None:
    """A contract makes two snapshots a second at most, and the message says so."""
    with pytest.raises(MarketError, match="ticks_per_s was 500 for 60 contracts"):
        SyntheticMarket(ticks_per_s=500, contracts=60)


@settings(max_examples=4, deadline=None)
@given(seed=SEEDS, hours=st.integers(0, 2))
def test_stamps_follow_the_habit_of_each_exchange(seed: int, hours: int) -> None:
    """Market time never falls; CZCE stamps seconds, grid exchanges two values 500 ms apart."""
    made = of_seconds(SyntheticMarket(seed=seed), 61, after_ns=hours * HOUR_NS)
    assert all(a.made_ns <= b.made_ns for a, b in pairwise(made)), f"seed {seed}"
    values = defaultdict(set)
    for snapshot in made:
        assert 0 <= snapshot.made_ns - snapshot.exchange_ns < SECOND_NS, f"seed {seed}"
        assert snapshot.exchange_ns // 1_000_000 % 1000 == snapshot.update_ms
        values[exchange_of(snapshot.symbol)].add(snapshot.update_ms)
    assert values["CZCE"] == {0}
    assert values["SHFE"] == values["INE"] == {0, 500}
    assert len(values["DCE"]) > 100
    for exchange in GRID:
        low, high = sorted(values[exchange])
        assert high - low == 500, f"seed {seed}, {exchange}"


@settings(max_examples=4, deadline=None)
@given(seed=SEEDS)
def test_snapshots_of_one_czce_second_can_be_told_apart(seed: int) -> None:
    """Volume rises and snapshots are 300 ms apart, but closer in the rare seconds with four."""
    rows = [s for s in of_seconds(SyntheticMarket(seed=seed), 130) if _is_czce(s)]
    sizes = Counter((s.symbol, s.exchange_ns) for s in rows)
    assert set(sizes.values()) == {1, 2, 3, 4}
    for before, after in neighbours(rows):
        apart_ms = (after.made_ns - before.made_ns) // 1_000_000
        if before.exchange_ns != after.exchange_ns:
            assert apart_ms >= 230, f"seed {seed}: {after}"
        elif sizes[after.symbol, after.exchange_ns] == 4:
            assert 230 <= apart_ms < 300, f"seed {seed}: {after}"
            assert content(after) != content(before), f"seed {seed}: {after}"
        else:
            assert apart_ms >= 300, f"seed {seed}: {after}"
            assert number(after.volume) > number(before.volume), f"seed {seed}: {after}"


def test_a_czce_book_sometimes_comes_back_within_a_second() -> None:
    """A-B-A: the third snapshot of a second has the content of the first, the second has not."""
    seconds: defaultdict[tuple[str, int], list[Snapshot]] = defaultdict(list)
    for s in of_seconds(SyntheticMarket(seed=1), 300):
        if _is_czce(s):
            seconds[s.symbol, s.exchange_ns].append(s)
    four = [[content(s) for s in rows] for rows in seconds.values() if len(rows) == 4]
    back = [rows for rows in four if rows[0] == rows[2] != rows[1]]
    assert len(back) > 3
    assert len(four) > len(back)


def _is_czce(snapshot: Snapshot) -> bool:
    return exchange_of(snapshot.symbol) == "CZCE"


@settings(max_examples=4, deadline=None)
@given(seed=SEEDS, hours=st.integers(0, 2))
def test_snapshots_elsewhere_have_their_own_time(seed: int, hours: int) -> None:
    """Outside CZCE exchange time rises from snapshot to snapshot of a contract."""
    made = of_seconds(SyntheticMarket(seed=seed), 61, after_ns=hours * HOUR_NS)
    for before, after in neighbours(s for s in made if not _is_czce(s)):
        assert after.exchange_ns > before.exchange_ns, f"seed {seed}: {after}"


@settings(max_examples=4, deadline=None)
@given(seed=SEEDS)
def test_only_grid_exchanges_send_what_did_not_change(seed: int) -> None:
    """Unchanged content at a new time comes from SHFE and CFFEX, a snapshot is a change else."""
    market = SyntheticMarket(seed=seed)
    plain = {c.symbol for c in market.contracts if c.character is Character.PLAIN}
    made = [s for s in of_seconds(market, 61) if s.symbol in plain]
    same = [a for a, b in neighbours(made) if content(a) == content(b)]
    exchanges = {exchange_of(s.symbol) for s in same}
    assert {"SHFE", "CFFEX"} <= exchanges <= GRID, f"seed {seed}"


@settings(max_examples=4, deadline=None)
@given(seed=SEEDS, hours=st.integers(0, 2))
def test_prices_keep_the_rules_of_the_market(seed: int, hours: int) -> None:
    """Prices are inside limits and the day's range, on a one-tick spread, five levels on SHFE."""
    market = SyntheticMarket(seed=seed)
    ticks = {c.symbol: c.tick for c in market.contracts if c.character is Character.PLAIN}
    for s in of_seconds(market, 61, after_ns=hours * HOUR_NS):
        if s.symbol not in ticks:
            continue
        bid, ask = number(s.bids[0][0]), number(s.asks[0][0])
        assert number(s.low) <= number(s.last) <= number(s.high), f"seed {seed}: {s}"
        assert number(s.low) <= number(s.open) <= number(s.high), f"seed {seed}: {s}"
        assert ask - bid == pytest.approx(ticks[s.symbol]), f"seed {seed}: {s}"
        assert s.last in {bid, ask}, f"seed {seed}: {s}"
        for price, volume in [*s.bids, *s.asks]:
            assert number(s.limit_down) < number(price) < number(s.limit_up), f"seed {seed}: {s}"
            assert number(volume) > 0
        deep = exchange_of(s.symbol) in {"SHFE", "INE"}
        assert len(s.bids) == len(s.asks) == (5 if deep else 1)
        nothing = 0.0 if exchange_of(s.symbol) in {"CZCE", "SSE", "SZSE"} else NO_VALUE
        assert s.close == nothing
        assert s.settlement == (NO_VALUE if _is_czce(s) else nothing)


@settings(max_examples=4, deadline=None)
@given(seed=SEEDS)
def test_amounts_of_the_day_only_grow(seed: int) -> None:
    """Volume and range never shrink; without volume neither last nor turnover moves."""
    made = of_seconds(SyntheticMarket(seed=seed), 130)
    for a, b in neighbours(made):
        assert number(b.volume) >= number(a.volume), f"seed {seed}: {b}"
        assert number(b.high) >= number(a.high), f"seed {seed}: {b}"
        assert number(b.low) <= number(a.low), f"seed {seed}: {b}"
        assert b.open == a.open
        if a.volume == b.volume:
            assert (a.last, a.turnover) == (b.last, b.turnover), f"seed {seed}: {b}"


def test_turnover_is_money_except_on_czce() -> None:
    """Each step of turnover is volume x price x multiplier; CZCE's is made of its average."""
    market = SyntheticMarket(seed=2)
    lots = {contract.symbol: contract.multiplier for contract in market.contracts}
    for a, b in neighbours(of_seconds(market, 130)):
        if _is_czce(b):
            assert number(b.turnover) == number(b.average) * number(b.volume)
            continue
        if not b.volume:
            continue
        money = (number(b.volume) - number(a.volume)) * number(b.last) * lots[b.symbol]
        assert number(b.turnover) - number(a.turnover) == pytest.approx(money, abs=1.0)


def test_front_leaves_the_exchange_of_futures_empty() -> None:
    """ExchangeID comes from ETF option fronts only."""
    for snapshot in of_seconds(SyntheticMarket(seed=1), 5):
        exchange = exchange_of(snapshot.symbol)
        assert snapshot.true_exchange == exchange
        assert snapshot.exchange == (exchange if exchange in {"SSE", "SZSE"} else "")


def test_new_trading_day_begins_after_the_weekend() -> None:
    """Volume starts again, the previous close is Friday's last price, the dates are Monday's."""
    market = SyntheticMarket(seed=1)
    plain = {c.symbol for c in market.contracts if c.character is Character.PLAIN}
    made = of_seconds(market, 240, after_ns=(LIQUID.day_minutes - 2) * MINUTE_NS)
    before, after = (by_contract(s for s in made if s.day == day) for day in (20250620, 20250623))
    assert len(after) > 60
    for symbol in plain & after.keys() & before.keys():
        rows = after[symbol]
        assert number(rows[0].volume) < number(before[symbol][-1].volume)
        assert rows[0].pre_close == before[symbol][-1].last
        action_day = "" if exchange_of(symbol) == "GFEX" else "20250623"
        assert (rows[0].trading_day, rows[0].action_day) == ("20250623", action_day)
        assert rows[0].exchange_ns >= midnight_ns("20250623") + 9 * HOUR_NS


@settings(max_examples=4, deadline=None)
@given(seed=SEEDS, days=st.integers(1, 4_000))
def test_market_goes_on_inside_its_limits_for_years(seed: int, days: int) -> None:
    """At the end of any day prices are between the limits and interest is positive."""
    after_ns = days * LIQUID.day_minutes * MINUTE_NS - 30 * SECOND_NS
    for s in of_seconds(SyntheticMarket(seed=seed), 30, after_ns=after_ns):
        if not s.volume:
            continue
        assert number(s.limit_down) <= number(s.last) <= number(s.limit_up)
        assert number(s.low) <= number(s.last) <= number(s.high)
        assert number(s.limit_down) < number(s.pre_settlement) < number(s.limit_up) or (
            s.pre_settlement == s.limit_down
        )
        assert number(s.open_interest) > 0


def test_default_market_begins_on_a_plain_friday_morning() -> None:
    """The first stamps read 2025-06-20 09:35:00."""
    first = next(SyntheticMarket(seed=1).snapshots())
    assert (first.trading_day, first.update_time) == ("20250620", "09:35:00")
    assert first.made_ns - LIQUID.start_ns < SECOND_NS


def test_raw_tick_carries_every_field_of_the_snapshot() -> None:
    """A source's tick is the snapshot, with the source's own head."""
    snapshot = next(SyntheticMarket(seed=1).snapshots())
    tick = raw_tick(snapshot, source="a", session=2, seq=3, recv_ns=4)
    assert (tick.v, tick.source, tick.session, tick.seq, tick.recv_ns) == (1, "a", 2, 3, 4)
    for name in tick.__struct_fields__[5:]:
        assert getattr(tick, name) == getattr(snapshot, name)
