"""One contract as it is followed: verdicts as they come, prices once each, bounds."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from mdhub.streams.port import Entry
from mdhub.streams.topology import CLEAN, RAW, REJECTED
from mdhub.wire.entries import Verdict
from mdhub_console.live.tape import Tape
from mdhub_console.pages.formats import DASH, price
from mdhub_console.pages.instrument_model import instrument_of
from mdhub_console.pages.looking import look
from tests.support.console_market import SYMBOL, Market, clean_of, tick_of
from tests.support.console_scene import fine, live_of


def feed(tape: Tape, market: Market) -> None:
    """Everything the log has; the tape passes over what it has had."""
    log = market.server.log("console")
    tape.take(
        raw=log.entries(RAW), decided=log.positions(0).raw, clean=log.entries(CLEAN),
        rejected=log.entries(REJECTED),
    )  # fmt: skip


def verdicts(tape: Tape) -> dict[str, str]:
    return {row.tick.source: row.verdict for row in tape.look().sources}


def test_a_verdict_comes_when_the_arbiter_has_come_so_far() -> None:
    """Until then it is undecided; one without an entry is a duplicate."""
    market, tape = Market(), Tape(SYMBOL, "SHFE", 0)
    first = tick_of("A", 0, market.now_ns)
    raw_id = market.raw(first)
    market.accept(raw_id, clean_of(first))
    market.raw(tick_of("B", 0, market.now_ns))
    refused = replace(first, source="C", last=9.0)
    market.refuse(market.raw(refused), refused, Verdict.REJECT, "conflict")
    market.raw(tick_of("D", 0, market.now_ns), decide=False)
    feed(tape, market)
    assert verdicts(tape) == {"A": "accept", "B": "duplicate", "C": "reject", "D": "undecided"}
    assert tape.look().differs == ["last"]
    market.raw(tick_of("A", 1, market.now_ns))
    feed(tape, market)
    assert verdicts(tape)["D"] == "duplicate"


def test_a_source_that_went_quiet_keeps_its_verdict() -> None:
    """Also when the price it was judged by has made room for newer ones."""
    market, tape = Market(), Tape(SYMBOL, "", 0)
    for step in range(2_101):
        tick = tick_of("A" if step == 0 else "B", step, market.now_ns)
        market.accept(market.raw(tick), clean_of(tick))
    log = market.server.log("console")
    raw, clean = log.entries(RAW, count=5_000), log.entries(CLEAN, count=5_000)
    for at in (1, 1_000, 2_101):
        tape.take(raw=raw[:at], clean=clean[:at], decided=raw[at - 1][0])
    assert verdicts(tape) == {"A": "accept", "B": "accept"}
    assert len(tape.dots()) == 2_000


def test_a_price_comes_once_and_nothing_is_left_out_behind_an_id() -> None:
    """Clean and refused ones come together, in the order of raw, whenever they were read."""
    market, tape = Market(), Tape(SYMBOL, "", 0)
    got: list[str] = []
    for step in range(40):
        tick = tick_of("A", step, market.now_ns)
        raw_id = market.raw(tick, decide=step % 3 == 0)
        if step % 4 == 1:
            market.refuse(raw_id, tick, Verdict.HOLD, "off_grid")
        else:
            market.accept(raw_id, clean_of(tick))
        feed(tape, market)
        feed(tape, market)
        got += [dot.id for dot in tape.dots(got[-1] if got else "")]
    assert got == [dot.id for dot in tape.dots()]
    assert len(got) == len(set(got)) == 40


def test_late_ticks_are_no_marks_in_the_chart() -> None:
    """They are older than what is drawn."""
    market, tape = Market(), Tape(SYMBOL, "", 0)
    tick = tick_of("A", 0, market.now_ns)
    market.refuse(market.raw(tick), tick, Verdict.LATE, "late")
    feed(tape, market)
    assert tape.dots() == []
    assert [row.verdict for row in tape.look().rejected] == ["late"]


def test_strange_entries_and_other_contracts_are_passed_over() -> None:
    """A payload that cannot be read, a contract whose name holds this one's."""
    market, tape = Market(), Tape(SYMBOL, "", 0)
    other = replace(tick_of("A", 0, market.now_ns), symbol=f"{SYMBOL}C3500")
    market.accept(market.raw(other), clean_of(other))
    odd: list[Entry] = [(b"1-0", [b"t", b"\xc1" + SYMBOL.encode()])]
    tape.take(raw=odd, decided=b"1-0")
    feed(tape, market)
    assert tape.look().sources == []
    assert tape.look().clean is None


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [(3512.0, 0, "3512"), (3512.3, 0, "3512.3"), (81.5, 2, "81.50"), (1.797e308, 0, DASH),
     (None, 1, DASH), (-3.0, 0, "-3"), (float("nan"), 0, DASH)],
)  # fmt: skip
def test_a_price_keeps_the_places_that_do_not_fit(value: float, places: int, text: str) -> None:
    """They may be the fault that one looks for; DBL_MAX and NaN are no price."""
    assert price(value, places) == text


def test_names_of_sources_are_bounded() -> None:
    """A gateway that takes a new name with every tick fills nothing."""
    market, tape = Market(), Tape(SYMBOL, "", 0)
    for number in range(70):
        market.raw(tick_of(f"S{number:02}", number, market.now_ns))
        feed(tape, market)
    assert len(tape.look().sources) == 64
    assert tape.sources_over >= 6


def test_the_page_marks_what_one_source_alone_says() -> None:
    """Two agree, one does not: its cell is odd; "no value" in two spellings is no difference."""
    market, tape = Market(), Tape(SYMBOL, "", 0)
    for source in "AB":
        market.raw(tick_of(source, 0, market.now_ns, settlement=None))
    market.raw(tick_of("C", 0, market.now_ns, last=700.3))
    feed(tape, market)
    sight = look(live_of(fine()))
    lines = {line.field: line for line in instrument_of(sight, tape.look(), None, SYMBOL)["lines"]}
    assert [cell.odd for cell in lines["last"].cells] == [False, False, True]
    assert lines["last"].cells[2].text == "700.3"
    assert not lines["settlement"].differs
