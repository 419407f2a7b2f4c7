"""Rules of subscription: how they are written, what they mean, what is said of wrong ones."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdhub_ingest.gateways import rules as rules_module
from mdhub_ingest.gateways.port import Instrument
from mdhub_ingest.gateways.rules import Kind, RuleError, matches, parse_rules, traits_of
from tests.unit.ingest.gateways.listings import CU_CALL, ETF_CALL, MIXED, RB, SPREAD, future, option


def meant(text: str) -> set[str]:
    """Symbols of MIXED that a rule means."""
    (rule,) = parse_rules([text])
    return {i.symbol for i in MIXED if matches(rule, traits_of(i))}


@pytest.mark.parametrize(
    ("text", "symbols"),
    [
        ("all", {i.symbol for i in MIXED}),
        ("exchange:SHFE", {"rb2610", "rb2701", "au2612", "cu2612C80000"}),
        ("product:rb", {"rb2610", "rb2701"}),
        ("product:rb.SHFE", {"rb2610", "rb2701"}),
        ("product:rb.DCE", set()),
        ("product:RB", set()),
        ("product:cu", {"cu2612C80000"}),
        ("product:cu_o", {"cu2612C80000"}),
        ("product:a", {"SP a2611&a2701"}),
        ("product:510300", {"10007777"}),
        ("product:ETF_O", {"10007777"}),
        ("class:future", {"rb2610", "rb2701", "au2612", "SR611"}),
        ("class:option", {"cu2612C80000", "10007777"}),
        ("class:combination", {"SP a2611&a2701"}),
        ("pattern:rb26*.SHFE", {"rb2610"}),
        ("pattern:*2612*", {"au2612", "cu2612C80000"}),
        ("pattern:RB*", set()),
        ("rb2610.SHFE", {"rb2610"}),
        ("rb2610.DCE", set()),
        ("SP a2611&a2701.DCE", {"SP a2611&a2701"}),
        ("dominant", {"rb2610", "rb2701", "au2612", "SR611"}),
        ("dominant:SR", {"SR611"}),
        ("chain:cu/5", {"cu2612C80000"}),
        ("chain:510300/5", {"10007777"}),
    ],
)
def test_a_rule_means(text: str, symbols: set[str]) -> None:
    """`dominant` and `chain` mean what they choose from."""
    assert meant(text) == symbols


def test_numbers_of_a_rule_are_read() -> None:
    """Contracts per product, strikes to each side, expiries."""
    dominant, second, named, chain, near = parse_rules([
        "dominant", "dominant/2", "dominant:rb.SHFE/3", "chain:IO/5", " not  chain:IO/5/2 ",
    ])  # fmt: skip
    assert (dominant.kind, dominant.name, dominant.count) == (Kind.DOMINANT, "", 1)
    assert (second.name, second.count) == ("", 2)
    assert (named.name, named.exchange, named.count) == ("rb", "SHFE", 3)
    assert (chain.name, chain.count, chain.expiries) == ("IO", 5, 0)
    assert (near.removes, near.count, near.expiries) == (True, 5, 2)


def test_an_instrument_a_gateway_says_little_of_is_placed_by_its_spelling() -> None:
    """Exchange, class and product follow from the symbol."""
    bare = [Instrument(symbol=s, exchange="") for s in ("rb2610", "IO2612-C-4000", "QQQ-USD")]
    traits = [traits_of(instrument) for instrument in bare]
    assert [(t.full, t.product, t.kind) for t in traits] == [
        ("rb2610.SHFE", "rb", "future"),
        ("IO2612-C-4000.CFFEX", "IO", "option"),
        ("QQQ-USD.", "", ""),
    ]


def test_trading_at_settlement_is_no_future() -> None:
    """It would be the dominant of nothing."""
    assert traits_of(Instrument(symbol="cu2612TAS", exchange="SHFE")).kind == ""


@pytest.mark.parametrize(
    ("text", "position", "found", "expected"),
    [
        ("", 1, "nothing", "all, exchange:X"),
        ("dominat:rb", 1, "'dominat'", "dominant:X"),
        ("exchange:shfe", 10, "'shfe'", "capitals"),
        ("exchange:", 10, "nothing", "capitals"),
        ("product:", 9, "nothing", "rb.SHFE"),
        ("product:rb.", 12, "nothing", "capitals"),
        ("product:rb*", 9, "'rb*'", "a product"),
        ("class:futures", 7, "'futures'", "future, option or combination"),
        ("pattern:", 9, "nothing", "rb26*.SHFE"),
        ("dominant:rb/0", 13, "'0'", "from 1 to 1000"),
        ("dominant:rb/x", 13, "'x'", "from 1 to 1000"),
        ("dominant:rb/1/2", 14, "'/2'", "nothing after N"),
        ("dominant/", 10, "nothing", "from 1 to 1000"),
        ("chain:IO", 9, "nothing", "chain:IO/5"),
        ("chain:IO/5/2/1", 13, "'/1'", "nothing after N or N/EXPIRIES"),
        ("chain:/5", 7, "nothing", "a product"),
        ("rb2610", 1, "'rb2610'", "'rb2610.SHFE'"),
        (".SHFE", 1, "'.SHFE'", "a symbol before the dot"),
        ("rb2610.shfe", 8, "'shfe'", "capitals"),
        ("not", 4, "nothing", "all, exchange:X"),
        ("not not all", 5, "'not all'", "all, exchange:X"),
        ("ALL", 1, "'ALL'", "all, exchange:X"),
    ],
)  # fmt: skip
def test_a_wrong_rule_is_named_with_its_place(
    text: str, position: int, found: str, expected: str
) -> None:
    """Text, position, what was found and what was expected."""
    with pytest.raises(RuleError) as caught:
        parse_rules(["all", text])
    (problem,) = caught.value.problems
    assert (problem.number, problem.text, problem.position) == (2, text, position)
    assert problem.found == found and expected in problem.expected
    assert repr(text) in str(caught.value)


def test_all_problems_are_named_at_once() -> None:
    """Whoever wrote the rules mends them in one go."""
    with pytest.raises(RuleError, match=r"rule 1 .*rule 3 .*") as caught:
        parse_rules(["clas:future", "all", "class:futures"])
    assert [problem.number for problem in caught.value.problems] == [1, 3]


@pytest.mark.parametrize("texts", [[], ["not all"]])
def test_rules_that_could_mean_nothing_are_refused(texts: list[str]) -> None:
    """An empty list, and a list that begins by taking away."""
    with pytest.raises(RuleError, match="'all'"):
        parse_rules(texts)


def test_the_grammar_that_is_shown_is_the_one_that_is_read() -> None:
    """Every example in the module's text can be parsed, and every kind has one."""
    lines = (rules_module.__doc__ or "").splitlines()
    table = [line[4:25].strip() for line in lines if line.startswith("    ")]
    examples = [text for text in table[1:] if text and text != "not RULE"]
    assert {rule.kind for rule in parse_rules(examples)} == set(Kind)


