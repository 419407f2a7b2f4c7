"""Row X1: entries nobody can understand."""

from __future__ import annotations

from random import Random
from typing import Final

from mdhub.drill.intruder import Intruder, arbiter_counters, starts
from mdhub.drill.port import Drill
from mdhub.drill.rig import Rig
from mdhub.wire.codec import control

__all__ = ["DRILLS"]

POISON: Final = "P"
BATCHES: Final = 40
BATCH: Final = 50
UNKNOWN: Final = "xqzTC0"
"""Letters that are no kind of entry in raw."""
REASONS: Final = ("undecodable", "unknown_field")


def _poison(rig: Rig, random: Random) -> None:
    before, token, counted = starts(rig), rig.token(), _reasons(rig)
    unread = 0
    with Intruder(rig, POISON) as intruder:
        rig.fault(f"{BATCHES * BATCH} poison entries among those of the sources")
        for _ in range(BATCHES):
            drawn = [_entry(random) for _ in range(BATCH)]
            intruder.append("".join(kind for kind, _ in drawn), [body for _, body in drawn])
            unread += len(drawn)
            rig.wait(random.uniform(0.01, 0.05))
    rig.until(lambda: _reasons(rig) - counted >= unread, f"{unread} poison entries to be counted")
    rig.wait(0.5)
    seen, taken = _reasons(rig) - counted, rig.token() - token
    rig.figures |= {"poison": unread, "rejected": seen, "takeovers": taken}
    rig.claim(f"{seen} of {unread} rejected with their reason", held=seen == unread)
    rig.claim(f"take-overs {taken}, expected 0", held=taken == 0)
    again = [name for name, count in starts(rig).items() if count != before.get(name)]
    rig.claim(f"restarted by it: {', '.join(again) or 'nothing'}", held=not again)


def _entry(random: Random) -> tuple[str, bytes]:
    """A kind and a payload; none of them can be understood."""
    noise = random.randbytes(random.randrange(0, 200))
    match random.randrange(4):
        case 0:
            return random.choice(UNKNOWN), noise
        case 1:
            return "t", b"\xc1" + noise  # a byte that MessagePack never uses
        case 2:
            return "c", b"\xc1" + noise
        case _:
            kind = random.choice(("clock", "lead", "rules", "contracts", "config", "verdict"))
            return "c", control(kind, POISON, 1, 1, 0, {"poison": noise})


def _reasons(rig: Rig) -> int:
    counters = arbiter_counters(rig)
    return sum(counters.get(f"reason:{reason}", 0) for reason in REASONS)


DRILLS: Final = [
    Drill(
        id="X1",
        title="poison entries",
        fault="2,000 raw entries of unknown types or bytes nobody can decode",
        criterion="each rejected with a reason; no take-over, no restart; silence <= 0.2 s",
        run=_poison,
        silence_max_s=0.2,
    ),
]
