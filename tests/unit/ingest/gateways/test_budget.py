"""The login budget holds for any sequence of restarts, kills, clock steps and reboots."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdhub_ingest.gateways.budget import (
    CAPS,
    HOUR_S,
    KEPT,
    OPEN_MAX,
    SPACING_S,
    WRONG_MAX,
    Account,
    Attempt,
    Ban,
    Go,
    Moment,
    Refuse,
    Wait,
    begin,
    decide,
    end,
    fit,
    refused,
    succeeded,
)
from mdhub_ingest.gateways.codes import Code, error

PASSWORD, NOT_YET, UNKNOWN = error(3), error(7), error(7_777)


class Host:
    """A host with clocks, an account, and what really happened at the broker."""

    def __init__(self) -> None:
        self.boot, self.up_s, self.wall_s = 1, 10_000.0, 1.7e9
        self.true_s = 0.0
        self.account = fit(Account(), "00", "right")
        self.attempts_s: list[float] = []

    @property
    def now(self) -> Moment:
        return Moment(str(self.boot), self.up_s, self.wall_s)

    def pass_(self, seconds: float) -> None:
        self.true_s += seconds
        self.up_s += seconds
        self.wall_s += seconds

    def reboot(self, away_s: float) -> None:
        self.pass_(away_s)
        self.boot, self.up_s = self.boot + 1, 20.0

    def attempt(self) -> str | None:
        """Connect if the budget allows it; return the attempt's name."""
        if not isinstance(decide(self.account, None, self.now), Go):
            return None
        name = str(len(self.attempts_s))
        self.account = begin(self.account, Attempt(name, self.now, "CTP1"))
        self.attempts_s.append(self.true_s)
        return name

    def patient_attempt(self) -> str:
        """Wait as long as the budget says, then connect; it must say so truly."""
        for _ in range(3):
            match decide(self.account, None, self.now):
                case Wait(wait_s=wait_s):
                    self.pass_(wait_s)
                case Refuse(reason=reason):
                    pytest.fail(reason)
                case _:
                    break
        name = self.attempt()
        assert name is not None
        return name

    def refuse(self, code: Code) -> None:
        """Wait, connect, and be refused on the trading side."""
        name = self.patient_attempt()
        self.account = refused(self.account, name, "td", code)


def test_the_first_login_of_an_account_is_free() -> None:
    """Nothing is recorded yet."""
    assert isinstance(decide(Account(), None, Host().now), Go)


def test_two_wrong_passwords_stop_the_account_whatever_the_clock_says() -> None:
    """Until the credentials change."""
    host = Host()
    for _ in range(WRONG_MAX):
        host.refuse(PASSWORD)
    host.wall_s += 1e9
    host.pass_(1e6)
    host.reboot(1e6)
    decision = decide(host.account, None, host.now)
    assert isinstance(decision, Refuse) and "td: 3 invalid login" in decision.reason

    host.account = fit(host.account, "01", "another")
    host.pass_(HOUR_S)
    assert host.attempt()


def test_a_login_that_succeeds_forgives_its_own_side_only() -> None:
    """Market data fronts often check no password at all."""
    host = Host()
    host.refuse(PASSWORD)
    name = host.patient_attempt()
    host.account = succeeded(host.account, name, "md")
    host.account = refused(host.account, name, "td", PASSWORD)
    assert isinstance(decide(host.account, None, host.now), Refuse)
    host.account = succeeded(host.account, name, "td")
    host.pass_(HOUR_S)
    assert host.attempt()


def test_pauses_grow_while_logins_fail_and_shrink_after_one_success() -> None:
    """2, 5, 15, 60, 300, 300 s."""
    host, pauses = Host(), []
    for _ in range(4):
        host.refuse(UNKNOWN)
        decision = decide(host.account, None, host.now)
        assert isinstance(decision, Wait)
        assert decision.until_s == host.wall_s + decision.wait_s
        pauses.append(decision.wait_s)
    assert pauses == list(SPACING_S[1:5])
    name = host.patient_attempt()
    host.account = succeeded(host.account, name, "td")
    host.pass_(CAPS[0][1])
    name = host.patient_attempt()
    host.account = succeeded(host.account, name, "td")
    decision = decide(host.account, None, host.now)
    assert isinstance(decision, Wait) and decision.wait_s == SPACING_S[0]