@given(st.lists(st.text(max_size=20) | st.sampled_from(["all", "not all", "dominant/2"])))
def test_any_text_is_a_rule_or_a_named_problem(texts: list[str]) -> None:
    """Nothing else than RuleError; positions lie in the text or just behind it."""
    try:
        rules = parse_rules(texts)
    except RuleError as error:
        for problem in error.problems:
            assert 1 <= problem.position <= len(problem.text) + 1
    else:
        assert [rule.text for rule in rules] == texts
        assert all(matches(rule, traits_of(RB)) in {True, False} for rule in rules)


@given(st.text("ab26*?[]!.SHFE", min_size=1, max_size=12), st.text("ab26", min_size=1))
def test_patterns_are_those_of_the_shell(pattern: str, symbol: str) -> None:
    """Compared with the standard library, case as sent."""
    (rule,) = parse_rules([f"pattern:{pattern}"])
    listed = Instrument(symbol=symbol, exchange="SHFE")
    assert matches(rule, traits_of(listed)) == fnmatchcase(f"{symbol}.SHFE", pattern)


def test_options_are_known_by_strike_or_side_whatever_their_class() -> None:
    """SOPT numbers classes in its own way."""
    odd = Instrument(symbol="x", exchange="SSE", product_class="7", strike=4.0)
    assert {traits_of(i).kind for i in (odd, CU_CALL, ETF_CALL)} == {"option"}
    assert traits_of(SPREAD).kind == "combination"
    assert traits_of(option("m2611-P-3000", 3000, call=False)).product == "m"
    assert traits_of(future("m2611")).products == ("m",)
