"""Alerts, system, search and error pages: what they offer to whom, and what they order."""

from __future__ import annotations

from pathlib import Path

import pytest

from mdhub.calendar.note import ScheduleNote, encode_schedule, note_of
from mdhub.runtime.heartbeat import beat_payload
from mdhub.streams.memory import MemoryServer
from mdhub.streams.topology import COMMANDS
from mdhub.wire.codec import decode_command
from mdhub_console.identity.model import Role
from mdhub_console.live.fill import look
from mdhub_console.live.view import View
from mdhub_console.settings import ConsoleSettings
from tests.support.console import client_of, make_parts
from tests.support.console_scene import fine, live_of, troubled

HTML = {"accept": "text/html"}


def test_orders_to_the_alerting_become_commands() -> None:
    """Test, silence with its end, and the end of a silence; nonsense is refused."""
    server = MemoryServer()
    with client_of(make_parts(server), Role.OPERATOR) as client:
        silence = {"pattern": "source_*:A", "minutes": 60, "reason": "upgrade"}
        for path, body in (
            ("test", {}), ("silence", silence), ("unsilence", {"pattern": "source_*:A"}),
        ):  # fmt: skip
            answer = client.post(f"/api/alerts/{path}", json=body)
            assert answer.status_code == 202, answer.text
            assert answer.json()["location"].startswith("/api/commands/")
        wrong = {**silence, "minutes": 0}
        assert client.post("/api/alerts/silence", json=wrong).status_code == 400
    sent = [decode_command(f[1]) for _, f in server.log("console").entries(COMMANDS)]
    assert [c.action for c in sent] == ["alerts.test", "alerts.silence", "alerts.unsilence"]
    assert {c.target for c in sent} == {"monitor"}
    ahead_ns = sent[1].args["until_ns"] - sent[1].ts_ns
    assert abs(ahead_ns - 3_600 * 10**9) < 5 * 10**9


def test_an_alert_says_what_to_do_and_only_operators_may_acknowledge() -> None:
    """Words of the rule; an acknowledged one is offered no button."""
    for role, buttons in ((Role.VIEWER, 0), (Role.OPERATOR, 2)):
        with client_of(make_parts(live=live_of(troubled())), role) as client:
            text = client.get("/alerts").text
            assert "ask the broker" in text
            assert "acknowledged by ops" in text
            assert text.count('/ack"') == buttons


def test_the_configuration_is_for_admins_and_without_secrets(tmp_path: Path) -> None:
    """What is in force stands on the page of an admin; whom it wakes on everybody's."""
    file = tmp_path / "hub.toml"
    file.write_text(
        '[server]\nurl = "redis://:hunter2@127.0.0.1:6379"\n'
        '[alerts]\nchannels = { ops = "env:OPS_URL" }\nquiet = "23:00-07:00"\n'
    )
    for role in Role:
        settings = ConsoleSettings(config=file)
        with client_of(make_parts(live=live_of(fine()), settings=settings), role) as client:
            text = client.get("/system").text
            assert ("alerts.quiet" in text) is (role is Role.ADMIN)
            assert "hunter2" not in text
            assert "waits during 23:00-07:00" in client.get("/alerts").text


def test_the_doctor_is_asked_by_operators_only() -> None:
    """A viewer is told who sees it; the page asks for it by itself."""
    with client_of(make_parts(live=live_of(fine())), Role.VIEWER) as client:
        assert client.get("/system/doctor").status_code == 403
        assert 'hx-get="/system/doctor"' not in client.get("/system").text


def test_search_offers_a_page_only_to_whom_it_serves() -> None:
    """Users are for admins; what is typed is never markup."""
    for role, found in ((Role.VIEWER, False), (Role.ADMIN, True)):
        with client_of(make_parts(live=live_of(fine())), role) as client:
            assert ('href="/users"' in client.get("/search?q=use").text) is found
            assert 'href="/sources/CTP-A"' in client.get("/search?q=ctp").text
            assert "<script" not in client.get("/search?q=<script>").text


@pytest.mark.parametrize("role", [None, Role.VIEWER])
def test_a_path_that_does_not_exist_is_a_page(role: Role | None) -> None:
    """A browser gets words and a way back, a program the problem."""
    with client_of(make_parts(), role) as client:
        page = client.get("/nowhere", headers=HTML)
        assert (page.status_code, "text/html" in page.headers["content-type"]) == (404, True)
        assert 'href="/"' in page.text
        assert client.get("/nowhere").json()["type"] == "mdhub:not-found"


def test_the_view_reads_what_supervisors_say_of_their_schedule() -> None:
    """By the names of their heartbeats; what another release writes is passed over."""
    server = MemoryServer()
    log, view = server.log("ingest"), View()
    note = ScheduleNote(sources={"A": "futures"}, holidays={"20261124": "typhoon"})
    for name, payload in (("one", encode_schedule(note)), ("two", b"\xff")):
        instance = f"supervisor:{name}"
        log.beat(instance, beat_payload("ingest", instance, "running 1 of 1", {}))
        log.save_note(note_of(name), payload)
    look(view, server.log("console"), 1)
    assert view.schedules == {"one": note}
