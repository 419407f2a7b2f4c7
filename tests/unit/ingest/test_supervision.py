"""What the supervisor says of a child's end, and how patient it is."""

from __future__ import annotations

import signal

import pytest

from mdhub.runtime.backoff import Backoff
from mdhub.runtime.keeper import ChildSpec, ChildState
from mdhub_ingest.app import _meaning
from mdhub_ingest.fleet import FRONT_STABLE_S, _others_secrets, _patient, is_gateway
from mdhub_ingest.gateways.deadlines import Deadlines
from mdhub_ingest.gateways.port import RETRY, STOPPED
from mdhub_ingest.spec import parse_spec

CHILD = ChildSpec("CTP1", lambda _: ["true"], give_up_after=20)


def ended(code: int | None, *, quarantined: bool = False, times: int = 1) -> ChildState:
    state = ChildState(CHILD, Backoff(), last_exit=code, quarantined=quarantined)
    if code is not None:
        state.ends[code] = times
    return state


def test_a_signal_is_named_and_counted() -> None:
    """The vendor's library dies of SIGSEGV and SIGABRT: how often is what people ask."""
    assert _meaning(ended(-signal.SIGSEGV, times=3)) == {"signal": "SIGSEGV", "times": 3}
    assert _meaning(ended(-99)) == {"signal": "signal 99", "times": 1}


@pytest.mark.parametrize("code", [0, 1, None])
def test_an_ordinary_end_needs_no_words(code: int | None) -> None:
    """It is started again."""
    assert _meaning(ended(code)) == {}


def test_a_source_that_stays_down_says_what_to_do() -> None:
    """Whether it stopped by itself or failed too often."""
    assert "restart" in _meaning(ended(STOPPED, quarantined=True))["means"]
    assert "too often" in _meaning(ended(RETRY, quarantined=True))["means"]


def test_gateways_are_tried_for_ever_unless_they_say_stop() -> None:
    """A front may be away for hours; simulations and recordings keep the old measure."""
    patient = _patient(CHILD)
    assert patient.give_up_after is None
    assert patient.stop_on == {STOPPED}
    assert patient.longest_pause_s == 60.0
    assert not is_gateway(parse_spec('{"name": "A", "sim": {}}'))
    assert not is_gateway(parse_spec('{"name": "A", "recording": {"file": "a.csv"}}'))


def test_a_life_ended_by_a_deadline_is_no_recovery() -> None:
    """Else a front that never answers would be tried without a pause."""
    limits = Deadlines()
    assert max(limits.md_front_s + limits.md_login_s, limits.contracts_s) < FRONT_STABLE_S


def test_a_process_does_not_get_the_secrets_of_other_accounts() -> None:
    """A variable that both use stays; simulations need none."""
    account = '{{"name": "{0}", "gateway": {{"type": "ctp", "settings": {1}}}}}'
    first = parse_spec(account.format("A", '{"password": "env:PW_A", "auth_code": "env:BOTH"}'))
    second = parse_spec(account.format("B", '{"password": "env:PW_B", "auth_code": "env:BOTH"}'))
    sim = parse_spec('{"name": "S", "sim": {}}')
    specs = [first, second, sim]
    assert _others_secrets(first, specs) == {"PW_B": ""}
    assert _others_secrets(second, specs) == {"PW_A": ""}
    assert _others_secrets(sim, specs) == {"PW_A": "", "PW_B": "", "BOTH": ""}
