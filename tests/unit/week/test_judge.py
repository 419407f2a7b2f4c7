"""The simulated week's plan and verdict, without any process."""

from __future__ import annotations

from datetime import date
from typing import Any

from mdhub.calendar import Calendar
from mdhub.wire.ops import Event
from mdhub.wire.ticks import SCHEMA_VERSION
from week.judge import Done, Story, judge
from week.plan import OUTAGES, windows_of

S = 1_000_000_000
WINDOWS = windows_of(Calendar.load(), date(2026, 9, 18), date(2026, 9, 28))


def event(kind: str, subject: str, at_s: float = 0, **body: Any) -> Event:
    ts_ns = int(at_s * S)
    return Event(SCHEMA_VERSION, "x", ts_ns, "monitor", kind, subject, "warning", "", body)


def told() -> list[Event]:
    """What a good hub says of its sessions and days."""
    events = []
    for window in WINDOWS:
        for change, ns in (("opens", window.start_ns), ("closed", window.end_ns)):
            events.append(event("session", "futures", change=change, due_ns=ns, market_ns=ns + S))
        if window.name.endswith("day"):
            events.append(event("report", f"{window.day:%Y%m%d}"))
    return events


def failed(story: Story) -> list[str]:
    return [claim.words for claim in judge(story) if not claim.held]


def test_the_week_has_the_eve_of_a_holiday_without_a_night() -> None:
    """Thursday 24 September 2026 is the last before the Mid-Autumn Festival."""
    names = [window.name for window in WINDOWS]
    assert "2026-09-23 night" in names
    assert "2026-09-24 day" in names
    assert {"2026-09-24 night", "2026-09-25 day", "2026-09-25 night"}.isdisjoint(names)
    assert max(outage.window for outage in OUTAGES) < len(names) - 1


def test_a_good_week_has_no_failed_claim() -> None:
    """An outage, its one finding, its end."""
    done = Done(OUTAGES[0], "ingest:A", 10 * S, 12 * S)
    finding = [event("finding", "source_silent:A", at, change=change)
               for at, change in ((14, "began"), (20, "ended"))]  # fmt: skip
    assert failed(Story(60.0, WINDOWS, [done], [*told(), *finding])) == []


def test_each_way_to_be_bad_is_noticed() -> None:
    """Late, twice, never; found too late, without a cause, without an end; a stray source."""
    late = told()[1:]
    twice = [*told(), told()[0]]
    words = WINDOWS[0].name + " opens once, at its time"
    assert failed(Story(60.0, WINDOWS, [], late)) == [words]
    assert failed(Story(60.0, WINDOWS, [], twice)) == [words]
    slow = Done(OUTAGES[0], "ingest:A", 10 * S, 0)
    assert len(failed(Story(60.0, WINDOWS, [slow], told()))) == 1
    causeless = [*told(), event("finding", "source_silent:A", 500, change="began")]
    assert failed(Story(60.0, WINDOWS, [], causeless)) == [
        "nothing is found that was not broken", "every finding has ended",
    ]  # fmt: skip
    stray = Story(60.0, WINDOWS, [], told(), ["ingest:A"])
    assert failed(stray) == ["no source runs while its window is shut"]
