"""Filters, counts of lines, the timeline, refused ticks: what their pages are made of."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from mdhub.wire.ops import LEVELS, EventKind
from mdhub_arbiter.reasons import REASONS
from mdhub_console.live.choice import LineFilter
from mdhub_console.live.commands import CommandLife
from mdhub_console.live.line_counts import line_counts
from mdhub_console.live.rows import EventRow, LogRow, RejectedRow, Row, held_log
from mdhub_console.pages.chains import chains_of, linked
from mdhub_console.pages.filters import address, names_in, names_text, one_of, some_of
from mdhub_console.pages.rejected_model import Choice, reason_words, reasons_of
from mdhub_console.pages.rejected_tick import _ASKED, tick_of
from mdhub_console.pages.timeline_model import PAGE, Entry, Place, timeline_of
from mdhub_console.pages.timeline_words import GROUPS, group_of
from mdhub_console.parts import Parts
from mdhub_console.read.refused import refused_tick
from mdhub_console.words.catalogue import catalogue, text
from tests.support.console_records import CORRELATION, records_parts

SECOND = 1_000_000_000


@pytest.fixture(scope="module")
def parts() -> Parts:
    """A hub with rows; nothing here changes it."""
    return records_parts()


def line(number: int, level: str, service: str, said: str) -> Row:
    return held_log(
        LogRow(id=f"{number}-0", ts_ns=number, level=level, service=service, event=said,
               correlation_id="", fields={})
    )  # fmt: skip


def event(number: int, kind: str = "source", correlation: str = "", **body: Any) -> EventRow:
    return EventRow(
        id=f"{number}-0", ts_ns=number * SECOND, service="monitor:A", kind=kind, subject="A",
        severity="info", correlation_id=correlation, body=body,
    )  # fmt: skip


def order(number: int, name: str) -> CommandLife:
    return CommandLife(
        id=name, issuer="ops", target="source:A", action="restart", args={},
        sent_ns=number * SECOND, expires_ns=(number + 10) * SECOND, state="done",
    )  # fmt: skip


def entries_of(context: dict[str, Any]) -> list[Entry]:
    return [entry for day in context["days"] for entry in day.entries]


def test_a_filter_is_an_address_without_what_is_empty() -> None:
    """Names are escaped; a list is read back as it was written."""
    assert address("/logs", level="", text="") == "/logs"
    assert address("/logs", text="a b&c") == "/logs?text=a+b%26c"
    assert names_in(names_text({"b", "a"})) == {"a", "b"}
    assert names_in("") == frozenset()


def test_a_chip_switches_its_own_choice_and_keeps_the_others() -> None:
    """Off adds it, on takes it away; text and level stay."""
    chips = some_of("/logs", "service", [("a", "a", 1), ("b", "b", 2)], chosen={"a"}, level="error")
    assert [chip.on for chip in chips] == [True, False]
    assert chips[0].href == "/logs?level=error"
    assert chips[1].href == "/logs?level=error&service=a%2Cb"
    (every, loud) = one_of(
        "/logs", "level", [("", "All", ""), ("error", "Errors", "down")], chosen="", text="x"
    )
    assert (every.on, loud.on, loud.href) == (True, False, "/logs?text=x&level=error")


def test_counts_say_what_each_choice_would_show() -> None:
    """A service counts under the level, a level under the services, matches under both."""
    rows = [
        line(at, LEVELS[at % 4], "ab"[at % 2], "found" if at % 3 == 0 else "x") for at in range(24)
    ]
    counts = line_counts(rows, LineFilter(level=2, services=frozenset({"a"}), text="found"))
    passes = LineFilter(level=2, services=frozenset({"a"}), text="found").passes
    assert counts.matches == sum(passes(row) for row in rows) == 2
    assert counts.services == {"a": 2, "b": 2}
    assert counts.levels == {"debug": 2, "info": 0, "warning": 2, "error": 0, "other": 0}
    assert (counts.held, counts.since_ns) == (24, rows[0].ts_ns)
    assert line_counts([], LineFilter()).held == 0


def test_every_kind_of_event_has_a_chip_and_a_name() -> None:
    """A kind of a later release belongs to the hub; a child that ends is a restart."""
    for kind in EventKind:
        assert group_of(event(1, kind)) in GROUPS
        assert f"event.kind.{kind}" in catalogue()
    assert group_of(event(1, "a.later.one")) == "hub"
    assert group_of(event(1, change="replaced")) == "restart"
    assert group_of(event(1, change="md_login")) == "source"
    assert [g for g in GROUPS if f"timeline.group.{g}" not in catalogue()] == []


def test_an_order_and_what_it_led_to_name_each_other() -> None:
    """The first of a correlation is the cause; the others are its consequences, oldest first."""
    done = event(12, "command.done", "c1", ok=True)
    replaced = event(11, correlation="c1", change="replaced")
    context = timeline_of(
        [replaced, done, event(13)], [order(10, "c1")], "en", kinds=(), place=Place()
    )
    other, answer, child, cause = entries_of(context)
    assert (other.causes, other.effects) == ([], [])
    assert [link.id for link in cause.effects] == ["11-0", "12-0"]
    assert cause.told.id == "order-c1"
    assert [link.id for link in child.causes] == [link.id for link in answer.causes] == ["order-c1"]
    assert answer.told.title == "Restart A: Done after 2.0 s"


def test_an_order_stands_before_its_answer_whatever_the_clocks_said() -> None:
    """The answer's clock is behind; orders of services are not those of operators."""
    mine = msgspec.structs.replace(order(10, "c1"), issuer="ingest:B", action="market_clock")
    done = event(9, "command.done", "c1", ok=True)
    context = timeline_of([done], [mine], "en", kinds=(), place=Place())
    answer, cause = entries_of(context)
    assert (cause.told.id, answer.causes[0].id) == ("order-c1", "order-c1")
    assert {answer.told.group, cause.told.group} == {"hub"}


