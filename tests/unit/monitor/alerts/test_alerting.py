"""The alerting as the monitor runs it: a real server, real channels."""

from __future__ import annotations

import io
import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from mdhub.health.alerts import AlertBook, decode_book
from mdhub.health.model import Finding, HealthReport, encode_health
from mdhub.runtime.logging import Logger
from mdhub.streams import open_log
from mdhub.streams.asking import Answer, Request, ask
from mdhub.streams.port import Log
from mdhub.streams.topology import EVENTS, LOGS
from mdhub.wire.codec import decode_event, encode
from mdhub.wire.ops import Event, EventKind, LogLine
from mdhub.wire.ticks import SCHEMA_VERSION
from mdhub_monitor.alerts.runner import NOTE, Alerting
from mdhub_monitor.alerts.settings import AlertSettings
from tests.support.server import TestServer
from tests.support.wait import until
from tests.unit.monitor.alerts.receivers import web

SECRET = "tok3n-of-the-hook"


class Hub:
    """One hub's log, with an alerting that writes into a file."""

    def __init__(self, url: str, prefix: str, folder: Path) -> None:
        self.open: Callable[[], Log] = partial(open_log, url, service="monitor", prefix=prefix)
        self.log = self.open()
        self.file = folder / "alerts.jsonl"
        self.stderr = io.StringIO()

    @contextmanager
    def alerting(self, **channels: str) -> Iterator[Alerting]:
        names = {"file": f"jsonl://{self.file}"} | {name: f"env:{name}" for name in channels}
        settings = AlertSettings(channels=names, merge_s=0.2)
        environment = dict(channels)
        alerting = Alerting(settings, self.open, Logger("monitor", "A", self.stderr), environment)
        assert environment == {}
        alerting.start()
        # It begins at the end of the stream, so wait until it knows where that is.
        until(lambda: self.log.note(NOTE) is not None, "the book")
        try:
            yield alerting
        finally:
            alerting.stop()

    def says(self, change: str, key: str, severity: str = "error") -> None:
        now_ns, kind = time.time_ns(), EventKind.FINDING
        body = {"change": change, "since_ns": now_ns, "severity": severity, "facts": {"age_ms": 7}}
        event = Event(SCHEMA_VERSION, uuid4().hex, now_ns, "monitor", kind, key, severity, "", body)
        self.log.append(EVENTS, encode(event))

    def told(self) -> list[list[tuple[str, str]]]:
        text = self.file.read_text(encoding="utf-8") if self.file.exists() else ""
        lines = [json.loads(line) for line in text.splitlines()]
        return [[(i["change"], i["key"]) for i in line["items"]] for line in lines]

    def events(self, kind: str) -> list[Event]:
        found = [decode_event(fields[1]) for _, fields in self.log.entries(EVENTS, count=10_000)]
        return [event for event in found if event.kind == kind]

    def book(self) -> AlertBook:
        data = self.log.note(NOTE)
        return decode_book(data) if data else AlertBook()

    def ask(self, action: str, **args: Any) -> Answer | None:
        log = self.log_of_the_cli()
        try:
            return ask(log, [Request("monitor", action, args)], issuer="cli", timeout_s=10)[0]
        finally:
            log.close()

    def log_of_the_cli(self) -> Log:
        return open_log(*self.open.args, **self.open.keywords | {"service": "cli"})  # type: ignore[attr-defined]


@pytest.fixture
def hub(server_url: str, prefix: str, tmp_path: Path) -> Iterator[Hub]:
    hub = Hub(server_url, prefix, tmp_path)
    yield hub
    hub.log.close()


def test_a_finding_is_told_and_resolved(hub: Hub) -> None:
    """From the event to the file, with an event that says that it was sent."""
    with hub.alerting():
        hub.says("began", "source_silent:A")
        until(lambda: len(hub.told()) == 1, "the alert")
        hub.says("ended", "source_silent:A")
        until(lambda: len(hub.told()) == 2, "its end")
        until(lambda: len(hub.events("alert")) == 2, "events")

    assert hub.told() == [[("new", "source_silent:A")], [("resolved", "source_silent:A")]]
    first = hub.events("alert")[0]
    assert (first.subject, first.severity) == ("file", "info")
    assert first.body["change"] == "sent"
    assert first.body["told"] == [["new", "source_silent:A"]]


