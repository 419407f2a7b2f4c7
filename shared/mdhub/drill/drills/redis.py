"""Rows R: the server killed and paused."""

from __future__ import annotations

from random import Random
from typing import Final

from mdhub.drill.port import Drill
from mdhub.drill.repair import zombie_writes
from mdhub.drill.rig import Rig

__all__ = ["DRILLS"]

PAUSE_S: Final = 1.5


def _kill_server(rig: Rig, random: Random) -> None:
    for _ in range(rig.options.rounds or 2):
        token = rig.token()
        rig.wait(random.uniform(0.05, 0.35))
        rig.kill("server")
        rig.wait_takeover(token)
        for name in rig.crew.named("arbiter"):
            rig.wait_hot(name)
        rig.wait_live()


def _pause_server(rig: Rig, random: Random) -> None:
    for _ in range(rig.options.rounds or 2):
        token = rig.token()
        rig.wait(random.uniform(0.05, 0.35))
        rig.pause("server")
        rig.wait(PAUSE_S)
        rig.resume("server")
        rig.wait_live()
        rig.wait(0.5)
        rig.figures["takeovers"] = rig.figures.get("takeovers", 0) + rig.token() - token
    written = zombie_writes(rig)
    rig.claim(f"writes of a replaced leader {written}, expected 0", held=written == 0)


DRILLS: Final = [
    Drill(
        id="R1",
        title="server killed",
        fault="kill -9 the server (profile single)",
        criterion="silence <= 1.0 s",
        run=_kill_server,
        silence_max_s=1.0,
        smoke=True,
    ),
    Drill(
        id="R3",
        title="server paused",
        fault="SIGSTOP the server for 1.5 s, then CONT",
        criterion="silence <= 1.8 s (pause + 0.3 s); no two leaders",
        run=_pause_server,
        silence_max_s=PAUSE_S + 0.3,
    ),
]
