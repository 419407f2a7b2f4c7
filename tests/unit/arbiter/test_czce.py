"""CZCE: several snapshots share one second, so place in the second's sequence is identity.

What the rule must give up, because no rule could tell it from the bytes, is shown here too.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdhub_arbiter.identity import KEPT_OF_A_SECOND
from tests.unit.arbiter.builders import Desk


class Second:
    """One second of MA701; snapshots are letters, each letter a book."""

    def __init__(self) -> None:
        self.desk = Desk()
        self.emitted = ""

    def send(
        self,
        source: str,
        letters: str,
        *,
        volume: int = 100,
        session: int = 1,
        time: str = "10:00:00",
    ) -> Second:
        for letter in letters:
            found = self.desk.says(
                time, source=source, session=session, volume=volume, symbol="MA701",
                exchange="CZCE", bids=[(float(ord(letter)), 1)],
            )  # fmt: skip
            if found == "clean":
                self.emitted += letter
        return self


def test_several_snapshots_of_one_second_are_all_accepted() -> None:
    """Time alone would lose 30 % of CZCE's rows."""
    assert Second().send("A", "abcd").send("B", "abcd").emitted == "abcd"


def test_a_book_that_returns_is_a_snapshot_again() -> None:
    """A-B-A: a small order came and went."""
    assert Second().send("A", "aba").send("B", "aba").emitted == "aba"
    assert Second().send("A", "a").send("B", "aba").send("A", "ba").emitted == "aba"


def test_a_replay_of_the_newest_second_is_late() -> None:
    """In the morning a front sends the night again: its last second is no book that came back."""
    second = Second().send("A", "ab")
    second.desk.at("2026-11-18 10:45:00")
    assert second.send("B", "ba").emitted == "ab"
    assert second.desk.state.sources["B"].late == 1


def test_a_feed_that_lags_by_minutes_keeps_every_snapshot_of_a_second() -> None:
    """A backlog at a front, or a file played as fast as it goes, is no replay."""
    second = Second()
    second.desk.at("2026-11-18 10:15:00")
    assert second.send("A", "abcd").emitted == "abcd"


def test_repeats_are_dropped() -> None:
    """Fronts push the last row of a contract again."""
    assert Second().send("A", "aab").send("B", "aabbb").send("A", "b").emitted == "ab"


def test_a_source_that_lost_one_in_the_middle_adds_nothing() -> None:
    """Skipping ahead in the emitted sequence is no news, before or after the other source."""
    assert Second().send("A", "abc").send("B", "ac").emitted == "abc"
    assert Second().send("A", "ab").send("B", "ac").send("A", "c").emitted == "abc"
    assert (
        Second().send("A", "ab").send("B", "acd").send("A", "cd").send("B", "dd").emitted == "abcd"
    )


def test_a_source_that_comes_late_adds_nothing() -> None:
    """A source whose first row of the second is not the first."""
    assert Second().send("A", "ab").send("B", "c").send("A", "c").send("B", "c").emitted == "abc"


def test_a_reconnected_source_repeats_its_last_row() -> None:
    """A new session begins anew in the second's sequence."""
    second = Second().send("A", "abc").send("A", "c", session=2).send("A", "d", session=2)
    assert second.send("B", "abcd").send("A", "a", session=3).emitted == "abcd"


def test_a_row_with_less_volume_came_too_late() -> None:
    """Volume tells the order within the second."""
    second = Second().send("A", "a").send("A", "b", volume=110)
    assert (
        second.desk.says("10:00:00", symbol="MA701", exchange="", source="B", volume=105) == "late"
    )
    assert second.send("B", "b", volume=110).emitted == "ab"


def test_a_new_second_begins_anew() -> None:
    """The same book in the next second is news."""
    second = Second().send("A", "ab").send("A", "b", time="10:00:01").send("B", "b")
    assert second.send("B", "b", time="10:00:01").emitted == "abb"


def test_more_snapshots_than_are_remembered() -> None:
    """Only the newest 16 of a second are held; a source that follows within them adds nothing."""
    second = Second()
    letters = "abcdefghijklmnopqrstuvwxyz"
    for letter in letters:
        second.send("A", letter).send("B", letter)
    instrument = second.desk.state.instruments["MA701"]

    assert second.emitted == letters
    assert len(instrument.second) == KEPT_OF_A_SECOND
    assert second.send("C", letters[-KEPT_OF_A_SECOND:]).emitted == letters


@dataclass
class Delivery:
    """Who sends which snapshot (by index), in what order."""

    made: str
    sent: list[tuple[str, int]] = field(default_factory=list)

    def play(self, volumes: list[int]) -> str:
        second = Second()
        for source, i in self.sent:
            second.send(source, self.made[i], volume=volumes[i])
        return second.emitted


def _lag(draw: st.DrawFn, delivery: Delivery, pending: dict[str, list[int]], source: str) -> None:
    """Let a source send some of what it has not sent yet, or its last row again."""
    for _ in range(draw(st.integers(0, len(pending[source])))):
        _send(draw, delivery, source, pending[source].pop(0))


def _send(draw: st.DrawFn, delivery: Delivery, source: str, i: int) -> None:
    for _ in range(1 + draw(st.sampled_from([0, 0, 0, 1, 2]))):
        delivery.sent.append((source, i))


