"""Rows C: wall clocks that step."""

from __future__ import annotations

import time
from random import Random
from typing import Final

from mdhub.drill.gears import COMPILER, Clocks, worn
from mdhub.drill.port import Drill
from mdhub.drill.rig import Rig
from mdhub.wire.ops import Event, EventKind

__all__ = ["DRILLS"]

STEP_S: Final = 60.0
ALARM_S: Final = 2.0
SERVER: Final = "server"
SECOND_SOURCE: Final = "ingest:B"


def _step_server(rig: Rig, random: Random) -> None:
    _steps(rig, [(SERVER, SERVER, sign) for sign in _signs(random)])


def _step_services(rig: Rig, random: Random) -> None:
    leader = rig.leader()
    legs = [(leader, rig.crew.instance(leader), sign) for sign in _signs(random)]
    _, second = rig.crew.named("ingest")
    _steps(rig, [*legs, *((second, SECOND_SOURCE, sign) for sign in _signs(random))])


def _signs(random: Random) -> list[int]:
    return random.sample((-1, 1), 2)


def _steps(rig: Rig, legs: list[tuple[str, str, int]]) -> None:
    """Step clocks of children one after the other and put each right again."""
    token, slowest_s = rig.token(), 0.0
    for child, subject, sign in legs:
        slowest_s = max(slowest_s, _step(rig, child, subject, sign))
    rig.wait_live()
    taken = rig.token() - token
    rig.figures |= {"takeovers": taken, "slowest_alarm_s": round(slowest_s, 3)}
    rig.claim(f"takeovers {taken}, expected 0", held=taken == 0)
    rig.claim(f"slowest alarm {slowest_s:.2f} s, at most {ALARM_S:g} s", held=slowest_s <= ALARM_S)


def _step(rig: Rig, child: str, subject: str, sign: int) -> float:
    """Step one clock there and back; return how long the monitor took to say so."""
    clocks, known = worn(rig, Clocks), {event.id for event in _clock_events(rig)}

    def told(change: str) -> bool:
        return any(
            event.id not in known and event.subject == subject and event.body["change"] == change
            for event in _clock_events(rig)
        )

    rig.fault(f"clock of {child} {sign * STEP_S:+g} s")
    clocks.set(child, sign * STEP_S)
    began_s = time.monotonic()
    change = "ahead" if sign > 0 else "behind"
    rig.until(lambda: told(change), f"an event that the clock of {subject} is {change}")
    alarm_s = time.monotonic() - began_s
    rig.wait(1.0)
    clocks.set(child, 0.0)
    rig.until(lambda: told("right"), f"an event that the clock of {subject} is right again")
    return alarm_s


def _clock_events(rig: Rig) -> list[Event]:
    return [event for event in rig.events(newest=200) if event.kind == EventKind.CLOCK]


DRILLS: Final = [
    Drill(
        id="C1",
        title="clock of the server steps",
        fault="wall clock of the server 60 s behind, then right, 60 s ahead, then right",
        criterion="no takeover, an event <= 2 s after each step",
        run=_step_server,
        gear=Clocks,
        needs=(COMPILER,),
    ),
    Drill(
        id="C1b",
        title="clocks of services step",
        fault="the same with the leading arbiter, then with one of two sources",
        criterion="no takeover, an event <= 2 s after each step",
        run=_step_services,
        gear=Clocks,
        needs=(COMPILER,),
    ),
]
