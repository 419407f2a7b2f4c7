"""Contracts are listed, trade and expire; with 25,000 of them as well."""

import re
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdhub.market.errors import MarketError
from mdhub.market.listing import Character, Listing
from mdhub.market.paces import spread
from mdhub.market.products import EXCHANGES, exchange_of
from mdhub.market.synthetic import SyntheticMarket


def names(listing: Listing, day: int) -> set[str]:
    return {contract.symbol for contract in listing.on_day(day)}


def test_the_universe_changes_from_trading_day_to_trading_day() -> None:
    """Each day at least one contract has expired and another one has appeared."""
    listing = Listing(1, 60)
    days = [names(listing, day) for day in range(30)]
    for before, after in pairwise(days):
        assert before - after
        assert after - before
        assert len(after) == 60


def test_index_futures_expire_on_the_third_friday() -> None:
    """IF2506 trades on 2025-06-20 for the last time; a year later's contract takes its place."""
    listing = Listing(1, 60)
    assert "IF2506" in names(listing, 0)
    assert "IF2506" not in names(listing, 1)
    assert "IF2606" in names(listing, 1)


def test_czce_has_three_digits_all_others_four() -> None:
    """SR507, not SR2507; twelve months are told apart."""
    for contract in Listing(1, 3_000).on_day(0):
        digits = re.match(r"[A-Za-z]+([0-9]+)", contract.symbol)
        if digits:
            assert len(digits[1]) == (3 if contract.exchange == "CZCE" else 4), contract.symbol


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 100), day=st.integers(0, 5_000))
def test_whoever_asks_for_a_day_gets_the_same_contracts(seed: int, day: int) -> None:
    """Asked day by day or out of the blue; nobody is listed twice or outside its life."""
    listing = Listing(seed, 300)
    listing.on_day(max(0, day - 1))
    contracts = listing.on_day(day)
    assert contracts == Listing(seed, 300).on_day(day)
    assert len({c.symbol for c in contracts}) == 300
    for contract in contracts:
        assert contract.first_day <= day <= contract.last_day
        assert exchange_of(contract.symbol) == contract.exchange


def test_25000_contracts_are_futures_and_option_chains_of_all_exchanges() -> None:
    """No symbol twice, every spelling known, mostly options, each exchange with its share."""
    contracts = Listing(7, 25_000).on_day(0)
    assert len({c.symbol for c in contracts}) == 25_000
    assert all(exchange_of(c.symbol) == c.exchange for c in contracts)
    sizes = Counter(c.exchange for c in contracts)
    assert set(sizes) == set(EXCHANGES)
    assert min(sizes.values()) > 300
    futures = [c for c in contracts if re.fullmatch(r"[A-Za-z]+[0-9]+", c.symbol)]
    assert 700 < len(futures) < 1_200
    assert set(Counter(c.character for c in contracts)) == set(Character)


def test_few_of_25000_contracts_are_busy_and_the_rate_is_kept() -> None:
    """A tenth of the contracts makes more than half of the ticks."""
    shares = sorted(spread(2_000, Listing(7, 25_000).places), reverse=True)
    assert 2 * sum(shares) == pytest.approx(2_000, rel=0.001)
    assert sum(shares[:2_500]) > 0.5 * sum(shares)


def test_more_ticks_than_contracts_can_make_are_refused() -> None:
    """And the message says what would do."""
    with pytest.raises(MarketError, match="expected more than 0 and at most"):
        SyntheticMarket(ticks_per_s=1_000, contracts=100)


def test_a_market_of_25000_begins_anywhere_with_little_work() -> None:
    """The tenth trading day is joined without its past: every pattern is a stretch of a few."""
    market = SyntheticMarket(seed=7, ticks_per_s=2_000, contracts=25_000, sessions="full")
    from_ns = market.time_after(10 * 631 * 60 * 1_000_000_000 + 5)
    first = next(market.snapshots(from_ns))
    assert 0 <= first.made_ns - from_ns < 60 * 1_000_000_000
