"""What is done about a sick source."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from mdhub_monitor.act import (
    ATTEMPTS,
    FORGIVEN_NS,
    HOUR_NS,
    PAUSE_NS,
    RESTART_AFTER_NS,
    WELL_NS,
    Healer,
    Orders,
)
from mdhub_monitor.rules.sources import Standing

SECOND_NS = 1_000_000_000
SICK = {"A": Standing("A", "silent", ("rb", "m"), 5), "B": Standing("B")}
WELL = {"A": Standing("A"), "B": Standing("B")}


def look(healer: Healer, standings: dict[str, Standing], now_ns: int) -> Orders:
    return healer.look(standings, now_ns, all_silent=False)


def test_a_sick_source_is_down_at_once_and_restarted_a_moment_later() -> None:
    """The verdict does not wait; the login of a new process does."""
    healer = Healer()
    orders = look(healer, SICK, SECOND_NS)
    assert set(orders.down) == {"A"}
    assert orders.restart == ()
    orders = look(healer, SICK, SECOND_NS + RESTART_AFTER_NS)
    assert [name for name, _ in orders.restart] == ["A"]
    assert orders.done == {"source_silent:A": "restarted"}
    assert look(healer, SICK, 2 * SECOND_NS + RESTART_AFTER_NS).restart == ()


def test_a_source_is_up_after_it_has_been_well_for_a_while() -> None:
    """Not with the first tick."""
    healer = Healer()
    look(healer, SICK, SECOND_NS)
    assert set(look(healer, WELL, 2 * SECOND_NS).down) == {"A"}
    assert look(healer, WELL, 2 * SECOND_NS + WELL_NS).down == {}


def test_after_some_attempts_it_is_left_alone_until_it_has_been_well_for_long() -> None:
    """Quarantine: the pauses double, then no more restarts."""
    healer, restarts, now_ns = Healer(), [], SECOND_NS
    while now_ns < HOUR_NS:
        restarts += [now_ns for _ in look(healer, SICK, now_ns).restart]
        now_ns += SECOND_NS
    pauses = [b - a for a, b in pairwise(restarts)]
    assert len(restarts) == ATTEMPTS
    assert pauses == [PAUSE_NS, 2 * PAUSE_NS]
    assert look(healer, SICK, now_ns).quarantined == {"A"}
    look(healer, WELL, now_ns)
    assert look(healer, WELL, now_ns + FORGIVEN_NS).quarantined == set()


def test_with_all_sources_silent_nothing_is_restarted() -> None:
    """Nor is anybody called down anew."""
    healer = Healer()
    both = {name: Standing(name, "silent", ("rb", "m"), 5) for name in "AB"}
    for second in range(100):
        orders = healer.look(both, second * SECOND_NS, all_silent=True)
        assert orders == Orders()


def test_verdicts_of_an_earlier_monitor_end() -> None:
    """A monitor that was restarted takes back what its forerunner said."""
    healer = Healer()
    healer.adopt({"A"}, SECOND_NS)
    assert set(look(healer, WELL, SECOND_NS).down) == {"A"}
    assert look(healer, WELL, SECOND_NS + WELL_NS).down == {}


def test_a_source_that_lags_is_not_restarted() -> None:
    """It still delivers."""
    healer = Healer()
    lagging = {"A": Standing("A", "lagging", lag_ms=3_000.0)}
    assert look(healer, lagging, SECOND_NS) == Orders()


@given(st.lists(st.sampled_from(["silent", "frozen", "", "lagging"]), max_size=300))
def test_restarts_are_rare_whatever_happens(troubles: list[str]) -> None:
    """At most `ATTEMPTS` an hour, at least a minute apart."""
    healer, restarts = Healer(), []
    for second, trouble in enumerate(troubles):
        now_ns = (second + 1) * 5 * SECOND_NS
        standing = {"A": Standing("A", trouble, ("rb", "m"), 5)}
        restarts += [now_ns for _ in look(healer, standing, now_ns).restart]
    assert len(restarts) <= ATTEMPTS
    assert all(b - a >= PAUSE_NS for a, b in pairwise(restarts))
