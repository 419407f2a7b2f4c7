"""Rows S: profile `replicated`, three servers watched by three Sentinels."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from random import Random
from typing import Any, Final

from mdhub.drill.evidence import Evidence
from mdhub.drill.gears import worn
from mdhub.drill.port import Claim, Drill, Layout
from mdhub.drill.receipts import read_receipts
from mdhub.drill.replicas import (
    MINORITY,
    PARTITION,
    Parted,
    Replicated,
    master_or_none,
    planned,
)
from mdhub.drill.rig import Rig
from mdhub.drill.view import entries
from mdhub.host.replicated import SENTINELS, SERVERS, ReplicatedRig
from mdhub.streams.client import Link
from mdhub.streams.errors import StreamsError
from mdhub.streams.topology import RAW, Keys
from mdhub.wire.codec import decode_control, decode_raw_tick

__all__ = ["DRILLS"]

FAILOVER_S: Final = 3.0
SILENT_FAILOVER_S: Final = 4.5
"""Of a master that is silent rather than gone: Sentinels need 0.9 to 1.9 s more to call it down."""
PAUSE_S: Final = 5.0
WATCH_S: Final = 3.0
ASK_S: Final = 0.3
NEWEST: Final = 3_000
CUT_S: Final = 8.0
STILL_PUBLISHES_S: Final = 2.5
CALM_S: Final = 4.0
MINOR_CLIENT: Final = "client 2"


# -- what all of them do


def _wait_replicas(rig: Rig, servers: ReplicatedRig, count: int) -> None:
    def there() -> bool:
        master = master_or_none(servers)
        return master is not None and servers.replicas(master) == count

    rig.until(there, f"{count} replicas to follow")


def _wait_promoted(rig: Rig, servers: ReplicatedRig, before: str) -> str:
    def promoted() -> str | None:
        now = master_or_none(servers)
        return now if now != before else None

    return rig.until(promoted, f"another master than {before}")


def _wait_well(rig: Rig, token: int) -> None:
    rig.wait_takeover(token)
    for name in rig.crew.named("arbiter"):
        rig.wait_hot(name)
    rig.wait_live()


def _nothing_taken_back(evidence: Evidence) -> Iterator[Claim]:
    """Published, then absent: what clients had to withdraw, or have and the log has not."""
    taken = phantom = 0
    for name, path in evidence.clients.items():
        told = [r.notice() for r in read_receipts(path) if not r.is_tick]
        epochs = [each for each in told if each["told"] == "epoch"]
        taken += sum(_withdrawn(each) for each in epochs)
        phantom += evidence.clean[name].phantom
    words = f"published, then absent: {taken} withdrawn, {phantom} not in clean; expected 0"
    yield Claim(words, taken == phantom == 0)


def _withdrawn(told: dict[str, Any]) -> int:
    upto: int | None = told["withdrawn_to_n"]
    return 0 if upto is None else max(0, upto - int(told["n"]))


# -- S1


def _kill_master(rig: Rig, random: Random) -> None:
    servers = worn(rig, Replicated).servers
    for _ in range(rig.options.rounds or 1):
        token, master = rig.token(), servers.master()
        rig.wait(random.uniform(0.05, 0.35))
        rig.fault(f"kill -9 {master}, the master")
        servers.kill(master)
        _wait_promoted(rig, servers, master)
        _wait_well(rig, token)
        servers.restart(master)
        _wait_replicas(rig, servers, len(SERVERS) - 1)


# -- S2


def _pause_master(rig: Rig, random: Random) -> None:
    servers = worn(rig, Replicated).servers
    token, master = rig.token(), servers.master()
    rig.wait(random.uniform(0.05, 0.35))
    rig.fault(f"SIGSTOP {master}, the master, for {PAUSE_S:g} s")
    paused_s, paused_ms = time.monotonic(), time.time_ns() // 1_000_000
    servers.pause(master)
    _wait_promoted(rig, servers, master)
    rig.wait(PAUSE_S - (time.monotonic() - paused_s))
    servers.resume(master)
    written = _written_by(rig, servers, master, paused_ms)
    _wait_well(rig, token)
    _wait_replicas(rig, servers, len(SERVERS) - 1)
    kept = rig.ask(lambda log: {entry_id for entry_id, _ in entries(log, RAW)}, set[bytes]())
    _claim_under_way(rig, {each: by for each, by in written.items() if each not in kept})


def _claim_under_way(rig: Rig, gone: dict[bytes, str]) -> None:
    """Lost may be what was under way to the master when it stopped: one call of each writer.

    Nobody was told that it was taken, and it is sent again. The entries of a call share a moment.
    """
    calls = Counter(by for _, by in {(each.partition(b"-")[0], by) for each, by in gone.items()})
    rig.figures |= {"zombie_lost": len(gone), "zombie_calls": dict(calls)}
    words = f"{len(gone)} entries taken by the old master and lost, calls by writer {dict(calls)}"
    rig.claim(f"{words}, at most 1 each", held=all(count <= 1 for count in calls.values()))


def _written_by(rig: Rig, servers: ReplicatedRig, name: str, since_ms: int) -> dict[bytes, str]:
    """Raw entries that a server takes from that moment until it is demoted: id and writer."""
    key, written = Keys(rig.plan.prefix).stream(RAW), dict[bytes, str]()
    deadline_s = time.monotonic() + WATCH_S
    while time.monotonic() < deadline_s:
        try:
            link = Link(f"redis://{servers.address(name)}", name="mdhub-drill", timeout_s=ASK_S)
        except StreamsError:
            continue
        try:
            while bytes(link.call("ROLE")[0]) == b"master" and time.monotonic() < deadline_s:
                found = link.call("XREVRANGE", key, "+", str(since_ms), "COUNT", NEWEST)
                written |= {bytes(each): _writer(fields) for each, fields in found}
        except StreamsError:
            continue
        else:
            return written
        finally:
            link.close()
    return written


def _writer(fields: list[bytes]) -> str:
    if fields[0] == b"t":
        return decode_raw_tick(fields[1]).source
    return decode_control(fields[1]).writer


# -- S3


def _part(rig: Rig, random: Random) -> None:
    gear = worn(rig, Parted)
    if rig.leader() not in MINORITY:
        _hand_over(rig)
    token, master = rig.token(), gear.servers.master()
    rig.wait(random.uniform(0.05, 0.35))
    rig.fault(f"cable pulled: {master}, the leader and a publisher are cut off for {CUT_S:g} s")
    rig.figures["pulled_ns"] = pulled_ns = time.monotonic_ns()
    gear.cable.pull()
    _wait_promoted(rig, gear.servers, master)
    rig.wait_takeover(token)
    rig.wait(CUT_S - (time.monotonic_ns() - pulled_ns) / 1e9)
    rig.figures["plugged_ns"] = time.monotonic_ns()
    gear.cable.plug()
    for name in rig.crew.named("arbiter"):
        rig.wait_hot(name)
    rig.wait_live()
    _wait_replicas(rig, gear.servers, len(SERVERS) - 1)


def _hand_over(rig: Rig) -> None:
    """Let the other arbiter lead: the one at the far end shall be cut off as the leader."""
    leader, token = rig.leader(), rig.token()
    spec = rig.crew.children[leader].spec
    rig.crew.stop(leader)
    rig.wait_takeover(token)
    rig.crew.want(spec)
    rig.wait_hot(leader)
    rig.wait_live()


def _minority_stopped(evidence: Evidence) -> Iterable[Claim]:
    pulled_ns, plugged_ns = evidence.figures["pulled_ns"], evidence.figures["plugged_ns"]
    ticks = [r.at_ns for r in read_receipts(evidence.clients[MINOR_CLIENT]) if r.is_tick]
    cut_off = [at_ns - pulled_ns for at_ns in ticks if pulled_ns <= at_ns < plugged_ns]
    last_s = max(cut_off, default=0) / 1e9
    late = sum(ns > STILL_PUBLISHES_S * 1e9 for ns in cut_off)
    evidence.figures["minority_published_s"] = round(last_s, 3)
    words = f"the minority published for {last_s:.2f} s, at most {STILL_PUBLISHES_S:g} s"
    yield Claim(words, not late)
    yield from _nothing_taken_back(evidence)


# -- S4


def _lose_one(rig: Rig, random: Random) -> None:
    servers, token = worn(rig, Replicated).servers, rig.token()
    master = servers.master()
    replica = random.choice([name for name in SERVERS if name != master])
    for name in (random.choice(SENTINELS), replica):
        rig.wait(random.uniform(0.05, 0.35))
        rig.fault(f"kill -9 {name}")
        servers.kill(name)
        rig.wait(CALM_S)
        servers.restart(name)
        _wait_replicas(rig, servers, len(SERVERS) - 1)
        rig.wait(1.0)
    taken = rig.token() - token
    rig.claim(f"take-overs {taken}, expected 0", held=taken == 0)
    rig.claim(f"master still {master}", held=servers.master() == master)


_LAYOUT: Final = Layout(profile="replicated", ticks_per_s=500.0)
"""Six more processes share the machine's cores."""

