"""The test of an account: what a gateway says of its login, until that is decided."""

from __future__ import annotations

from threading import Event

from mdhub_ingest.accounts.trial import WORTH_WAITING_S, Login


def test_a_short_pause_of_the_login_budget_is_waited_for() -> None:
    """Two tests in a row are a second apart; the second one is a test all the same."""
    stop = Event()
    login = Login(stop)
    login.hear("login_waits", {"reason": "pause", "wait_s": 1.5})
    assert (login.ok, stop.is_set()) == (None, False)
    login.hear("running", {})
    assert (login.ok, stop.is_set()) == (True, True)


def test_a_long_pause_of_the_login_budget_is_the_answer() -> None:
    """It says until when, and the test ends."""
    stop = Event()
    login = Login(stop)
    login.hear("login_waits", {"reason": "pause", "wait_s": WORTH_WAITING_S + 1, "until": "t"})
    login.hear("running", {})
    assert (login.ok, stop.is_set()) == (False, True)
    assert login.stages == [
        {
            "stage": "login_waits",
            "ok": False,
            "reason": "pause",
            "wait_s": WORTH_WAITING_S + 1,
            "until": "t",
        }
    ]
