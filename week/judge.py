"""What the event log must tell of the week. Pure: events in, claims out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from mdhub.wire.ops import Event
from week.plan import Outage, Window

__all__ = ["Claim", "Done", "Story", "judge"]

SECOND_NS: Final = 1_000_000_000
LATE_S: Final = 5.0
"""Wall seconds that a session event may come after its time."""
AROUND_S: Final = 90.0
"""Wall seconds after an outage in which a finding may be of it."""
TOLD_S: Final = 10.0
"""A finding that lasts so long must have been told to somebody; `merge_s` is 3."""


@dataclass(frozen=True, slots=True)
class Done:
    """An outage as it was done."""

    outage: Outage
    subject: str
    at_ns: int
    """Wall time."""
    well_ns: int
    """Wall time at which what was broken was there again; 0 = never."""


@dataclass(slots=True)
class Story:
    """What was seen."""

    rate: float
    windows: list[Window] = field(default_factory=list)
    done: list[Done] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)
    """Sources that ran while every window was shut."""
    letters: list[dict[str, Any]] = field(default_factory=list)
    """Messages of the alerts, as the file channel wrote them."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence, and whether it held."""

    words: str
    held: bool
    why: str = ""


def judge(story: Story) -> list[Claim]:
    """Every claim of the week."""
    return [
        *_sessions(story),
        Claim("no source runs while its window is shut", not story.strays, "; ".join(story.strays)),
        *_outages(story),
        *_findings(story),
        *_alerts(story),
        *_reports(story),
    ]


def _sessions(story: Story) -> list[Claim]:
    said: dict[tuple[str, int], list[Event]] = defaultdict(list)
    for event in story.events:
        if event.kind == "session":
            said[str(event.body["change"]), int(event.body["due_ns"])].append(event)
    claims: list[Claim] = []
    due = {(change, ns) for w in story.windows
           for change, ns in (("opens", w.start_ns), ("closed", w.end_ns))}  # fmt: skip
    for window in story.windows:
        for change, due_ns in (("opens", window.start_ns), ("closed", window.end_ns)):
            found = said[change, due_ns]
            late = [(int(e.body["market_ns"]) - due_ns) / SECOND_NS / story.rate for e in found]
            claims.append(
                Claim(
                    f"{window.name} {change} once, at its time",
                    len(found) == 1 and all(0 <= s <= LATE_S for s in late),
                    ", ".join(f"{s:.1f} s late (wall)" for s in late) or "never",
                )
            )
    others = [key for key in said if key[0] in {"opens", "closed"} and key not in due and said[key]]
    claims.append(Claim("no other session", not others, str(others or "")))
    return claims


def _outages(story: Story) -> list[Claim]:
    claims = []
    for done in story.done:
        seconds = (done.well_ns - done.at_ns) / SECOND_NS if done.well_ns else None
        held = seconds is not None and seconds <= done.outage.within_s
        took = "never" if seconds is None else f"after {seconds:.1f} s"
        words = f"{done.outage.what} ({done.subject}): well within {done.outage.within_s:g} s"
        claims.append(Claim(words, held, took))
    return claims


def _findings(story: Story) -> list[Claim]:
    began: dict[str, list[int]] = defaultdict(list)
    open_now: set[str] = set()
    for event in story.events:
        if event.kind == "finding" and event.severity != "info":
            change = event.body["change"]
            if change == "began":
                began[event.subject].append(event.ts_ns)
                open_now.add(event.subject)
            elif change == "ended":
                open_now.discard(event.subject)
    strange = [
        f"{key} {_since(story, ns)}" for key, all_ns in sorted(began.items()) for ns in all_ns
        if not _of_an_outage(story, ns)
    ]  # fmt: skip
    twice = [
        f"{key} after {d.outage.what}" for key, all_ns in began.items() for d in story.done
        if sum(0 <= ns - d.at_ns <= AROUND_S * SECOND_NS for ns in all_ns) > 1
    ]  # fmt: skip
    return [
        Claim("nothing is found that was not broken", not strange, "; ".join(strange)),
        Claim("each outage is told once", not twice, "; ".join(twice)),
        Claim("every finding has ended", not open_now, ", ".join(sorted(open_now))),
    ]


def _of_an_outage(story: Story, ns: int) -> bool:
    return any(0 <= ns - d.at_ns <= AROUND_S * SECOND_NS for d in story.done)


def _alerts(story: Story) -> list[Claim]:
    """Messages against the findings of the log: who was told what, how often."""
    items = [item for letter in story.letters for item in letter["items"]]
    begun = [(i["key"], int(i["since_ns"])) for i in items if i["change"] in {"new", "over"}]
    ended = [(i["key"], int(i["since_ns"])) for i in items if i["change"] in {"resolved", "over"}]
    strange = [f"{key} {_since(story, ns)}" for key, ns in begun if not _of_an_outage(story, ns)]
    twice = sorted({key for key, ns in begun if begun.count((key, ns)) > 1})
    unended = sorted({key for key, ns in begun if ended.count((key, ns)) != 1})
    told = {key for key, _ in begun} | {key for item in items for key in item["also"]}
    untold = sorted(_long_findings(story) - told)
    again = [i["key"] for i in items if i["change"] == "again"]
    count = f"{len(story.letters)} messages, {len(begun)} findings told"
    return [
        Claim("people are told of nothing that was not broken", not strange, "; ".join(strange)),
        Claim("what lasts 10 s is told", not untold, ", ".join(untold) or count),
        Claim("each is told once, without repeats", not twice and not again, str(twice + again)),
        Claim("its end is told once", not unended, ", ".join(unended)),
    ]


def _long_findings(story: Story) -> set[str]:
    """Keys of warnings and errors that lasted."""
    since: dict[str, int] = {}
    found: set[str] = set()
    for event in story.events:
        if event.kind == "finding" and event.severity != "info":
            change = event.body["change"]
            if change == "began":
                since[event.subject] = event.ts_ns
            elif change == "ended":
                lasted_ns = event.ts_ns - since.pop(event.subject, event.ts_ns)
                found |= {event.subject} if lasted_ns >= TOLD_S * SECOND_NS else set()
    return found


def _since(story: Story, ns: int) -> str:
    before = [d for d in story.done if d.at_ns <= ns]
    if not before:
        return "before any outage"
    return f"{(ns - before[-1].at_ns) / SECOND_NS:.0f} s after {before[-1].outage.what}"


def _reports(story: Story) -> list[Claim]:
    told = [e.subject for e in story.events if e.kind == "report"]
    closed = {f"{w.day:%Y%m%d}" for w in story.windows if w.name.endswith("day")}
    return (
        [
            Claim(f"one report of {day}", told.count(day) == 1, str(told.count(day)))
            for day in sorted(closed)
        ]
        if closed
        else _none(told)
    )


def _none(told: Sequence[str]) -> list[Claim]:
    return [Claim("no report before a close", not told, ", ".join(told))]
