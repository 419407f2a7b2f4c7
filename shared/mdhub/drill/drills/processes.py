"""Rows P: services killed and paused."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from random import Random
from typing import Final

from mdhub.drill.crew import SOURCES
from mdhub.drill.evidence import Evidence
from mdhub.drill.port import Claim, Drill, Layout
from mdhub.drill.repair import caught_up_s, zombie_writes
from mdhub.drill.rig import Rig

__all__ = ["DRILLS"]

ZOMBIE_S: Final = 1.5
REPAIRED_S: Final = 1.0
PAUSE_S: Final = 4.0
LONG_PAUSE_S: Final = 30.0
RECONNECTED_S: Final = 1.5
"""A client is back at a restarted publisher by then (its reconnects are 1 s apart at most)."""
SOURCE_BEAT: Final = "ingest:{}"


def _rounds(rig: Rig, otherwise: int) -> Iterator[int]:
    """Count the faults to put in, and say how many are done now and then."""
    total = rig.options.rounds or otherwise
    for number in range(total):
        if number and number % 50 == 0:
            rig.say(f"{number} of {total} faults")
        yield number


def _kill_leader(rig: Rig, random: Random) -> None:
    for _ in _rounds(rig, 3):
        leader, token = rig.leader(), rig.token()
        rig.wait(random.uniform(0.05, 0.35))
        rig.kill(leader)
        rig.wait_takeover(token)
        rig.wait_hot(leader)


def _pause_leader(rig: Rig, random: Random) -> None:
    for _ in _rounds(rig, 2):
        leader, token = rig.leader(), rig.token()
        rig.wait(random.uniform(0.05, 0.35))
        rig.pause(leader)
        began_s = time.monotonic()
        rig.wait_takeover(token)
        rig.wait(ZOMBIE_S - (time.monotonic() - began_s))
        rig.resume(leader)
        rig.wait_hot(leader)
    written = zombie_writes(rig)
    rig.claim(f"zombie writes {written}, expected 0", held=written == 0)


def _kill_unnoticed(rig: Rig, random: Random) -> None:
    for _ in _rounds(rig, 1):
        standby = rig.standby()
        rig.kill(standby)
        rig.wait_hot(standby)
        watched = {"monitor": rig.crew.instance("monitor")}
        watched |= zip(rig.crew.named("ingest"), map(SOURCE_BEAT.format, SOURCES), strict=True)
        for name, instance in watched.items():
            rig.wait(random.uniform(0.05, 0.35))
            before = rig.beat_pid(instance)
            rig.kill(name)
            rig.wait_replaced(instance, before)
            rig.wait(0.3)


def _kill_publisher(rig: Rig, random: Random) -> None:
    publishers = rig.crew.named("publisher")
    for number in _rounds(rig, 2):
        rig.wait(random.uniform(0.05, 0.35))
        name = publishers[number % len(publishers)]
        instance = rig.crew.instance(name)
        before = rig.beat_pid(instance)
        rig.kill(name)
        rig.wait_replaced(instance, before)
        rig.wait(RECONNECTED_S)
        rig.wait_live()


def _pause_publisher(rig: Rig, random: Random) -> None:
    rig.wait(random.uniform(0.05, 0.35))
    _pause(rig, "publisher A")


def _pause_client(rig: Rig, random: Random) -> None:
    rig.wait(random.uniform(0.05, 0.35))
    _pause(rig, "client")


def _pause(rig: Rig, name: str) -> None:
    rig.pause(name)
    rig.wait(LONG_PAUSE_S if rig.options.long else rig.options.seconds or PAUSE_S)
    rig.figures["resumed_ns"] = rig.resume(name)
    rig.wait(0.3)
    rig.wait_live()
    rig.wait(RECONNECTED_S)


def _repaired(evidence: Evidence) -> Iterable[Claim]:
    found_s = caught_up_s(evidence.clients["client"], evidence.figures["resumed_ns"])
    evidence.figures["repaired_s"] = found_s
    shown = "never" if found_s is None else f"{found_s:.2f} s"
    words = f"client follows live again {shown} after CONT, at most {REPAIRED_S:g} s"
    return [Claim(words, found_s is not None and found_s <= REPAIRED_S)]


def _kill_all(rig: Rig, random: Random) -> None:
    for _ in _rounds(rig, 1):
        rig.wait(random.uniform(0.05, 0.35))
        token = rig.token()
        rig.kill(*(name for name in rig.crew.children if name not in {"server", "client"}))
        rig.wait_takeover(token)
        for name in rig.crew.named("arbiter"):
            rig.wait_hot(name)
        rig.wait_live()
        rig.wait(RECONNECTED_S)


DRILLS: Final = [
    Drill(
        id="P1",
        title="leader killed",
        fault="kill -9 the leading arbiter at a random moment",
        criterion="silence p99 <= 0.25 s, max <= 0.5 s",
        run=_kill_leader,
        silence_p99_s=0.25,
        silence_max_s=0.5,
        smoke=True,
    ),
    Drill(
        id="P2",
        title="leader paused",
        fault="SIGSTOP the leading arbiter for 1.5 s, then CONT",
        criterion="as P1; writes of the paused one after it woke: 0",
        run=_pause_leader,
        silence_p99_s=0.25,
        silence_max_s=0.5,
        smoke=True,
    ),
    Drill(
        id="P3",
        title="standby, monitor, ingest killed",
        fault="kill -9 the standby, the monitor, each of the two ingest supervisors in turn",
        criterion="silence <= 0.05 s",
        run=_kill_unnoticed,
        silence_max_s=0.05,
        smoke=True,
    ),
    Drill(
        id="P4",
        title="publisher killed, of two",
        fault="kill -9 one of two publishers, then the other",
        criterion="silence <= 0.2 s",
        run=_kill_publisher,
        silence_max_s=0.2,
        smoke=True,
    ),
    Drill(
        id="P4b",
        title="the only publisher killed",
        fault="kill -9 the publisher of a hub that has only one",
        criterion="silence <= 0.6 s",
        run=_kill_publisher,
        layout=Layout(publishers=1),
        silence_max_s=0.6,
    ),
    Drill(
        id="P5",
        title="client paused",
        fault="SIGSTOP the strategy's process for 4 s (--long: 30 s), then CONT",
        criterion="follows live again <= 1 s after CONT",
        run=_pause_client,
        check=_repaired,
    ),
    Drill(
        id="P5b",
        title="publisher paused, of two",
        fault="SIGSTOP one of two publishers for 4 s (--long: 30 s), then CONT",
        criterion="silence <= 0.2 s; follows live <= 1 s after CONT",
        run=_pause_publisher,
        check=_repaired,
        silence_max_s=0.2,
    ),
    Drill(
        id="P5c",
        title="the only publisher paused",
        fault="SIGSTOP the publisher of a hub that has only one for 4 s (--long: 30 s), then CONT",
        criterion="follows live again <= 1 s after CONT",
        run=_pause_publisher,
        layout=Layout(publishers=1),
        check=_repaired,
    ),
    Drill(
        id="P6",
        title="all services killed",
        fault="kill -9 arbiters, publishers, monitor and ingest at once; the server lives",
        criterion="silence <= 3 s; what the hub accepted is not lost",
        run=_kill_all,
        silence_max_s=3.0,
        feedless=True,
    ),
]
