"""Rows F: no fault but load, which must not look like one."""

from __future__ import annotations

import os
import sys
from random import Random
from typing import Final

from mdhub.drill.port import Drill, Layout
from mdhub.drill.rig import Rig
from mdhub.runtime.keeper import ChildSpec

__all__ = ["DRILLS"]

SECONDS: Final = 60.0
BURN: Final = "while True: pass"


def _burn(rig: Rig, random: Random) -> None:  # noqa: ARG001 - a row
    token = rig.token()
    cores = os.cpu_count() or 1
    command = [sys.executable, "-m", "mdhub.runtime.leash", sys.executable, "-c", BURN]
    burners = [f"burner {number}" for number in range(cores)]
    rig.fault(f"{cores} processes that burn CPU")
    for name in burners:
        rig.crew.want(ChildSpec(name, lambda _: command))
    seconds = rig.options.seconds or SECONDS
    rig.wait(seconds)
    rig.crew.stop(*burners)
    rig.wait_live()
    taken = rig.token() - token
    rig.figures |= {"seconds": seconds, "takeovers": taken, "burners": cores}
    rig.claim(f"false takeovers {taken} in {seconds:g} s, expected 0", held=taken == 0)


DRILLS: Final = [
    Drill(
        id="F1",
        title="full CPU load",
        fault="as many processes that burn CPU as there are cores, for 60 s (--seconds)",
        criterion="0 false takeovers",
        run=_burn,
        layout=Layout(maxmemory_mb=6_144),
    ),
]
