"""Coverage: what is counted, and which change is worth an event."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdhub_ingest.gateways.coverage import Coverage, Tally, worth_saying


def coverage(confirmed: int, wanted: int = 1_000, **other: object) -> Coverage:
    return msgspec.convert(
        {"wanted": wanted, "confirmed": confirmed, "by_exchange": {}, **other}, Coverage
    )


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        (None, coverage(0), True),
        (None, coverage(0, 0), False),
        (None, coverage(0, 0, unmatched=["product:RB"]), True),
        (coverage(100), coverage(199), False),
        (coverage(199), coverage(200), True),
        (coverage(999), coverage(1_000), True),
        (coverage(1_000), coverage(999), True),
        (coverage(1_000), coverage(1_000, undecided=["dominant rb.SHFE"]), True),
        (coverage(5), coverage(5, silent=1), True),
        (coverage(5, silent=1), coverage(5, silent=10), False),
        (coverage(5, silent=1), coverage(5, silent=11), True),
        (coverage(5, silent=1), coverage(5), True),
        (coverage(5), coverage(5, over_limit=1), True),
        (coverage(5), coverage(5, unmatched=["class:option"]), True),
        (coverage(5), coverage(5, expired=7, probing=3), False),
    ],
)
def test_an_event_is_worth_its_line(before: Coverage | None, now: Coverage, said: bool) -> None:  # noqa: FBT001 - a table
    """What people act on, not every step."""
    assert worth_saying(before, now) is said


def test_a_market_that_comes_in_is_told_in_a_dozen_events() -> None:
    """25,000 instruments, one after the other."""
    said: Coverage | None = None
    events = 0
    for confirmed in range(25_001):
        now = coverage(confirmed, 25_000)
        if worth_saying(said, now):
            said, events = now, events + 1
    assert events == 11


def test_nothing_new_is_never_worth_saying() -> None:
    """However often it is looked at."""
    for now in (coverage(0), coverage(1_000), coverage(7, silent=500, over_limit=3)):
        assert not worth_saying(now, now)


def test_coverage_is_plain_data() -> None:
    """It becomes the body of an event."""
    body = msgspec.to_builtins(coverage(5, silent_examples=["rb2610.SHFE"]))
    assert body["confirmed"] == 5 and list(body["silent_examples"]) == ["rb2610.SHFE"]


NAMES = ["", "waiting", "queued", "asked", "confirmed", "silent", "probe"]


@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from(NAMES))))
def test_running_counts_are_those_of_a_recount(moves: list[tuple[int, str]]) -> None:
    """Ten instruments on two exchanges change what they count as."""
    tally, now = Tally(), [""] * 10
    for number, name in moves:
        tally.move("AB"[number % 2], now[number], name)
        now[number] = name
    for full in (False, True):
        parts = tally.by_exchange(full=full)
        for exchange, names in (("A", now[::2]), ("B", now[1::2])):
            wanted = sum(name not in {"", "probe"} for name in names)
            assert (exchange in parts) == (wanted > 0)
            if wanted:
                part = parts[exchange]
                assert part.wanted == wanted and part.silent == names.count("silent")
                assert part.asked == wanted - names.count("waiting") - names.count("queued")
                assert part.over_limit == (names.count("waiting") if full else 0)
    assert tally.sum("probe", "silent") == now.count("probe") + now.count("silent")