def test_a_front_that_is_not_ready_all_night_is_asked_about_twice_a_minute() -> None:
    """The open is not missed: such refusals neither add up nor lengthen the pause."""
    host = Host()
    for _ in range(500):
        host.refuse(NOT_YET)
    gaps = [b - a for a, b in pairwise(host.attempts_s)]
    assert min(gaps) == max(gaps) == NOT_YET.wait_s
    assert len(host.account.attempts) == KEPT


def test_a_front_that_cannot_be_reached_costs_nothing() -> None:
    """No connection, no login."""
    host = Host()
    for _ in range(50):
        name = host.patient_attempt()
        host.account = end(host.account, name, connected=False)
    assert host.true_s == 0.0
    assert host.account.attempts == ()


def test_processes_that_die_in_a_login_are_bounded_by_the_hour() -> None:
    """Each may have been a wrong login that nobody recorded."""
    host = Host()
    for _ in range(3 * OPEN_MAX):
        host.patient_attempt()
    for start_s in host.attempts_s:
        assert sum(start_s <= s < start_s + HOUR_S - 1e-6 for s in host.attempts_s) <= OPEN_MAX


def test_a_ban_stops_every_account_of_the_broker() -> None:
    """Also one that has never logged in."""
    now = Host().now
    decision = decide(Account(), Ban(143, "address forbidden", now), now)
    assert isinstance(decision, Refuse) and "143" in decision.reason


def test_yesterdays_logins_do_not_delay_the_morning_after_a_reboot() -> None:
    """The bounds per time begin anew with the host."""
    host = Host()
    for _ in range(CAPS[0][0]):
        name = host.patient_attempt()
        host.account = succeeded(succeeded(host.account, name, "td"), name, "md")
    assert isinstance(decide(host.account, None, host.now), Wait)
    host.reboot(30.0)
    assert host.attempt()


STEPS: dict[str, Callable[[Host], None]] = {
    "a second": lambda host: host.pass_(1.0),
    "ten minutes": lambda host: host.pass_(600.0),
    "clock a year on": lambda host: setattr(host, "wall_s", host.wall_s + 3e7),
    "clock a year back": lambda host: setattr(host, "wall_s", host.wall_s - 3e7),
    "reboot": lambda host: host.reboot(60.0),
}
ACTS = st.lists(
    st.sampled_from([*STEPS, "killed before login", "killed after login", "refused", "md only"]),
    max_size=150,
)


@settings(max_examples=200, deadline=None)
@given(acts=ACTS)
def test_a_wrong_password_never_locks_the_account(acts: list[str]) -> None:
    """Recorded wrong logins end it for good; those nobody could record are few in any hour."""
    host, recorded, unrecorded_s = Host(), 0, list[float]()
    for act in acts:
        if act in STEPS:
            STEPS[act](host)
            continue
        name = host.attempt()
        if name is None or act == "killed before login":
            continue
        if act == "killed after login":
            unrecorded_s.append(host.true_s)
            continue
        if act == "md only":
            host.account = succeeded(host.account, name, "md")
        host.account = refused(host.account, name, "td", PASSWORD)
        recorded += 1
    assert recorded <= WRONG_MAX
    for start_s in unrecorded_s:
        assert sum(start_s <= s < start_s + HOUR_S for s in unrecorded_s) <= OPEN_MAX


@settings(max_examples=200, deadline=None)
@given(
    acts=st.lists(
        st.tuples(st.sampled_from([0.0, 1.0, 30.0, 700.0]), st.booleans(), st.booleans()),
        max_size=120,
    )
)
def test_no_run_of_restarts_hammers_a_broker(acts: list[tuple[float, bool, bool]]) -> None:
    """Without a reboot the bounds per time hold, and two logins are never close."""
    host = Host()
    for pause_s, fine, step in acts:
        host.pass_(pause_s)
        host.wall_s += 1e8 if step else 0.0
        name = host.attempt()
        if name is not None and fine:
            host.account = succeeded(host.account, name, "td")
    times = host.attempts_s
    assert all(b - a >= SPACING_S[0] for a, b in pairwise(times))
    for limit, within_s in CAPS:
        for start_s in times:
            assert sum(start_s <= s < start_s + within_s for s in times) <= limit