def test_an_audit_record_shows_no_seals() -> None:
    """The chain is the audit page's business."""
    body: dict[str, Any] = {
        "n": 3,
        "digest": "ff",
        "previous": "ee",
        "who": "ops",
        "action": "login",
        "result": "ok",
    }
    (entry,) = entries_of(
        timeline_of([event(1, "audit", **body)], [], "en", kinds=(), place=Place())
    )
    assert entry.told.title == "ops · login"
    assert entry.told.facts == (("result", "ok"),)


def test_links_stand_for_what_a_filter_hides() -> None:
    """A cause of another kind is still named."""
    events = [event(11, correlation="c1", change="replaced")]
    context = timeline_of(events, [order(10, "c1")], "en", kinds={"restart"}, place=Place())
    (only,) = entries_of(context)
    assert [link.id for link in only.causes] == ["order-c1"]
    assert only.causes[0].id not in context["ids"]
    assert linked(only.told, chains_of([]).get("c1", [])) == ([], [])


def test_pages_of_the_timeline_join_without_a_hole() -> None:
    """Each entry once, the newest first; the last page has no older one."""
    events = [event(at) for at in range(250)]
    seen: list[str] = []
    place = Place()
    while True:
        context = timeline_of(events, [], "en", kinds=(), place=place)
        seen += [entry.told.id for entry in entries_of(context)]
        if not context["older"]:
            break
        assert context["older"] == f"/timeline?before={seen[-1]}"
        place = Place(before=seen[-1])
    assert seen == [f"{at}-0" for at in reversed(range(250))]


def test_a_link_from_outside_finds_its_page() -> None:
    """The entry is on it, with newer ones above; a page that is not the newest stands still."""
    events = [event(at) for at in range(PAGE * 3)]
    context = timeline_of(events, [], "en", kinds=(), place=Place(at="40-0"))
    assert "40-0" in context["ids"]
    assert context["fresh"] == ""
    newest = timeline_of(events, [], "en", kinds=(), place=Place(at="gone-0"))
    assert newest["fresh"] == "/timeline/live"


