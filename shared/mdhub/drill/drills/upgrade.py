"""Row V1: from one version to the next and back while the market ticks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Final

from mdhub.drill.crew import kind_of
from mdhub.drill.gears import worn
from mdhub.drill.port import Drill
from mdhub.drill.rig import Rig
from mdhub.drill.view import entries
from mdhub.host.stack import RULES_VARIABLE
from mdhub.runtime.keeper import ChildSpec
from mdhub.streams.port import Log
from mdhub.streams.topology import RAW
from mdhub.wire.codec import decode_control, decoder
from mdhub.wire.entries import ControlKind, RulesChange

__all__ = ["DRILLS"]

ARBITER: Final = "arbiter"
OLD: Final = 1
NEW: Final = 2

_decode_rules: Final = decoder(RulesChange)


class Versions:
    """Arbiters started from now on bring this version of the rules."""

    def __init__(self, folder: Path) -> None:  # noqa: ARG002 - a gear
        self.rules = OLD

    def dress(self, spec: ChildSpec) -> ChildSpec:
        if kind_of(spec.name) != ARBITER:
            return spec
        told = {RULES_VARIABLE: f'{{"version": {self.rules}}}'}
        return replace(spec, environment={**spec.environment, **told})

    def close(self) -> None:
        pass


def _roll(rig: Rig, random: Random) -> None:
    """The standby first, then the leader, whose place the standby takes; then back the same way."""
    for version in (NEW, OLD):
        worn(rig, Versions).rules = version
        leader, standby, token = rig.leader(), rig.standby(), rig.token()
        rig.wait(random.uniform(0.05, 0.35))
        spec = _stop(rig, standby)
        _start(rig, spec)
        rig.wait_hot(standby)
        _claim_taken(rig, f"the standby became version {version}", token, expected=0)
        spec = _stop(rig, leader)
        rig.wait_takeover(token)
        _start(rig, spec)
        rig.wait_hot(leader)
        _wait_rules(rig, version)
        rig.wait_live()
        _claim_taken(rig, f"the leader became version {version}", token, expected=1)
    rig.figures["rules"] = found = _rules(rig)
    rig.claim(f"rules entries {found}, expected {[NEW, OLD]}", held=found == [NEW, OLD])


def _stop(rig: Rig, name: str) -> ChildSpec:
    spec = rig.crew.children[name].spec
    rig.fault(f"SIGTERM {name}, to start it as another version")
    rig.crew.stop(name)
    return spec


def _start(rig: Rig, spec: ChildSpec) -> None:
    rig.crew.want(spec)
    rig.crew.converge()


def _claim_taken(rig: Rig, when: str, token: int, *, expected: int) -> None:
    taken = rig.token() - token
    rig.claim(f"{taken} take-overs until {when}, expected {expected}", held=taken == expected)


def _wait_rules(rig: Rig, version: int) -> None:
    rig.until(lambda: _rules(rig)[-1:] == [version], f"an entry of rules version {version}")


def _rules(rig: Rig) -> list[int]:
    """Versions that raw has entries of, in order."""
    return rig.ask(lambda log: list(_rules_entries(log)), list[int]())


def _rules_entries(log: Log) -> Iterator[int]:
    for _, fields in entries(log, RAW):
        if fields[0] == b"c" and (entry := decode_control(fields[1])).kind == ControlKind.RULES:
            yield _decode_rules(entry.body).version


DRILLS: Final = [
    Drill(
        id="V1",
        title="roll to another version and back",
        fault="arbiters are replaced one by one, standby first, by version 2 of the rules and back",
        criterion="silence <= 0.4 s; one leadership change per step; the rules entry in raw",
        run=_roll,
        gear=Versions,
        silence_max_s=0.4,
    ),
]
