"""Rows M: memory of the server full, memory of a service bounded."""

from __future__ import annotations

import contextlib
import json
import resource
import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from random import Random
from typing import Final

from mdhub.drill.evidence import Evidence
from mdhub.drill.port import Claim, Drill, Layout
from mdhub.drill.rig import Rig
from mdhub.streams.budgets import Budget
from mdhub.streams.client import Link
from mdhub.streams.ids import id_parts
from mdhub.streams.port import Entry
from mdhub.streams.topology import CLEAN, RAW, REJECTED
from mdhub.wire.ops import Event, EventKind

__all__ = ["DRILLS"]

FULL_S: Final = 4.0
BACK_S: Final = 2.0
DIES_S: Final = 15.0
MEGABYTE: Final = 1 << 20
KEPT: Final = Budget(4_000, 64 * MEGABYTE)
SHORT: Final = Budget(4_000, MEGABYTE)
"""Less than what a reader may lag behind: it is waited for up to these bytes only."""
OVERTAKEN: Final = "publisher A"
SENT_MS: Final = 3_000


def _full(rig: Rig, random: Random) -> None:
    rig.wait(random.uniform(0.05, 0.35))
    pids = _pids(rig)
    with contextlib.closing(Link(rig.host.url, name="mdhub-drill")) as link:
        rig.fault("memory of the server full")
        _limit(link, rig.ask(lambda log: log.server_facts().used_bytes, 1))
        rig.wait(FULL_S)
        stopped = rig.n()
        rig.wait(0.3)
        held = rig.n() == stopped
        _limit(link, rig.plan.maxmemory_mb * MEGABYTE)
    back_s = _back_s(rig, stopped)
    rig.wait_live()
    rig.figures["back_s"] = round(back_s, 3)
    rig.claim("nothing was decided while memory was full", held=held)
    rig.claim(
        f"back {back_s:.2f} s after there was memory, at most {BACK_S:g} s", held=back_s <= BACK_S
    )
    rig.claim("no process ended meanwhile", held=_pids(rig) == pids)


def _full_and_trimmed(rig: Rig, random: Random) -> None:
    """Streams are as long as they may be; now trimming alone must make room."""
    rig.wait(KEPT.keep_ms / 1000 + random.uniform(1.0, 2.0))
    with contextlib.closing(Link(rig.host.url, name="mdhub-drill")) as link:
        trimmed = _trimmed(rig)
        rig.fault("memory of the server full, streams beyond their budgets")
        _limit(link, rig.ask(lambda log: log.server_facts().used_bytes, 1))
        rig.wait(2 * FULL_S)
        dropped = _trimmed(rig) - trimmed
        stopped = rig.n()
        _limit(link, rig.plan.maxmemory_mb * MEGABYTE)
    back_s = _back_s(rig, stopped)
    rig.wait_live()
    rig.figures |= {"back_s": round(back_s, 3), "dropped": dropped}
    rig.claim(f"entries of clean dropped while full {dropped}, expected some", held=dropped > 0)