def test_every_reason_is_told_in_the_words_of_the_arbiter() -> None:
    """docs/rules.md, the arbiter's table and the console's English are one text."""
    said = {key[7:]: words for key, words in catalogue().items() if key.startswith("reason.")}
    assert {code: en for code, (en, _) in said.items()} == {r.code: r.meaning for r in REASONS}
    assert [code for code, (_, zh) in said.items() if not any(c > "\u2e80" for c in zh)] == []
    assert reason_words("of_another_release", "en") == text("rejected.unexplained", "en")
    assert set(_ASKED) <= set(said)


def test_reasons_keep_their_order_and_the_chosen_one_leads_back(parts: Parts) -> None:
    """By name: a row that grows does not move under the pointer."""
    trends = parts.live.view.reasons(now_ns=parts.live.now_ns())
    lines = reasons_of(trends, Choice(reason="late"), "en")
    assert [each.reason for each in lines] == sorted(each.reason for each in trends)
    assert sum(each.total for each in lines) == 180
    (chosen,) = [each for each in lines if each.on]
    assert (chosen.reason, chosen.href) == ("late", "/rejected")


def test_a_refused_tick_stands_beside_the_clean_one_before_it(parts: Parts) -> None:
    """What the rule looked at is marked; what strategies would have seen is said in numbers."""
    found = _refused(parts, "above_limit")
    assert found.before is not None
    context = tick_of(found.row, found.before, found.released, "en")
    fields = {field.name: field for field in context["fields"]}
    assert (fields["last"].raw, fields["last"].clean) == ("4012", "4000")
    assert fields["last"].differs
    assert {name for name, field in fields.items() if field.asked} == {"last", "limit_up"}
    assert not fields["limit_up"].differs
    assert context["off"] == ["Strategies would have seen last go from 4000 to 4012 (+12)."]
    assert int(found.before.id.partition("-")[0]) < found.row.ts_ms


def test_without_a_clean_tick_nothing_is_made_up(parts: Parts) -> None:
    """No comparison, and it says so."""
    found = _refused(parts, "conflict")
    context = tick_of(found.row, None, None, "en")
    assert not any(field.differs for field in context["fields"])
    assert context["off"] == [text("rejected.off.unknown", "en")]
    blind = msgspec.structs.replace(found.row, tick=None, symbol="", exchange="")
    assert tick_of(blind, None, None, "en")["title"] == "Why cannot be read was refused"


def test_a_tick_that_was_held_and_let_go_says_when(parts: Parts) -> None:
    """Source and time of receipt tell which copy it was."""
    found = _refused(parts, "crossed_book")
    assert (found.row.verdict, found.released) == ("hold", None)
    assert found.before is not None
    context = tick_of(found.row, found.before, found.before, "en")
    assert context["outcome"].startswith("It was let go at ")


@pytest.mark.parametrize(("shard", "entry_id"), [(0, b"1-1"), (7, b"1-1")])
def test_what_the_log_no_longer_has_is_none(parts: Parts, shard: int, entry_id: bytes) -> None:
    """Another shard, an entry that was trimmed."""
    with parts.log.borrow() as log:
        assert refused_tick(log, shard, entry_id) is None


def test_a_correlation_is_found_by_the_text_filter(parts: Parts) -> None:
    """The link from an entry of the timeline to its log lines."""
    rows = parts.live.view.rows("logs")
    found = [row for row in rows if LineFilter(text=CORRELATION).passes(row)]
    assert found
    assert len(found) < len(rows)


def _refused(parts: Parts, reason: str) -> Any:
    decode = msgspec.json.Decoder(RejectedRow).decode
    rows = [decode(row.json) for row in parts.live.view.rows("rejected:0")]
    newest = next(row for row in reversed(rows) if row.reason == reason)
    with parts.log.borrow() as log:
        found = refused_tick(log, 0, newest.id.encode())
    assert found is not None
    return found
