"""Canaries and limits that accounts ask for, in place of those that the monitor learns."""

from __future__ import annotations

from mdhub.calendar import Calendar, Phase
from mdhub.health.watched import NOTE, Watched, encode_watched
from mdhub.streams.memory import MemoryServer
from mdhub_monitor.asked import NOTHING, asked_of
from mdhub_monitor.canaries import choose_canaries
from mdhub_monitor.facts import Contract, Facts, Feed, Product, SourceSeen
from mdhub_monitor.hours import Hours, Stretch
from mdhub_monitor.learn import Habit
from mdhub_monitor.probes import read_asked
from mdhub_monitor.rules.asked import asked_problems
from mdhub_monitor.rules.canaries import canary_problems
from mdhub_monitor.rules.sources import Standing
from mdhub_monitor.rules.view import View

SECOND_NS = 1_000_000_000
NOW_NS = 10_000 * SECOND_NS
DAY = 20261123


def market(*wishes: Watched, ages_s: dict[str, dict[str, float]]) -> View:
    """Contracts of SHFE, each with the age of what each source said of it; nothing is learned."""
    facts = Facts(Hours(Calendar.load()))
    facts.asked = asked_of(wishes)
    facts.clock(0).market_ns = NOW_NS
    for symbol, feeds in ages_s.items():
        name = f"SHFE.{symbol.rstrip('0123456789')}"
        product = facts.products.setdefault(name, Product(name))
        product.stretch = Stretch(Phase.CONTINUOUS, 0, 2 * NOW_NS, DAY)
        contract = facts.contracts[symbol] = Contract(symbol, product, 0, Habit())
        contract.day = DAY
        for source, age_s in feeds.items():
            facts.sources.setdefault(source, SourceSeen(source))
            feed = contract.feeds[source] = Feed(0)
            feed.fresh_ns = NOW_NS - int(age_s * SECOND_NS)
            contract.fresh_ns = max(contract.fresh_ns, feed.fresh_ns)
    choose_canaries(facts)
    return View(facts, {})


def said(view: View, **standings: Standing) -> list[str]:
    """Findings as `subject after limit`."""
    known = {name: Standing(name) for name in view.facts.sources} | standings
    problems = [*canary_problems(view, {}), *asked_problems(view, known, {}, frozenset())]
    return [f"{each.subject} after {each.facts['limit_ms']}" for each in problems]


def test_a_contract_that_an_account_names_is_a_canary_beside_the_chosen_one() -> None:
    """However quiet it is, and until nobody asks for it any more."""
    view = market(
        Watched("A", ("rb2705.SHFE",)), ages_s={"rb2701": {"A": 1}, "rb2705": {"A": 1}}
    )  # fmt: skip
    view.facts.contracts["rb2701"].score = 9.0
    choose_canaries(view.facts)
    product = view.facts.products["SHFE.rb"]
    assert [each.symbol for each in product.canaries] == ["rb2701", "rb2705"]
    view.facts.asked = NOTHING
    choose_canaries(view.facts)
    assert [each.symbol for each in product.canaries] == ["rb2701"]


def test_an_option_that_nobody_asks_for_any_more_is_no_canary() -> None:
    """It is none by itself."""
    view = market(Watched("A", ("cu2701C90000.SHFE",)), ages_s={})
    product = view.facts.products["SHFE.cu_o"] = Product("SHFE.cu_o")
    product.stretch = Stretch(Phase.CONTINUOUS, 0, 2 * NOW_NS, DAY)
    contract = Contract("cu2701C90000", product, 0, Habit())
    contract.day = DAY
    view.facts.contracts[contract.symbol] = contract
    choose_canaries(view.facts)
    assert product.canaries == [contract]
    view.facts.asked = NOTHING
    choose_canaries(view.facts)
    assert product.canaries == []


def test_a_limit_that_was_given_counts_in_place_of_the_learned_one() -> None:
    """The source that is beyond it is named; the other, without a wish, is not."""
    wish = Watched("A", (), {"rb2701.SHFE": 3_000})
    assert said(market(wish, ages_s={"rb2701": {"A": 2.9, "B": 0.1}})) == []
    late = market(wish, ages_s={"rb2701": {"A": 3.1, "B": 0.1}})
    assert said(late) == ["A/rb2701.SHFE after 3000"]


def test_each_account_has_its_own_limit() -> None:
    """The shortest one says when the contract itself is silent."""
    wishes = (Watched("A", (), {"rb2701.SHFE": 3_000}), Watched("B", (), {"rb2701.SHFE": 9_000}))
    view = market(*wishes, ages_s={"rb2701": {"A": 0.1, "B": 8.0}})
    assert said(view) == []
    silent = market(*wishes, ages_s={"rb2701": {"A": 3.5, "B": 9.5}})
    assert said(silent) == ["rb2701.SHFE after 3000"]


def test_a_source_that_never_delivers_what_it_must_is_named() -> None:
    """Since the session began; without a limit of its own after the one that is learned."""
    wish = Watched("A", ("rb2701.SHFE",))
    view = market(wish, ages_s={"rb2701": {"B": 0.1}, "cu2701": {"A": 0.1}})
    assert said(view) == ["A/rb2701.SHFE after 5000"]


def test_what_a_larger_finding_says_is_not_said_again() -> None:
    """A source in trouble, behind on the contract, unwanted or never heard."""
    view = market(Watched("A", (), {"rb2701.SHFE": 3_000}), ages_s={"rb2701": {"A": 9, "B": 0}})
    assert said(view, A=Standing("A", "silent")) == []
    assert said(view, A=Standing("A", "", ("rb2701.SHFE",))) == []
    assert list(asked_problems(view, {}, {}, frozenset())) == []
    assert list(asked_problems(view, {"A": Standing("A")}, {}, frozenset({"A"}))) == []
    assert list(asked_problems(view, {"A": Standing("A")}, {"": 9}, frozenset())) == []


def test_the_note_of_the_supervisors_is_read_and_nonsense_changes_nothing() -> None:
    """No note: nobody asks for anything."""
    log = MemoryServer().log("monitor")
    assert read_asked(log, NOTHING) == NOTHING
    log.save_note(NOTE, encode_watched([Watched("A", ("rb2701.SHFE",), {"IF2612.CFFEX": 900})]))
    asked = read_asked(log, NOTHING)
    assert asked.sources == {"rb2701.SHFE": ("A",), "IF2612.CFFEX": ("A",)}
    assert asked.limits_ms == {"IF2612.CFFEX": 900}
    log.save_note(NOTE, b"\xc1")
    assert read_asked(log, asked) == asked