DRILLS: Final = [
    Drill(
        id="S1",
        title="master killed",
        fault="kill -9 the master of three servers, watched by three Sentinels",
        criterion=f"silence <= {FAILOVER_S:.1f} s; published, then absent: 0",
        run=_kill_master,
        layout=_LAYOUT,
        gear=Replicated,
        plan=planned,
        silence_max_s=FAILOVER_S,
        check=_nothing_taken_back,
    ),
    Drill(
        id="S2",
        title="master paused",
        fault="SIGSTOP the master for 5 s, then CONT with its clients still connected",
        criterion=f"silence <= {SILENT_FAILOVER_S:g} s; lost when it woke: <= 1 call of a writer",
        run=_pause_master,
        layout=_LAYOUT,
        gear=Replicated,
        plan=planned,
        silence_max_s=SILENT_FAILOVER_S,
        check=_nothing_taken_back,
    ),
    Drill(
        id="S3",
        title="master and leader cut off",
        fault="network of master, leader, a publisher and a source cut from the rest for 8 s",
        criterion="minority silent after 2.5 s; silence of the others <= 4.5 s",
        run=_part,
        layout=replace(_LAYOUT, clients=2),
        gear=Parted,
        plan=planned,
        needs=(PARTITION,),
        silence_max_s=SILENT_FAILOVER_S,
        check=_minority_stopped,
    ),
    Drill(
        id="S4",
        title="a Sentinel, then a replica killed",
        fault="kill -9 one of three Sentinels, then one of two replicas",
        criterion="no failover, no take-over; silence <= 0.2 s",
        run=_lose_one,
        layout=_LAYOUT,
        gear=Replicated,
        plan=planned,
        silence_max_s=0.2,
        check=_nothing_taken_back,
    ),
]