@st.composite
def deliveries(
    draw: st.DrawFn, *, letters: st.SearchStrategy[str], loss: bool, sources: str = "AB"
) -> Delivery:
    """Sources deliver one sequence; someone delivers each snapshot before its successor."""
    delivery = Delivery(draw(letters))
    pending: dict[str, list[int]] = {source: [] for source in sources}
    for i in range(len(delivery.made)):
        having = draw(st.sets(st.sampled_from(sources), min_size=1)) if loss else set(sources)
        first = draw(st.sampled_from(sorted(having)))
        for source in sources:
            if source != first:
                _lag(draw, delivery, pending, source)
        while pending[first]:
            _send(draw, delivery, first, pending[first].pop(0))
        _send(draw, delivery, first, i)
        for source in having - {first}:
            pending[source].append(i)
    for source in sources:
        while pending[source]:
            _send(draw, delivery, source, pending[source].pop(0))
    return delivery


def _without_repeats(text: str) -> bool:
    return all(a != b for a, b in pairwise(text))


DISTINCT = st.permutations("abcdefgh").flatmap(
    lambda letters: st.integers(1, 8).map(lambda n: "".join(letters[:n]))
)
RETURNING = st.text("abc", min_size=1, max_size=8).filter(_without_repeats)
GROWTH = st.lists(st.sampled_from([0, 0, 1]), min_size=8, max_size=8)


def volumes(growth: list[int]) -> list[int]:
    return [100 + sum(growth[: i + 1]) for i in range(len(growth))]


@settings(deadline=None)
@given(deliveries(letters=DISTINCT, loss=True), GROWTH)
def test_two_lossy_sources_give_every_distinct_snapshot_once(
    delivery: Delivery, growth: list[int]
) -> None:
    """Random losses, lags and repeats: what anybody delivered in time is emitted once, in order."""
    assert delivery.play(volumes(growth)) == delivery.made


@settings(deadline=None)
@given(deliveries(letters=DISTINCT, loss=True, sources="ABC"), GROWTH)
def test_three_lossy_sources_give_every_distinct_snapshot_once(
    delivery: Delivery, growth: list[int]
) -> None:
    """The rule does not depend on there being two sources."""
    assert delivery.play(volumes(growth)) == delivery.made


@settings(deadline=None)
@given(deliveries(letters=RETURNING, loss=False), GROWTH)
def test_two_lossless_sources_give_returning_books_once(
    delivery: Delivery, growth: list[int]
) -> None:
    """Without loss even a book that comes back is emitted each time it was made."""
    assert delivery.play(volumes(growth)) == delivery.made


@settings(deadline=None)
@given(deliveries(letters=RETURNING.map(lambda letters: letters[:4]), loss=True))
def test_losses_among_returning_books_never_double(delivery: Delivery) -> None:
    """Of up to four snapshots a second a returning one may be missed or late, none is doubled."""
    emitted = delivery.play([100] * len(delivery.made))
    assert Counter(emitted) <= Counter(delivery.made)


@settings(deadline=None)
@given(st.data(), DISTINCT)
def test_sources_that_overtake_each_other_never_double(data: st.DataObject, made: str) -> None:
    """Whatever the lags, a snapshot sent once by each of two lossy sources is emitted once."""
    queues = {s: [x for x in made if data.draw(st.booleans())] for s in "AB"}
    second = Second()
    while any(queues.values()):
        source = data.draw(st.sampled_from([s for s in "AB" if queues[s]]))
        second.send(source, queues[source].pop(0))
    assert len(set(second.emitted)) == len(second.emitted)


@pytest.mark.parametrize(
    ("sent", "emitted", "made"),
    [
        # B missed the change and the return looks like a repeat of the row before it.
        ([("A", "ab"), ("B", "a"), ("B", "a")], "ab", "aba"),
        # B was silent so far: a late copy of the first row would look the same.
        ([("A", "ab"), ("B", "a")], "ab", "aba"),
        # B lost b and was first with c; when b returns it looks like b delivered late.
        ([("A", "ab"), ("B", "acb")], "abc", "abcb"),
    ],
)
def test_given_up_returns_seen_first_by_a_source_that_missed_something(
    sent: list[tuple[str, str]], emitted: str, made: str
) -> None:
    """A returning book is missed if the first to deliver it had missed what it returns from."""
    second = Second()
    for source, letters in sent:
        second.send(source, letters)
    assert (second.emitted, made.startswith(emitted)) == (emitted, True)


def test_given_up_the_order_of_a_return_that_was_missed() -> None:
    """What was taken for an old copy may still come from the other source, after its successor."""
    assert (
        Second().send("A", "a").send("B", "aba").send("A", "bc").send("B", "b").emitted == "abacb"
    )


def test_given_up_a_double_in_the_wake_of_a_missed_return() -> None:
    """Five in a second, two losses: B's late b is taken for the last one, and its c for new."""
    second = Second().send("B", "ba").send("A", "bcb").send("B", "bc")
    assert (second.emitted, "made: babcb") == ("bacbc", "made: babcb")


def test_given_up_old_rows_pushed_again() -> None:
    """A late repeat of a row that is not the last one looks like a book that returned."""
    assert Second().send("A", "ab").send("A", "a").emitted == "aba"


def test_given_up_the_order_of_what_comes_after_its_successor() -> None:
    """A lost b; B delivers it after A's c: it is passed on late rather than lost."""
    assert Second().send("A", "ac").send("B", "abbc").emitted == "acb"