def test_a_restart_in_the_middle_sends_no_second_alert(hub: Hub) -> None:
    """Told before, over meanwhile: the next run tells only that; acknowledged stays so."""
    with hub.alerting():
        hub.says("began", "source_silent:A")
        hub.says("began", "disk_space:", "warning")
        until(lambda: len(hub.told()) == 1, "the alert")
        answer = hub.ask("alerts.ack", pattern="disk_*")
        assert answer == Answer(ok=True, result={"acknowledged": ["disk_space:"]})
    hub.says("ended", "source_silent:A")
    with hub.alerting():
        until(lambda: len(hub.told()) == 2, "its end")
        (alert,) = [a for a in hub.book().alerts if a.finding.rule == "disk_space"]
    assert alert.acked_by == "cli"
    assert [sorted(told) for told in hub.told()] == [
        [("new", "disk_space:"), ("new", "source_silent:A")],
        [("resolved", "source_silent:A")],
    ]


def test_a_run_that_dies_before_it_could_send_leaves_that_to_the_next(hub: Hub) -> None:
    """A channel that refuses now and works for the next run; the other gets no second one."""
    with web() as there:
        there.answer = (500, {})
        address = f"json://{there.host}/{SECRET}"
        with hub.alerting(hook=address):
            hub.says("began", "slow_clients:")
            until(lambda: there.posts and hub.told(), "both channels")
            until(lambda: len(hub.events("alert")) == 2, "events")
        there.answer = (200, {})
        with hub.alerting(hook=address):
            until(lambda: len(hub.events("alert")) == 3, "the hook's event")

    assert hub.told() == [[("new", "slow_clients:")]]
    fates = sorted((event.subject, event.body["change"]) for event in hub.events("alert"))
    assert fates == [("file", "sent"), ("hook", "failing"), ("hook", "sent")]
    shown = hub.stderr.getvalue() + repr(hub.log.entries(EVENTS, count=1_000)) + repr(hub.book())
    assert SECRET not in shown
    assert SECRET not in repr(hub.log.note(NOTE))


def test_a_channel_that_hangs_disturbs_no_other(hub: Hub) -> None:
    """The file gets alert after alert while the hook does not answer; stopping is not held up."""
    with web() as there:
        there.gate.clear()
        with hub.alerting(hook=f"json://{there.host}/?rto=15"):
            for number in range(3):
                hub.says("began", f"slow_clients:{number}")
                until(lambda: len(hub.told()) == number + 1, "the file's alert")  # noqa: B023
            begin_s = time.monotonic()
        assert time.monotonic() - begin_s < 3
        assert len(there.posts) == 1


def test_a_test_says_how_each_channel_took_it(hub: Hub) -> None:
    """The working and the broken one, and one whose address is of no use."""
    with web() as there, hub.alerting(hook=f"json://{there.host}", odd=f"nosuch://{SECRET}"):
        there.answer = (403, {})
        answer = hub.ask("alerts.test")

    assert answer is not None
    assert not answer.ok
    results = answer.result["channels"]
    assert {name: result["ok"] for name, result in results.items()} == {
        "file": True, "hook": False, "odd": False,
    }  # fmt: skip
    assert "403" in results["hook"]["problem"]
    assert hub.told() == [[]]
    assert SECRET not in hub.stderr.getvalue()


@pytest.mark.parametrize(
    ("action", "args", "words"),
    [
        ("alerts.ack", {"pattern": "nothing:*"}, "no alert fits"),
        ("alerts.ack", {"pattern": 7}, "pattern was expected"),
        ("alerts.silence", {"pattern": "slow_clients:*", "until_ns": 1}, "within the next 30 days"),
        ("alerts.unsilence", {"pattern": "slow_clients:*"}, "there is no silence"),
        ("alerts.sing", {}, "unknown action"),
    ],
)
def test_what_makes_no_sense_is_refused_with_words(
    hub: Hub, action: str, args: dict[str, Any], words: str
) -> None:
    """Each command has its one result."""
    with hub.alerting():
        answer = hub.ask(action, **args)
    assert answer is not None
    assert not answer.ok
    assert words in answer.result["error"]


