"""The generator makes what it says, where it says, and the same again for the same seed."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path
from random import Random

import pytest

import truth
from truth.anomalies import CORRUPTIONS, EXPECTED, Row
from truth.corpus import Label, read_labels, write_corpus
from truth.feeds import FEEDS, Delivery, Feed, as_sent, deliver
from truth.holds import HOLDS, holds
from truth.inject import REPEATS, inject
from truth.outages import with_frozen_feed, with_gaps
from truth.repeats import night_replay
from truth.scripted import CONTRACTS, Script, stream_from
from truth.simulated import simulated
from truth.stream import COLUMNS, SECOND_NS, Contract, Stream, number, stream_of
from truth.traps import TRAPS, traps

EACH = 4


@pytest.fixture(scope="module")
def market() -> Stream:
    return simulated(seed=1, traded_s=40, ticks_per_s=90)


@pytest.fixture(scope="module")
def rows(market: Stream) -> list[Delivery]:
    return deliver(market, FEEDS, 1)


def good_row() -> Row:
    script = Script(CONTRACTS[0], Random(1)).walk(10).trade(0)
    stream = stream_from("one", [script])
    now, before = (stream.cells(fact) for fact in reversed(stream.facts[-2:]))
    return Row(now, before, CONTRACTS[0])


def test_nothing_of_the_proof_imports_the_arbiter() -> None:
    """Judge and judged share no rule."""
    folder = Path(next(iter(truth.__path__)))
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not any(name.startswith("mdhub_") for name in names), path


def test_every_kind_of_the_taxonomy_is_made_somewhere() -> None:
    """A01-A25 without a hole; outages and the night replay have builders of their own."""
    made = {*CORRUPTIONS, *REPEATS, "A03", "A24", "A25"}
    assert sorted(made) == [f"A{n:02}" for n in range(1, 26)] == sorted(EXPECTED)


@pytest.mark.parametrize("kind", sorted(CORRUPTIONS))
def test_a_corruption_changes_a_good_row(kind: str) -> None:
    """Some draw of every kind changes some cell, and only cells the row has."""
    row = good_row()
    drawn = [CORRUPTIONS[kind](row, Random(seed)) for seed in range(20)]
    changed = [cells for cells in drawn if cells and any(row.now[n] != cells[n] for n in cells)]
    assert changed
    assert all(name in row.now for cells in changed for name in cells)


def test_corruptions_break_the_rule_they_are_named_for() -> None:
    """Spot checks: what was made is really wrong."""
    row = good_row()
    for seed in range(50):
        made = {kind: CORRUPTIONS[kind](row, Random(seed)) or {} for kind in CORRUPTIONS}
        assert int(made["A15"]["Volume"]) < int(row.before["Volume"])
        last = float(made["A11"]["LastPrice"])
        assert not float(row.now["LowerLimitPrice"]) <= last <= float(row.now["UpperLimitPrice"])
        assert float(made["A14"]["LastPrice"]) % row.contract.tick != 0
        assert float(made["A19"]["BidPrice1"]) > float(made["A19"]["AskPrice1"])
        assert all(number(text) is None or float(text) > 1e38 for text in made["A09"].values())


def test_a_spike_needs_an_unchanged_volume() -> None:
    """A13 with volume would be a true jump."""
    row = good_row()
    assert any(CORRUPTIONS["A13"](row, Random(seed)) for seed in range(20))
    traded = row._replace(now=row.now | {"Volume": str(row.volume() + 1)})
    assert not any(CORRUPTIONS["A13"](traded, Random(seed)) for seed in range(20))


def test_all_kinds_are_injected_and_labelled(
    market: Stream, rows: list[Delivery], tmp_path: Path
) -> None:
    """As many as asked for, on several exchanges, and every changed row carries its label."""
    bad = inject(market, rows, FEEDS, each=EACH, seed=1)
    corpus = write_corpus(tmp_path, "mixed", market, bad, FEEDS)
    labels = list(read_labels(corpus.labels))
    kinds = Counter(label.kind for label in labels if label.kind in EXPECTED)
    assert kinds == dict.fromkeys([*CORRUPTIONS, *REPEATS], EACH)
    assert len({label.exchange for label in labels if label.kind}) > 4
    lines = corpus.rows.read_text(encoding="utf-8").splitlines()
    assert len(lines) == len(labels) + 1
    times = [int(line.rsplit(",", 1)[1]) for line in lines[1:]]
    assert times == sorted(times) == [label.arrive_ns for label in labels]
    _assert_only_labelled_rows_differ(market, labels, lines)


def _assert_only_labelled_rows_differ(
    market: Stream, labels: list[Label], lines: list[str]
) -> None:
    true_lines = {
        as_sent(market, fact, feed) + f",{feed.name}" for fact in market.facts for feed in FEEDS
    }
    for of, line in zip(labels, lines[1:], strict=True):
        untouched = line.rsplit(",", 1)[0] in true_lines
        assert untouched or not of.true_copy, (of, line)
        assert not untouched or of.true_copy or of.kind == "A06", (of, line)


def test_the_same_seed_makes_the_same_corpus(market: Stream, rows: list[Delivery]) -> None:
    """And another seed another one."""
    first = inject(market, rows, FEEDS, each=EACH, seed=1)
    assert inject(market, rows, FEEDS, each=EACH, seed=1) == first
    assert inject(market, rows, FEEDS, each=EACH, seed=2) != first


def test_a_feed_keeps_the_order_of_the_exchange(market: Stream) -> None:
    """TCP: rows are late or lost, never swapped; loss is about what was asked for."""
    feed = Feed("B", (1, 800), loss=0.1)
    rows = deliver(market, (feed,), 1)
    assert [row.fact for row in rows] == sorted(row.fact for row in rows)
    assert 0.85 < len(rows) / len(market.facts) < 0.95
    assert all(row.arrive_ns > market.facts[row.fact].made_ns for row in rows)


def test_another_front_fills_fields_differently() -> None:
    """CZCE: turnover by another formula, no average, no trading day; no exchange, one level."""
    czce = next(c for c in CONTRACTS if c.exchange == "CZCE")
    stream = stream_from("one", [Script(czce, Random(1)).walk(3)])
    plain, other = (
        dict(zip(stream.columns, as_sent(stream, stream.facts[-1], feed).split(","), strict=True))
        for feed in (FEEDS[0], FEEDS[1])
    )
    assert float(other["Turnover"]) == float(plain["Turnover"]) * czce.multiplier
    assert (other["AveragePrice"], other["ExchangeID"], other["TradingDay"]) == ("", "", "")
    assert other["LastPrice"] == plain["LastPrice"]


def line_of(**cells: str) -> str:
    return ",".join(cells.get(name, "1") for name in COLUMNS)


def test_repeats_and_closing_rows_share_a_snapshot_number() -> None:
    """An adjacent repeat is no new fact, nor is a row that only fills the settlement price."""
    day = {"TradingDay": "20181009", "ActionDay": "20181008", "InstrumentID": "ru1901",
           "ExchangeID": "SHFE", "UpdateTime": "21:00:00", "UpdateMillisec": "0"}  # fmt: skip
    lines = [
        line_of(**day, Volume="2"),
        line_of(**day, Volume="2"),
        line_of(**day, Volume="2", SettlementPrice="7"),
        line_of(**(day | {"UpdateMillisec": "500"}), Volume="2"),
    ]
    contracts = {"ru1901": Contract("ru1901", "SHFE", "ru", 10, 5.0)}
    facts = stream_of("x", COLUMNS, lines, contracts).facts
    assert [(f.role, f.snapshot) for f in facts] == [
        ("tick", 0), ("repeat", 0), ("closing", 0), ("tick", 1),
    ]  # fmt: skip
    assert facts[0].day == 20181009
    assert facts[3].made_ns - facts[0].made_ns == SECOND_NS // 2


def test_a_night_is_replayed_in_the_morning() -> None:
    """A03: all its rows of the first feed, from 08:30 on."""
    script = Script(CONTRACTS[0], Random(1), "20261124")
    script.at("21:00:00").at_ns -= 86_400 * SECOND_NS
    script.walk(20)
    script.at("09:00:00").walk(20)
    stream = stream_from("night", [script])
    rows = deliver(stream, (Feed("A", (1, 1)),), 1)
    again = night_replay(stream, rows)
    assert [row.fact for row in again] == list(range(20))
    assert all(row.arrive_ns < script.facts[20].made_ns for row in again)


def test_outages_hit_one_feed_at_a_time(market: Stream, rows: list[Delivery]) -> None:
    """A24 takes rows of one feed away; A25 has it repeat its last ones instead."""
    torn, outages = with_gaps(market, rows, amount=3, seed=1)
    assert outages and len(torn) < len(rows)
    for outage in outages:
        assert 5 <= (outage.end_ns - outage.start_ns) / SECOND_NS <= 60
        inside = {r.feed for r in torn if outage.start_ns <= r.arrive_ns < outage.end_ns}
        assert outage.feed not in inside and inside
    frozen, outages = with_frozen_feed(market, rows, amount=3, seed=1)
    stuck = [row for row in frozen if row.kind == "A25"]
    assert stuck and {row.feed for row in stuck} <= {outage.feed for outage in outages}


def test_every_trap_and_hold_has_rows() -> None:
    """None is an empty promise."""
    tags = Counter(fact.tag for fact in traps(each=20, seed=1).facts)
    assert {f"trap {name}" for name in TRAPS} == set(tags) - {""}
    assert min(tags.values()) >= 20
    held = Counter((f.tag, f.symbol) for f in holds(contracts=10, seed=1).facts if f.tag)
    assert {f"hold {name}" for name in HOLDS} == {tag for tag, _ in held}
    assert set(held.values()) == {20}