def _bounded(rig: Rig, random: Random) -> None:
    for name in ("publisher A", rig.leader()):
        rig.wait(random.uniform(0.05, 0.35))
        pid = rig.pid(name)
        rig.fault(f"RLIMIT_AS of {name} below what it has")
        hard = resource.prlimit(pid, resource.RLIMIT_AS)[1]
        resource.prlimit(pid, resource.RLIMIT_AS, (_virtual_bytes(pid) // 2, hard))
        starts = rig.crew.children[name].starts
        rig.until(
            partial(_started_again, rig, name, starts),
            f"{name} to end and to be replaced", timeout_s=DIES_S,
        )  # fmt: skip
        if name.startswith("arbiter"):
            rig.wait_hot(name)
        rig.wait_live()


def _started_again(rig: Rig, name: str, starts: int) -> bool:
    return rig.crew.children[name].starts > starts


def _overtake(rig: Rig, random: Random) -> None:
    """A publisher stands still for longer than clean may be long."""
    rig.wait(random.uniform(0.05, 0.35))
    rig.pause(OVERTAKEN)
    instance = rig.crew.instance(OVERTAKEN)
    told = rig.until(lambda: _retention(rig, instance), f"an event that {instance} was overtaken")
    # What the server has already sent to it is not lost: about a second of ticks.
    beyond_ms = id_parts(told.body["min_id"].encode())[0] + SENT_MS
    rig.until(lambda: _oldest_ms(rig) > beyond_ms, "clean to be trimmed beyond what was sent")
    rig.resume(OVERTAKEN)
    rig.wait(1.0)
    rig.wait_live()
    rig.figures |= {"after": told.body["after"], "min_id": told.body["min_id"]}
    whole = told.body["stream"] == CLEAN.name and told.body["after"] < told.body["min_id"]
    rig.claim(f"the leader named {instance} and the range of clean it had not read", held=whole)


def _oldest_ms(rig: Rig) -> int:
    oldest = rig.ask(lambda log: log.entries(CLEAN, count=1), list[Entry]())
    return id_parts(oldest[0][0])[0] if oldest else 0


def _retention(rig: Rig, reader: str) -> Event | None:
    found = (event for event in rig.events(newest=200) if event.kind == EventKind.RETENTION)
    return next((event for event in found if event.subject == reader), None)


def _range_told(evidence: Evidence) -> Iterable[Claim]:
    """What the publisher said it never read, against what its own log lines say it had read."""
    text = (evidence.folder / "services.log").read_text(encoding="utf-8")
    lines = [json.loads(line) for line in text.splitlines() if '"overtaken"' in line]
    said = [line for line in lines if line["event"] == "overtaken" and "first_n" in line]
    shown = ", ".join(f"{line['first_n']} to {line['last_n']}" for line in said) or "nothing"
    one = len(said) == 1 and said[0]["first_n"] <= said[0]["last_n"]
    yield Claim(f"the publisher said that it never read n {shown}, expected one range", one)


def _limit(link: Link, limit_bytes: int) -> None:
    link.call("CONFIG", "SET", "maxmemory", str(limit_bytes))


def _back_s(rig: Rig, stopped: int) -> float:
    began_s = time.monotonic()
    rig.until(lambda: rig.n() > stopped, "ticks to be decided again")
    return time.monotonic() - began_s


def _trimmed(rig: Rig) -> int:
    return rig.ask(lambda log: log.trimmed(CLEAN), 0)


def _pids(rig: Rig) -> dict[str, int]:
    return {name: rig.pid(name) for name in rig.crew.children}


def _virtual_bytes(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[0])
    return pages * resource.getpagesize()


DRILLS: Final = [
    Drill(
        id="M1",
        title="memory of the server full",
        fault="maxmemory is what the server uses, for 4 s, then raised",
        criterion="sources buffer, no process ends, back <= 2 s after it is raised",
        run=_full,
    ),
    Drill(
        id="M1b",
        title="memory full, streams over budget",
        fault="the same for 8 s while clean and rejected are older than their budgets",
        criterion="the leader trims although the server is full",
        run=_full_and_trimmed,
        layout=Layout(retention={CLEAN.name: KEPT, REJECTED.name: KEPT, RAW.name: KEPT}),
    ),
    Drill(
        id="M1c",
        title="memory of a service bounded",
        fault="RLIMIT_AS of a publisher, then of the leader, below what it has",
        criterion="it ends and is replaced, nothing lost",
        run=_bounded,
    ),
    Drill(
        id="M2",
        title="a reader overtaken by trimming",
        fault="SIGSTOP one of two publishers until clean was trimmed beyond it, then CONT",
        criterion="leader and publisher name the range; clients notice nothing",
        run=_overtake,
        layout=Layout(retention={CLEAN.name: SHORT, REJECTED.name: KEPT, RAW.name: KEPT}),
        check=_range_told,
    ),
]
