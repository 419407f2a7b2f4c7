"""What the console knows now."""

from __future__ import annotations

import msgspec

from mdhub.health.model import HealthReport, SourceFacts, encode_health
from mdhub.wire.ops import Command, Event, EventKind
from mdhub_console.live.commands import CommandState, part_id
from mdhub_console.live.rows import LogRow, RejectedRow
from mdhub_console.live.view import Bounds, Connection, View
from mdhub_console.read.status import status_of

SECOND_NS = 1_000_000_000
NOW_NS = 1_795_000_000 * SECOND_NS


def event(kind: str, *, correlation: str = "", ok: bool = True, at_ns: int = NOW_NS) -> Event:
    body = {"ok": ok, "result": {"source": "A"}}
    return Event(1, "e", at_ns, "ingest", kind, "A", "info", correlation, body)


def command(name: str, *, at_ns: int = NOW_NS) -> Command:
    return Command(1, name, at_ns, "ops", "source:A", "restart", {}, at_ns + 10 * SECOND_NS)


def state_of(view: View, name: str, *, after_s: float = 1.0) -> CommandState | None:
    order = view.commands().order(name, now_ns=NOW_NS + int(after_s * SECOND_NS))
    return order.state if order else None


def look(view: View, report: HealthReport, now_ns: int) -> None:
    view.take_look(health=encode_health(report), beats={}, alerts=None, now_ns=now_ns)


def test_an_event_that_cannot_be_read_is_counted() -> None:
    """The others are held."""
    view = View()
    view.take_events([(b"1-0", event(EventKind.LEADERSHIP))])
    view.take_events([(b"9-0", None)])

    assert [row.name for row in view.windows["events"].newest_rows(10)] == ["leadership"]
    assert view.unreadable == 1


def test_a_command_has_one_result_in_whatever_order_streams_are_read() -> None:
    """The first result counts, also one that is read before its command."""
    view = View()
    view.take_commands([command("a"), command("b")])
    view.take_events([(b"1-0", event(EventKind.COMMAND_DONE, correlation="a"))])
    view.take_events([(b"2-0", event(EventKind.COMMAND_DONE, correlation="a", ok=False))])
    view.take_events([(b"3-0", event(EventKind.COMMAND_DONE, correlation="c", ok=False))])
    view.take_commands([command("c"), command("a")])

    assert [state_of(view, name) for name in "abc"] == ["done", "sent", "failed"]
    assert state_of(view, "b", after_s=12.5) == "expired"
    assert state_of(view, "z") is None


def test_an_order_to_all_shards_is_as_good_as_its_worst_command() -> None:
    """It is under way until the last one has its result."""
    view = View()
    names = [part_id("o", number, 2) for number in range(2)]
    view.take_commands([command(name) for name in names])
    view.take_events([(b"1-0", event(EventKind.COMMAND_DONE, correlation=names[0]))])
    assert state_of(view, "o") == "sent"

    failed = event(EventKind.COMMAND_DONE, correlation=names[1], ok=False, at_ns=NOW_NS + 10**7)
    view.take_events([(b"2-0", failed)])
    order = view.commands().order("o", now_ns=NOW_NS)

    assert order is not None
    assert (order.state, order.took_ms, len(order.commands)) == ("failed", 10.0, 2)


def test_reasons_are_counted_by_the_minute() -> None:
    """The most frequent first; minutes without any are nought."""
    view = View(shards=2)
    minute = NOW_NS // (60 * SECOND_NS)
    for number, (reason, ago) in enumerate([("late", 2), ("bad_time", 1), ("late", 0)]):
        at_ms = (minute - ago) * 60_000 + number
        row = RejectedRow(
            id=f"{at_ms}-0", shard=1, ts_ms=at_ms, raw_id="1-0", verdict="reject", reason=reason,
            source="A",
        )  # fmt: skip
        view.take_rejected(1, [row])

    late, bad = view.reasons(now_ns=NOW_NS)

    assert (late.reason, late.total, late.per_minute[-3:]) == ("late", 2, [1, 0, 1])
    assert (bad.reason, bad.total, bad.per_minute[-3:]) == ("bad_time", 1, [0, 1, 0])
    assert len(view.windows["rejected:1"]) == 3


def test_each_second_leaves_a_point_of_history() -> None:
    """Once per report; at most 15 minutes of them."""
    view = View()
    for second in range(1_000):
        now_ns = NOW_NS + second * SECOND_NS
        facts = [SourceFacts(name="A", state="live", win_rate=0.5, ticks_per_s=3.0)]
        report = HealthReport(ts_ns=now_ns, accepted_per_s=float(second), sources=facts)
        look(view, report, now_ns)
        look(view, report, now_ns + 1)
    points = view.windows["history"].newest_rows(2_000)
    newest = msgspec.json.decode(points[-1].json)

    assert len(points) == 900
    assert (newest["ticks_per_s"], newest["win_rate"]) == (999.0, {"A": 0.5})


def test_what_is_held_stays_within_its_bounds() -> None:
    """However long and however many the lines are."""
    view = View(bounds=Bounds(logs=1_000, log_bytes=200_000))
    for start in range(0, 5_000, 500):
        view.take_logs(
            [
                LogRow(
                    id=f"{at}-0", ts_ns=at, level="info", service="x", event="e" * 100,
                    correlation_id="", fields={"n": at},
                )
                for at in range(start + 1, start + 501)
            ]
        )  # fmt: skip
    facts = view.facts()["logs"]

    assert facts["bytes"] <= 200_000
    assert facts["rows"] + facts["fallen"] == 5_000


def test_the_verdict_is_unknown_while_nothing_fresh_is_known() -> None:
    """A report of a dead monitor, or a log that is away, says nothing of now."""
    view = View()
    verdicts = []

    def verdict(now_ns: int) -> None:
        verdicts.append(status_of(view, now_ns=now_ns, silent_ms=3_000).verdict)

    verdict(NOW_NS)
    look(view, HealthReport(ts_ns=NOW_NS, monitor="m"), NOW_NS)
    view.connected(Connection(live=True, since_ns=NOW_NS, sentence=""))
    verdict(NOW_NS)
    verdict(NOW_NS + 60 * SECOND_NS)
    view.connected(Connection(live=False, since_ns=NOW_NS, sentence="gone"))
    verdict(NOW_NS)

    assert verdicts == ["unknown", "ok", "unknown", "unknown"]
