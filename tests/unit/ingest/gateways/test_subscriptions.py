"""Asking a gateway for instruments: paced, confirmed, repeated, within a limit."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from mdhub_ingest.gateways.rules import parse_rules
from mdhub_ingest.gateways.subscriptions import ASKS, BATCH, Subscriptions
from mdhub_ingest.gateways.universe import key_of
from tests.unit.ingest.gateways.listings import MIXED, RB, RB_NEXT, first, future
from tests.unit.ingest.gateways.simulated_front import TURN_S, Front, many, subscriptions


def test_the_whole_market_is_confirmed_within_a_minute_although_one_in_a_hundred_is_lost() -> None:
    """25,000 instruments at the default pace, in turns of 100 ms."""
    made = subscriptions(listed=many(25_000))
    front = Front(made, lose=0.01)
    while not (made.coverage().complete and front.asked) and front.now_s < 100:
        front.turn()
    assert front.now_s <= 60
    assert made.coverage().confirmed == 25_000
    assert max(front.asked.values()) > 1


def test_no_more_is_asked_for_than_the_pace_allows() -> None:
    """In any stretch of time, and never more than a batch at once, even after a long pause."""
    made = subscriptions(listed=many(5_000))
    front = Front(made)
    front.turn()
    front.now_s += 30
    front.pass_s(8)
    assert all(len(symbols) <= BATCH for _, symbols in front.batches)
    for start_s, _ in front.batches:
        taken = sum(len(b) for at_s, b in front.batches if start_s <= at_s < start_s + 1 - 1e-9)
        assert taken <= BATCH + 1_000
    assert sum(front.asked.values()) == 5_000


def test_instruments_are_asked_for_in_a_fixed_order() -> None:
    """Exchange, product, expiry."""
    front = Front(subscriptions())
    expected = ["SP a2611&a2701", "SR611", "au2612", "cu2612C80000", "rb2610", "rb2701", "10007777"]
    assert sorted(front.turn()) == sorted(expected)
    by_exchange = [s for _, symbols in front.batches for s in symbols]
    assert by_exchange == ["SR611", "SP a2611&a2701", *expected[2:]]


def test_a_silent_instrument_is_asked_for_again_at_growing_intervals_with_an_end() -> None:
    """After the last time it counts as silent and is named."""
    made = subscriptions(listed=[RB])
    front = Front(made)
    front.mute.add("rb2610")
    front.pass_s(600)
    times = [at_s for at_s, _ in front.batches]
    gaps = [b - a for a, b in pairwise(times)]
    assert len(times) == ASKS
    for gap, full in zip(gaps, [5, 10, 20, 40, 60], strict=True):
        assert 0.75 * full <= gap <= 1.25 * full + 2 * TURN_S
    coverage = made.coverage()
    assert (coverage.silent, coverage.silent_examples) == (1, ("rb2610.SHFE",))


def test_many_silent_ones_are_not_asked_for_at_the_same_moment_again() -> None:
    """Jitter from the seed."""
    made = subscriptions(listed=many(100))
    front = Front(made, lose=1.0)
    front.pass_s(9)
    assert len(front.batches[0][1]) == 100
    assert max(len(symbols) for _, symbols in front.batches[1:]) < 30


def test_a_tick_that_comes_at_last_confirms() -> None:
    """Also of one that was given up."""
    made = subscriptions(listed=[RB])
    front = Front(made, lose=1.0)
    front.pass_s(600)
    front.tell("rb2610")
    assert (made.coverage().silent, made.coverage().confirmed) == (0, 1)


def test_an_open_has_silent_ones_asked_for_again() -> None:
    """The front may not have known them before."""
    made = subscriptions()
    front = Front(made)
    front.mute.update({"rb2610", "rb2701"})
    front.pass_s(600)
    front.mute.clear()
    front.batches.clear()
    made.opened()
    front.pass_s(1)
    assert [symbols for _, symbols in front.batches] == [["rb2610", "rb2701"]]
    assert made.coverage().complete


def test_a_reconnection_asks_for_everything_again() -> None:
    """The silent ones too, as often as before; what has been confirmed must show itself again."""
    made = subscriptions()
    front = Front(made)
    front.mute.add("rb2610")
    front.pass_s(600)
    front.reconnect()
    assert made.coverage().confirmed == 0 and made.coverage().asked == 0
    front.pass_s(600)
    assert set(front.asked) == {i.symbol for i in MIXED}
    assert front.asked.pop("rb2610") == ASKS and set(front.asked.values()) == {1}


def test_a_first_tick_before_the_request_counts_but_the_request_goes_out() -> None:
    """It may be the tail of the old connection, or a gateway that restored its subscriptions."""
    made = subscriptions(listed=[RB])
    front = Front(made)
    front.tell("rb2610")
    front.pass_s(100)
    assert front.asked["rb2610"] == 1 and made.coverage().complete


def test_a_tick_of_an_instrument_that_is_listed_later_is_remembered() -> None:
    """Ticks may come before contracts."""
    made = subscriptions(listed=[])
    front = Front(made)
    front.tell("rb2610")
    made.learn([RB])
    front.pass_s(100)
    assert made.coverage().confirmed == 1


def test_contracts_that_are_listed_again_change_nothing() -> None:
    """A reconnected gateway tells them all."""
    made = subscriptions()
    front = Front(made)
    front.pass_s(5)
    made.learn(MIXED)
    front.pass_s(100)
    assert set(front.asked.values()) == {1}


GONE = replace(RB, expiry=20260930)


def test_what_is_wanted_again_is_asked_for_again() -> None:
    """As if for the first time, and by one row of intervals only."""
    for away_s in (1, 100):
        made = subscriptions(listed=[RB])
        front = Front(made, lose=1.0)
        front.pass_s(1)
        made.learn([GONE])
        front.pass_s(away_s)
        assert (made.coverage().wanted, made.coverage().expired) == (0, 1)
        made.learn([RB])
        front.pass_s(600)
        assert front.asked["rb2610"] == 1 + ASKS and made.coverage().silent == 1
        gaps = [b - a for (a, _), (b, _) in pairwise(front.batches[1:])]
        assert all(gap >= 0.75 * s for gap, s in zip(gaps, [5, 10, 20, 40, 60], strict=True))


def test_what_is_asked_for_is_what_was_told_last() -> None:
    """A gateway may correct a contract."""
    made = subscriptions(listed=[RB])
    made.due(0.0)
    corrected = replace(RB, multiplier=10.0)
    made.learn([corrected])
    made.due(0.1)
    made.reconnected(0.2)
    assert made.due(2.0) == [corrected]


def test_a_reconnection_starts_slowly() -> None:
    """However long the one before it was idle."""
    made = subscriptions()
    front = Front(made)
    front.pass_s(60)
    front.reconnect()
    assert front.turn() == [] and len(front.turn()) == len(MIXED)


def test_a_place_that_becomes_free_is_given_away_also_after_a_reconnection() -> None:
    """What was over the limit before it is asked for."""
    made = subscriptions(listed=[RB, RB_NEXT], limit=1, releases=True)
    front = Front(made)
    front.pass_s(5)
    front.reconnect()
    made.learn([GONE])
    front.pass_s(5)
    assert front.release() == [RB]
    front.pass_s(5)
    assert front.asked["rb2701"] == 1 and made.coverage().complete


def test_a_place_is_free_again_if_its_instrument_was_never_asked_for() -> None:
    """Nothing has to be released at the front."""
    third = future("rb2705", 20270515)
    made = Subscriptions(parse_rules(["all"]), 2, 0.2, day=20261001)
    made.learn([RB, RB_NEXT, third])
    front = Front(made)
    front.pass_s(4)
    assert set(front.asked) == {"rb2610"}
    made.learn([replace(RB_NEXT, expiry=20260930)])
    front.pass_s(20)
    assert set(front.asked) == {"rb2610", "rb2705"} and made.coverage().complete


def test_over_the_limit_the_first_in_order_are_taken_and_the_rest_is_named() -> None:
    """Whatever the order and the parts in which they are listed."""
    listed = many(40)
    results = []
    for seed in range(3):
        Random(seed).shuffle(listed)
        made = subscriptions(listed=[], limit=15)
        front = Front(made)
        for part in range(0, 40, 8):
            made.learn(listed[part : part + 8])
            front.pass_s(1)
        assert not front.asked and made.coverage().over_limit == 0
        front.pass_s(3)
        coverage = made.coverage()
        assert (coverage.wanted, coverage.confirmed, coverage.over_limit) == (40, 15, 25)
        assert set(front.asked.values()) == {1}
        results.append((sorted(front.asked), coverage.over_limit_examples))
    assert results[0] == results[1] == results[2]
    assert len(results[0][1]) == 20 and not {n.split(".")[0] for n in results[0][1]} & {
        *results[0][0]
    }


def test_a_list_that_never_ends_is_not_waited_for_for_ever() -> None:
    """A gateway may list one contract a second all day."""
    listed = many(200)
    made = subscriptions(listed=[], limit=200)
    front = Front(made)
    for instrument in listed[:100]:
        made.learn([instrument])
        front.pass_s(1)
    assert made.coverage().confirmed > 50


def test_a_dominant_contract_is_found_by_probes_that_are_released_then() -> None:
    """The one that is chosen is not asked for twice."""
    made = subscriptions("dominant:rb", releases=True)
    front = Front(made)
    made.due(0.0)
    assert made.coverage().probing == 2 and made.coverage().wanted == 0
    made.first([first("rb2610", 1.0), first("rb2701", 2.0)])
    front.pass_s(50)
    assert front.release() == [RB] and front.release() == []
    coverage = made.coverage()
    assert (coverage.wanted, coverage.confirmed, coverage.probing) == (1, 1, 0)
    assert coverage.by_exchange["SHFE"].wanted == 1


def test_thousands_of_probes_are_released_at_the_pace_of_asking() -> None:
    """A front that gets them all at once drops the session."""
    listed = [future(f"rb{number}", 20270115) for number in range(3_000, 5_000)]
    made = subscriptions("dominant:rb", listed=listed, releases=True)
    front = Front(made)
    front.pass_s(10)
    released = []
    for _ in range(10):
        released.append(len(front.release()))
        front.now_s += 0.1
    assert max(released) <= BATCH and sum(released) <= 1_500
    front.now_s += 10
    while left := front.release():
        released.append(len(left))
        front.now_s += 1
    assert sum(released) == 1_999


def test_a_symbol_that_another_exchange_uses_too_is_not_released() -> None:
    """Fronts know subscriptions by symbol only."""
    twin = replace(RB, exchange="INE")
    made = subscriptions("dominant:rb.SHFE", "exchange:INE", listed=[RB, RB_NEXT, twin],
                         releases=True)  # fmt: skip
    front = Front(made)
    made.first([first("rb2610", 1.0), first("rb2701", 2.0)])
    front.pass_s(5)
    assert front.release() == []
    made.learn([replace(twin, expiry=20260930)])
    front.pass_s(5)
    assert front.release() == [twin]


def test_probes_take_turns_under_a_limit_if_they_can_be_released() -> None:
    """Ten candidates, four places."""
    listed = [future(f"rb27{month:02}", 20270000 + 100 * month + 15) for month in range(1, 11)]
    made = subscriptions("dominant:rb", listed=listed, limit=4, releases=True)
    front = Front(made)
    held: set[str] = set()
    for _ in range(300):
        held.update(front.turn())
        held.difference_update(i.symbol for i in front.release())
        assert len(held) <= 4
    assert len(front.asked) == 10
    assert held == {"rb2701"} and made.coverage().complete


def test_what_was_released_and_is_wanted_again_needs_another_tick() -> None:
    """The one before says nothing about the new subscription."""
    listed = [future(f"rb27{month:02}", 20270000 + 100 * month + 15) for month in range(1, 11)]
    made = subscriptions("dominant:rb", listed=listed, limit=4, releases=True)
    front = Front(made)
    for _ in range(300):
        front.turn()
        front.mute.update(i.symbol for i in front.release())
    assert front.asked["rb2701"] > 1
    assert (made.coverage().wanted, made.coverage().confirmed) == (1, 0)


def test_probes_without_a_place_are_given_up_if_none_can_be_released() -> None:
    """The choice is made among what could be asked for."""
    listed = [future(f"rb27{month:02}", 20270000 + 100 * month + 15) for month in range(1, 11)]
    made = subscriptions("dominant:rb", listed=listed, limit=4)
    front = Front(made)
    front.pass_s(60)
    assert sum(front.asked.values()) == 4
    assert made.coverage().complete and made.coverage().wanted == 1


def test_a_silent_candidate_holds_up_a_choice_only_until_it_is_given_up() -> None:
    """Some minutes."""
    made = subscriptions("dominant:rb")
    front = Front(made)
    front.mute.add("rb2610")
    front.pass_s(100)
    assert made.coverage().undecided == ("dominant rb.SHFE",)
    front.pass_s(300)
    assert made.coverage().complete and made.coverage().wanted == 1


def test_a_new_trading_day_begins_anew() -> None:
    """Expired contracts go, choices are made again, everything is asked for again."""
    made = subscriptions("dominant:rb", "SR611.CZCE", "au2612.SHFE", releases=True)
    front = Front(made)
    made.first([first("rb2610", 2.0), first("rb2701", 1.0)])
    front.pass_s(5)
    front.release()
    front.told.clear()
    made.refresh(20261116)
    assert front.release() == []
    front.asked.clear()
    front.pass_s(5)
    assert set(front.asked) == {"rb2701", "au2612"}
    assert {i.symbol for i in front.release()} == {"rb2610", "SR611"}
    assert made.coverage().expired == 2 and made.coverage().complete

    made.refresh(20261116)
    front.asked.clear()
    front.pass_s(5)
    assert not front.asked


def test_knowledge_is_handed_to_the_next_process() -> None:
    """Of the same day: it asks for the chosen one only."""
    made = subscriptions("dominant:rb")
    made.first([first("rb2610", 2.0), first("rb2701", 9.0)])
    Front(made).pass_s(5)
    front = Front(subscriptions("dominant:rb", known=made.knowledge()))
    front.pass_s(5)
    assert set(front.asked) == {"rb2701"}


class Drill:
    """A front, a list of instruments and an operator who does anything at any time."""

    def __init__(
        self, made: Subscriptions, *, limit: int | None, releases: bool, seed: int
    ) -> None:
        self.made = made
        self.limit = limit
        self.releases = releases
        self.front = Front(made, lose=0.3, seed=seed)
        self.pool = many(60)
        self.listed: set[str] = set()
        self.held: set[str] = set()

    def list(self, amount: int) -> None:
        part = self.pool[amount : 2 * amount]
        self.listed.update(map(key_of, part))
        self.made.learn(part)

    def hear(self, amount: int) -> None:
        symbols = [i.symbol for i in self.pool[:amount]]
        self.front.tell(*(symbol for symbol in symbols if symbol not in self.front.told))

    def reconnect(self, _: int) -> None:
        self.front.reconnect()

    def open(self, _: int) -> None:
        self.made.opened()

    def day(self, amount: int) -> None:
        self.front.told.clear()
        self.made.refresh(20261001 + amount)

    def release(self, _: int) -> None:
        if self.releases:
            self.held.difference_update(i.symbol for i in self.front.release())

    def wait(self, seconds: int) -> None:
        for _ in range(int(seconds / TURN_S)):
            self.held.update(self.front.turn())
            assert self.limit is None or len(self.held) <= self.limit
            self.release(0)


STEPS = st.lists(
    st.tuples(
        st.sampled_from([
            Drill.list, Drill.wait, Drill.wait, Drill.hear, Drill.reconnect, Drill.open,
            Drill.day, Drill.release,
        ]),
        st.integers(0, 30),
    ),
    max_size=40,
)  # fmt: skip
RULES = st.sampled_from([
    ("all",), ("dominant",), ("all", "not exchange:DCE"), ("dominant:rb/2", "exchange:GFEX"),
])  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(STEPS, RULES, st.none() | st.integers(0, 25), st.booleans(), st.integers(0, 99))
def test_whatever_happens_all_that_is_wanted_is_confirmed_or_accounted_for(
    steps: list[tuple[Callable[[Drill, int], None], int]],
    texts: tuple[str, ...],
    limit: int | None,
    releases: bool,  # noqa: FBT001 - drawn
    seed: int,
) -> None:
    """The front never holds more than the limit; in the end nothing is left open."""
    made = Subscriptions(parse_rules(texts), limit, releases=releases, day=20261001, seed=seed)
    drill = Drill(made, limit=limit, releases=releases, seed=seed)
    for step, amount in [*steps, (Drill.wait, 1_200)]:
        step(drill, amount)
        _consistent(made)

    end = made.coverage()
    assert end.confirmed + end.silent + end.over_limit == end.wanted
    assert not end.probing or limit is not None
    if texts == ("all",):
        assert end.wanted == len(drill.listed)
    if releases and limit is None:
        assert len(drill.held) == end.wanted


def _consistent(made: Subscriptions) -> None:
    coverage = made.coverage()
    assert coverage.wanted == sum(part.wanted for part in coverage.by_exchange.values())
    assert 0 <= coverage.confirmed + coverage.silent <= coverage.asked
    assert coverage.asked + coverage.over_limit <= coverage.wanted


def test_the_same_seed_asks_at_the_same_moments() -> None:
    """And another one at others."""
    runs = []
    for seed in (1, 1, 2):
        made = Subscriptions(parse_rules(["all"]), seed=seed)
        made.learn([RB, RB_NEXT])
        front = Front(made, lose=1.0)
        front.pass_s(300)
        runs.append(front.batches)
    assert runs[0] == runs[1] != runs[2]


@pytest.mark.parametrize("pace_per_s", [0.5, 3.0, 10_000.0])
def test_any_pace_is_kept(pace_per_s: float) -> None:
    """Slower than one a second, and faster than a batch per turn."""
    made = Subscriptions(parse_rules(["all"]), None, pace_per_s)
    made.learn(many(3_000))
    front = Front(made, lose=0.0)
    front.pass_s(10)
    allowed = min(BATCH, max(1.0, pace_per_s)) + 10 * pace_per_s
    assert 0 < sum(front.asked.values()) <= min(3_000, allowed)
    if pace_per_s > BATCH:
        assert len(front.asked) == 3_000
