"""What rules want of what is listed and known: dominant contracts, chains, probes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdhub_ingest.gateways.port import First, Instrument
from mdhub_ingest.gateways.rules import Kind, Rule, matches, parse_rules, traits_of
from mdhub_ingest.gateways.universe import NOTHING_KNOWN, Knowledge, Role, Universe, key_of
from tests.unit.ingest.gateways.listings import (
    AU,
    CU_CALL,
    MIXED,
    RB,
    RB_NEXT,
    SR,
    chain,
    first,
    future,
    option,
)

DAY = 20261020
"""After the last day of RB."""


def universe(
    texts: list[str],
    instruments: Iterable[Instrument] = MIXED,
    firsts: Iterable[First] = (),
    *,
    day: int = 20261001,
    known: Knowledge = NOTHING_KNOWN,
) -> Universe:
    """A settled universe."""
    made = Universe(parse_rules(texts), day=day, known=known)
    for instrument in instruments:
        made.learn(instrument)
    for told in firsts:
        made.first(told)
    made.settle()
    return made


def cast(made: Universe, role: Role, instruments: Sequence[Instrument] = MIXED) -> set[str]:
    """Symbols in a role."""
    return {i.symbol for i in instruments if made.role(key_of(i)) is role}


def wanted(made: Universe, instruments: Sequence[Instrument] = MIXED) -> set[str]:
    return cast(made, Role.WANTED, instruments)


def test_rules_add_and_take_away_in_their_order() -> None:
    """The last one that means an instrument decides."""
    assert wanted(universe(["exchange:SHFE", "not class:option"])) == {"rb2610", "rb2701", "au2612"}
    back = universe(["all", "not exchange:SHFE", "rb2610.SHFE"])
    assert wanted(back) == {"SR611", "SP a2611&a2701", "10007777", "rb2610"}


def test_what_has_expired_is_not_wanted() -> None:
    """The last trading day itself still counts; an unknown expiry never passes."""
    made = universe(["all"], day=DAY)
    assert RB.symbol not in wanted(made) and made.expired == 1
    assert RB.symbol in wanted(universe(["all"], day=RB.expiry))
    assert wanted(universe(["all"], [future("rb2610", 0)], day=DAY), [RB]) == {"rb2610"}


def test_rules_without_effect_are_named() -> None:
    """Such as a product in the wrong case."""
    assert universe(["all", "product:RB", "dominant:ag"]).unmatched() == (
        "product:RB", "dominant:ag",
    )  # fmt: skip


def test_a_dominant_contract_is_probed_for_then_chosen_for_the_day() -> None:
    """All futures of the product are subscribed until their open interest is known."""
    made = universe(["dominant:rb"])
    assert cast(made, Role.PROBE) == {"rb2610", "rb2701"} and not wanted(made)
    assert made.undecided() == ("dominant rb.SHFE",)

    made.first(first("rb2610", 900.0))
    made.settle()
    assert cast(made, Role.PROBE) == {"rb2701"} and not wanted(made)

    made.first(first("rb2701", 1_000.0))
    assert set(made.settle()) >= {key_of(RB_NEXT)}
    assert wanted(made) == {"rb2701"} and not cast(made, Role.PROBE)
    assert made.undecided() == ()

    made.first(first("rb2610", 5_000.0))
    made.settle()
    assert wanted(made) == {"rb2701"}


def test_each_product_has_its_own_dominant_contract() -> None:
    """`dominant` alone means all products."""
    told = [first("rb2610", 9.0), first("rb2701", 8.0), first("au2612", 1.0), first("SR611", None)]
    assert wanted(universe(["dominant"], firsts=told)) == {"rb2610", "au2612", "SR611"}


def test_equal_open_interest_goes_to_the_nearer_expiry() -> None:
    """Also where no open interest is told at all; "no value" of a front counts as none."""
    for interest in (5.0, None, 1.7976931348623157e308, float("nan")):
        told = [first("rb2701", interest), first("rb2610", interest)]
        assert wanted(universe(["dominant:rb"], firsts=told)) == {"rb2610"}
    decade = [future("SR003", 20300315), future("SR911", 20291115)]
    assert wanted(universe(["dominant"], decade, [first("SR003"), first("SR911")]), decade) == {
        "SR911"
    }


def test_the_first_two_contracts_may_be_wanted() -> None:
    """More than there are is all of them."""
    third = future("rb2705", 20270515)
    listed = [*MIXED, third]
    told = [first("rb2610", 1.0), first("rb2701", 3.0), first("rb2705", 2.0)]
    assert wanted(universe(["dominant:rb/2"], listed, told), listed) == {"rb2701", "rb2705"}
    assert len(wanted(universe(["dominant:rb/9"], listed, told), listed)) == 3


def test_a_contract_listed_later_has_the_choice_made_again() -> None:
    """Until it is known, what was chosen stays."""
    made = universe(["dominant:rb"], [RB], [first("rb2610", 5.0)])
    made.learn(RB_NEXT)
    made.settle()
    assert (wanted(made), cast(made, Role.PROBE)) == ({"rb2610"}, {"rb2701"})
    made.first(first("rb2701", 6.0))
    made.settle()
    assert wanted(made) == {"rb2701"}


def test_a_contract_that_stays_silent_does_not_hold_up_the_choice() -> None:
    """Given up, it counts as without open interest."""
    made = universe(["dominant:rb"], firsts=[first("rb2701", 1.0)])
    made.give_up("rb2610")
    made.settle()
    assert wanted(made) == {"rb2701"} and not cast(made, Role.PROBE)


def test_what_is_wanted_anyway_is_no_probe() -> None:
    """And where a choice changes nothing, nothing is probed."""
    made = universe(["rb2610.SHFE", "dominant:rb"])
    assert (wanted(made), cast(made, Role.PROBE)) == ({"rb2610"}, {"rb2701"})
    for texts in (["all", "dominant"], ["dominant", "not class:future"], ["dominant", "all"]):
        made = universe(texts)
        assert not cast(made, Role.PROBE) and not made.undecided()


def test_the_dominant_contract_may_be_taken_away() -> None:
    """All but the dominant one."""
    told = [first("rb2610", 1.0), first("rb2701", 3.0)]
    made = universe(["product:rb", "not dominant:rb"], firsts=told)
    assert wanted(made) == {"rb2610"}


def test_knowledge_of_the_same_day_saves_the_probes() -> None:
    """A restarted process chooses at once what the one before it chose."""
    told = [first("rb2610", 1.0), first("rb2701", 3.0), first("au2612", 3.0)]
    before = universe(["dominant:rb"], firsts=told)
    known = before.knowledge()
    assert [told.symbol for told in known.firsts] == ["rb2610", "rb2701"]
    after = universe(["dominant:rb"], known=known)
    assert wanted(after) == {"rb2701"} and not cast(after, Role.PROBE)


def test_yesterdays_knowledge_chooses_until_todays_is_complete() -> None:
    """The probes are subscribed all the same."""
    known = Knowledge(20260930, (first("rb2610", 4.0),))
    made = universe(["dominant:rb"], known=known)
    assert (wanted(made), cast(made, Role.PROBE)) == ({"rb2610"}, {"rb2701"})
    made.first(first("rb2610", 1.0))
    made.first(first("rb2701", 2.0))
    made.settle()
    assert wanted(made) == {"rb2701"}
    assert made.knowledge().day == 20261001
    assert universe(["dominant:rb"], known=known).knowledge() == known


STRIKES = [3800, 3900, 4000, 4100, 4200]
IO = chain("IO2612", STRIKES, underlying="IF2612")
IF = future("IF2612")


def strikes_of(made: Universe, options: Sequence[Instrument] = IO) -> list[float]:
    """Strikes wanted; calls and puts must be wanted alike."""
    calls = sorted(i.strike for i in options if i.call and made.role(key_of(i)) is Role.WANTED)
    puts = sorted(i.strike for i in options if not i.call and made.role(key_of(i)) is Role.WANTED)
    assert calls == puts
    return calls


@pytest.mark.parametrize(
    ("settlement", "last", "strikes"),
    [
        (4010.0, 1.0, [3900, 4000, 4100]),
        (4050.0, None, [3900, 4000, 4100]),
        (None, 4111.0, [4000, 4100, 4200]),
        (1.7e308, 9000.0, [4100, 4200]),
        (1.0, None, [3800, 3900]),
    ],
)
def test_a_chain_goes_by_the_price_of_its_underlying(
    settlement: float | None, last: float | None, strikes: list[float]
) -> None:
    """Settlement of the day before, else last price; halfway between strikes the lower one."""
    listed = [*IO, IF]
    made = universe(["chain:IO/1"], listed)
    assert cast(made, Role.PROBE, listed) == {"IF2612"} and not wanted(made, listed)
    made.first(first("IF2612", None, last, settlement))
    made.settle()
    assert strikes_of(made) == strikes and made.role(key_of(IF)) is Role.NONE


def test_an_underlying_listed_after_its_options_is_found() -> None:
    """Contracts come in any order."""
    made = universe(["chain:IO/1"], IO)
    assert made.role(key_of(IO[0])) is Role.PROBE
    made.learn(IF)
    made.first(first("IF2612", None, 4000.0))
    made.settle()
    assert strikes_of(made) == [3900, 4000, 4100]


def priced(money: float) -> list[First]:
    """Settlements of options as put-call parity has them, for a forward price."""
    return [
        first(i.symbol, None, None, 50 + max(0, (money - i.strike) * (1 if i.call else -1)))
        for i in IO
    ]


def test_without_an_underlying_calls_and_puts_tell_where_the_money_is() -> None:
    """Put-call parity; all options of the month are probed for it."""
    made = universe(["chain:IO/1"], IO)
    assert cast(made, Role.PROBE, IO) == {i.symbol for i in IO}
    for told in priced(4120):
        made.first(told)
    made.settle()
    assert strikes_of(made) == [4000, 4100, 4200] and not cast(made, Role.PROBE, IO)


def test_an_underlying_that_tells_nothing_is_replaced_by_parity() -> None:
    """Silent, or without any price."""
    for told in ([], [first("IF2612")]):
        made = universe(["chain:IO/1"], [*IO, IF], [*told, *priced(3900)])
        made.give_up("IF2612")
        made.settle()
        assert strikes_of(made) == [3800, 3900, 4000]


def test_where_nothing_is_known_the_middle_strike_counts() -> None:
    """Of a month whose options are all silent."""
    made = universe(["chain:IO/1"], IO)
    for instrument in IO:
        made.give_up(instrument.symbol)
    made.settle()
    assert strikes_of(made) == [3900, 4000, 4100]


def test_a_chain_may_be_cut_to_the_nearest_expiries() -> None:
    """Expired months do not count among them."""
    months = [
        chain("IO2609", STRIKES, expiry=20260918),
        chain("IO2610", STRIKES, expiry=20261016),
        chain("IO2611", STRIKES, expiry=20261120),
        IO,
    ]
    listed = [i for month in months for i in month]
    told = [first(i.symbol, None, None, 50.0) for i in listed]
    made = universe(["chain:IO/9/2"], listed, told)
    assert wanted(made, listed) == {i.symbol for i in (*months[1], *months[2])}
    every = universe(["chain:IO/9"], listed, told)
    assert len(wanted(every, listed)) == 30


def test_a_changed_contract_is_judged_anew() -> None:
    """An expiry that is told later, a product that is corrected."""
    made = universe(["all"], [future("rb2610", 0)], day=DAY)
    made.learn(RB)
    assert key_of(RB) in made.settle()
    assert made.role(key_of(RB)) is Role.NONE and made.expired == 1
    moved = universe(["dominant"], [option("cu2612C1", 1.0)])
    moved.learn(future("cu2612C1"))
    moved.first(first("cu2612C1", 1.0))
    moved.settle()
    assert moved.role("cu2612C1.SHFE") is Role.WANTED


def test_one_symbol_on_two_exchanges_is_two_instruments() -> None:
    """A first tick does not say which, so it counts for both."""
    twins = [Instrument(symbol="000001", exchange=name) for name in ("SSE", "SZSE")]
    made = universe(["exchange:SSE"], twins)
    assert made.role("000001.SSE") is Role.WANTED and made.role("000001.SZSE") is Role.NONE
    assert made.keys("000001") == ["000001.SSE", "000001.SZSE"]


# The oracle: sets and sorting, nothing remembered.

LISTED = [RB, RB_NEXT, AU, SR, CU_CALL, future("cu2612", 20261215), IF, *IO]
TEXTS = [
    "all", "exchange:SHFE", "class:option", "rb2610.SHFE", "product:cu", "pattern:*26*",
    "dominant", "dominant/2", "dominant:rb", "chain:IO/1", "chain:cu/1",
]  # fmt: skip


def oracle(rules: Sequence[Rule], told: dict[str, First]) -> set[str]:
    """What is wanted once everything is known."""
    members: set[str] = set()
    for rule in rules:
        found = [i for i in LISTED if matches(rule, traits_of(i))]
        if rule.kind is Kind.DOMINANT:
            products = {traits_of(i).product for i in found}
            groups = [[i for i in found if traits_of(i).product == name] for name in products]
            ranked = [
                sorted(g, key=lambda i: (-(told[i.symbol].pre_open_interest or 0), i.expiry))
                for g in groups
            ]
            found = [i for group in ranked for i in group[: rule.count]]
        elif rule.kind is Kind.CHAIN and found:
            price = told[found[0].underlying].pre_settlement or 0
            ladder = sorted({i.strike for i in found})
            middle = ladder.index(min(ladder, key=lambda strike: abs(strike - price)))
            near = ladder[max(0, middle - rule.count) : middle + rule.count + 1]
            found = [i for i in found if i.strike in near]
        symbols = {i.symbol for i in found}
        members = members - symbols if rule.removes else members | symbols
    return members


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from(TEXTS)), min_size=1, max_size=5),
    st.permutations(LISTED),
    st.permutations(range(len(LISTED))),
    st.data(),
)
def test_whatever_the_order_in_which_it_is_told_the_end_is_the_same(
    chosen: list[tuple[bool, str]],
    listed: list[Instrument],
    order: list[int],
    data: st.DataObject,
) -> None:
    """Listing and first ticks in any order and in any parts give what the oracle wants."""
    texts = [f"not {t}" if n and removes else t for n, (removes, t) in enumerate(chosen)]
    rules = parse_rules(texts)
    numbers = st.integers(1, 5)
    told = {
        i.symbol: first(i.symbol, data.draw(numbers), None, data.draw(numbers) * 1_000)
        for i in LISTED
    }
    made = Universe(rules, day=20261001)
    steps = [*((n, listed[n]) for n in range(len(listed))), *((n, None) for n in order)]
    cut = data.draw(st.integers(0, len(listed)))
    for n, instrument in [*steps[cut:], *steps[:cut]]:
        if instrument is not None:
            made.learn(instrument)
        else:
            made.first(told[LISTED[n].symbol])
        if data.draw(st.booleans()):
            made.settle()
    made.settle()
    assert wanted(made, LISTED) == oracle(rules, told)
    assert not cast(made, Role.PROBE, LISTED) and not made.undecided()