def test_a_silence_is_kept(hub: Hub) -> None:
    """Over a restart too."""
    until_ns = time.time_ns() + 60_000_000_000
    with hub.alerting():
        answer = hub.ask(
            "alerts.silence", pattern="slow_clients:*", until_ns=until_ns, reason="works"
        )
        assert answer is not None
        assert answer.ok
    with hub.alerting():
        hub.says("began", "slow_clients:")
        hub.says("began", "disk_space:")
        until(hub.told, "the other alert")
        (silence,) = hub.book().silences
    assert hub.told() == [[("new", "disk_space:")]]
    assert (silence.pattern, silence.by, silence.reason) == ("slow_clients:*", "cli", "works")


def test_error_lines_alert_once(hub: Hub) -> None:
    """However often they are logged; what the line says is in the alert, other levels are not."""
    with hub.alerting():
        for number in range(50):
            level = "error" if number else "warning"
            fields = {"reason": f"broken {number}", "level": "error"}
            line = LogLine(
                SCHEMA_VERSION, time.time_ns(), level, "publisher", "stopped", "", fields
            )
            hub.log.append(LOGS, encode(line))
        until(hub.told, "the alert")
        until(lambda: hub.book().alerts[0].finding.facts["count"] == 49, "the count")
    assert hub.told() == [[("new", "error_logged:publisher.stopped")]]


def test_a_failure_of_the_alerts_is_no_alert_of_its_own(hub: Hub) -> None:
    """It might fail again, and again; the heartbeat counts it."""
    with hub.alerting():
        for service, name in (("monitor", "alerts_failed"), ("ingest", "alerts_failed")):
            line = LogLine(SCHEMA_VERSION, time.time_ns(), "error", service, name, "", {})
            hub.log.append(LOGS, encode(line))
        until(hub.told, "the other's alert")
    assert hub.told() == [[("new", "error_logged:ingest.alerts_failed")]]


def test_reports_make_good_for_missed_events(hub: Hub) -> None:
    """A finding that stands in the health report alone is told."""
    with hub.alerting():
        finding = Finding(
            key="coverage_low:", rule="coverage_low", subject="", severity="warning", since_ns=1
        )
        report = HealthReport(ts_ns=time.time_ns(), monitor="monitor:A", findings=[finding])
        hub.log.save_health(encode_health(report))
        until(hub.told, "the alert")
    assert hub.told() == [[("new", "coverage_low:")]]


def test_broken_entries_hurt_nobody(hub: Hub) -> None:
    """Of events, log lines, reports; and a book that another release wrote."""
    hub.log.save_note(NOTE, b"\xc1broken")
    with hub.alerting():
        until(lambda: hub.log.note(NOTE) != b"\xc1broken", "a new book")
        hub.log.append(EVENTS, b"finding \xff")
        hub.log.append(LOGS, b"error \xff")
        hub.log.save_health(b"\xff")
        hub.says("began", "slow_clients:")
        until(hub.told, "the alert")
    assert hub.told() == [[("new", "slow_clients:")]]
    assert "alerts_failed" not in hub.stderr.getvalue()


@pytest.mark.process
def test_a_server_that_is_away_is_told_though_it_takes_no_events(tmp_path: Path) -> None:
    """And that it is back; the book has it all."""
    with TestServer() as server:
        hub = Hub(server.url, "away:", tmp_path)
        with hub.alerting():
            server.signal(signal.SIGSTOP)
            until(lambda: len(hub.told()) == 1, "the alert")
            server.signal(signal.SIGCONT)
            until(lambda: len(hub.told()) == 2, "its end")
        hub.log.close()
    assert hub.told() == [[("new", "server_away:")], [("resolved", "server_away:")]]
