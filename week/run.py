"""Runs the week: lets market time pass, jumps over closed hours, breaks things, writes it down."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from mdhub.streams.errors import StreamsError
from week.hub import LETTERS, WeekHub, running
from week.judge import Done, Story
from week.plan import OUTAGES, Outage, Window

__all__ = ["run_week"]

NAP_S: Final = 0.1
BEFORE_S: Final = 5.0
"""Wall seconds from the end of a jump to the window: all processes are there by then."""
GRACE_S: Final = 5.0
"""Wall seconds that stopping a source may take."""
STUCK_S: Final = 60.0


def run_week(folder: Path, windows: list[Window], rate: float, say: Callable[[str], None]) -> Story:
    """Live through all windows."""
    story = Story(rate, windows)
    before_ns = int(BEFORE_S * rate * 1e9)
    with running(folder, rate, windows[0].start_ns - before_ns) as hub:
        for number, window in enumerate(windows):
            if number:
                hub.set_market(window.start_ns - before_ns)
            say(f"{window.name}")
            due = [each for each in OUTAGES if each.window == number]
            _through(hub, window, due, story, say)
            _after(hub, story)
    if (letters := folder / LETTERS).exists():
        lines = letters.read_text(encoding="utf-8").splitlines()
        story.letters.extend(json.loads(line) for line in lines)
    return story


def _through(
    hub: WeekHub, window: Window, due: list[Outage], story: Story, say: Callable[[str], None]
) -> None:
    """From before a window to its end."""
    patience_s = (window.end_ns - window.start_ns) / 1e9 / hub.rate + BEFORE_S + STUCK_S
    deadline_s = time.monotonic() + patience_s
    while (market_ns := _look(hub, story)) < window.end_ns:
        if time.monotonic() > deadline_s:
            raise RuntimeError(f"{window.name}: market time does not come to its end")
        if due and market_ns >= window.open_ns + due[0].after_s * 1_000_000_000:
            done = _break(hub, due.pop(0), story)
            say(f"  {done.outage.what} ({done.subject})")


def _break(hub: WeekHub, outage: Outage, story: Story) -> Done:
    before = _pids(hub)
    at_ns = time.time_ns()
    subject = hub.do(outage)
    deadline_s = time.monotonic() + 2 * outage.within_s
    well_ns = 0
    while not well_ns and time.monotonic() < deadline_s:
        if _look(hub, story) and _well(hub, outage, subject, before, at_ns):
            well_ns = time.time_ns()
    done = Done(outage, subject, at_ns, well_ns)
    story.done.append(done)
    return done


def _well(hub: WeekHub, outage: Outage, subject: str, before: dict[str, int], at_ns: int) -> bool:
    """Whether what was broken is there again: a new process at work; of an arbiter, a leader."""
    try:
        beats = hub.beats()
    except StreamsError:
        hub.forget()
        return False
    if outage.what == "server_killed":
        return hub.log().watch(0)[1].log_ns > at_ns
    if outage.what == "arbiter_killed":
        return any(
            name != subject and beat.service == "arbiter" and beat.state == "leading"
            for name, beat in beats.items()
        )
    beat = beats.get(subject)
    return beat is not None and beat.pid != before[subject] and beat.ts_ns > at_ns


def _pids(hub: WeekHub) -> dict[str, int]:
    return {name: beat.pid for name, beat in hub.beats().items()}


def _after(hub: WeekHub, story: Story) -> None:
    """Let the sources end, the last things be written; nobody may run then."""
    deadline_s = time.monotonic() + GRACE_S
    while time.monotonic() < deadline_s:
        _look(hub, story)
    for name, beat in hub.beats().items():
        if name.startswith("ingest:") and beat.state != "ended" and _lives(beat.pid):
            story.strays.append(name)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _look(hub: WeekHub, story: Story) -> int:
    """Keep the processes up, take the events; return market time, 0 while nobody can tell."""
    hub.host.keeper.converge()
    time.sleep(NAP_S)
    try:
        story.events.extend(e for e in hub.events() if e.kind not in {"heartbeat", "source.rate"})
        return hub.market_ns()
    except StreamsError:
        hub.forget()
        return 0
