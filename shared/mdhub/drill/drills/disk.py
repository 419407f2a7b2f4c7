"""Rows R2 and D: power lost, disk full, disk slow."""

from __future__ import annotations

import time
from collections.abc import Iterable
from random import Random
from typing import Final

from mdhub.drill.evidence import Evidence
from mdhub.drill.gears import COMPILER, SMALL_DISK, FullDisk, ServerDisk, worn
from mdhub.drill.port import Claim, Drill, Layout
from mdhub.drill.receipts import read_receipts
from mdhub.drill.rig import Rig

__all__ = ["DRILLS"]

SLOW_MS: Final = 800.0
SLOW_S: Final = 12.0
BEFORE_POWER_LOSS_S: Final = 1.5
WINDOW_S: Final = 2.0
"""What profile `fast` declares to lose at most."""
HEALED_S: Final = 5.0
FULL_S: Final = 3.0
BACK_S: Final = 2.0
LITTLE_BYTES: Final = 1 << 18
AMPLE_MB: Final = 1_024


def _lose_power(rig: Rig, random: Random, *, slow_ms: float) -> None:
    gear = worn(rig, ServerDisk)
    epoch = rig.ask(lambda log: log.leadership(0).epoch, -1)
    gear.disk.set(slow_ms)
    rig.wait(BEFORE_POWER_LOSS_S if slow_ms else random.uniform(0.05, 0.35))
    token = rig.token()
    gear.power_fails = True
    rig.kill("server")
    rig.until(lambda: not gear.power_fails, "the server to be started again")
    gear.disk.set(0)
    rig.wait_takeover(token)
    rig.wait_live()
    rig.figures["cut_bytes"] = gear.cut_bytes
    now = rig.ask(lambda log: log.leadership(0).epoch, -1)
    rig.figures["new_epoch"] = now != epoch


def _lose_power_single(rig: Rig, random: Random) -> None:
    _lose_power(rig, random, slow_ms=0.0)


def _lose_power_fast(rig: Rig, random: Random) -> None:
    _lose_power(rig, random, slow_ms=SLOW_MS)


def _nothing_withdrawn(evidence: Evidence) -> Iterable[Claim]:
    withdrawn, _ = _withdrawn(evidence)
    new = evidence.figures["new_epoch"]
    words = f"new epoch: {new}, withdrawn {withdrawn}, expected none: the rewind is empty"
    yield Claim(words, not new and withdrawn == 0)


def _withdrawn_and_told(evidence: Evidence) -> Iterable[Claim]:
    withdrawn, told = _withdrawn(evidence)
    seconds = withdrawn / LAYOUT.ticks_per_s
    evidence.figures |= {"withdrawn": withdrawn, "withdrawn_s": seconds}
    cut = evidence.figures["cut_bytes"]
    yield Claim(f"bytes cut from the log {cut}, expected some", cut > 0)
    yield Claim(f"client was told of {told} new epochs, expected 1", told == 1)
    words = f"withdrawn {withdrawn} ticks ({seconds:.2f} s), declared at most {WINDOW_S:g} s"
    yield Claim(words, seconds <= WINDOW_S)


def _withdrawn(evidence: Evidence) -> tuple[int, int]:
    """Ticks that clients had to forget, and how often they were told of an epoch."""
    withdrawn = told = 0
    for receipt in read_receipts(evidence.clients["client"]):
        if not receipt.is_tick and (notice := receipt.notice())["told"] == "epoch":
            told += 1
            withdrawn += max(0, (notice["withdrawn_to_n"] or receipt.n) - receipt.n)
    return withdrawn, told


def _fill(rig: Rig, random: Random) -> None:
    disk = worn(rig, FullDisk).disk
    rig.wait(random.uniform(0.05, 0.35))
    rig.fault("disk of the server full")
    disk.leave(LITTLE_BYTES)
    rig.until(lambda: disk.free_bytes() == 0 or not _writes(rig), "the disk to be full")
    rig.wait(FULL_S)
    stopped = rig.n()
    disk.resize(AMPLE_MB)
    freed_s = time.monotonic()
    rig.until(lambda: rig.n() > max(stopped, 0), "ticks to be decided again")
    back_s = time.monotonic() - freed_s
    rig.wait_live()
    rig.figures |= {"back_s": round(back_s, 3), "server_starts": _starts(rig)}
    rig.claim(
        f"back {back_s:.2f} s after there was space, at most {BACK_S:g} s", held=back_s <= BACK_S
    )


def _writes(rig: Rig) -> bool:
    before = rig.n()
    rig.wait(0.3)
    return rig.n() > before >= 0


def _starts(rig: Rig) -> int:
    return rig.crew.children["server"].starts


def _slow(rig: Rig, random: Random) -> None:  # noqa: ARG001 - a row
    taken = _slow_for(rig, rig.options.seconds or SLOW_S)
    rig.claim(f"false takeovers {taken}, expected 0", held=taken == 0)


def _too_slow(rig: Rig, random: Random) -> None:  # noqa: ARG001 - a row
    _slow_for(rig, rig.options.seconds or SLOW_S)
    healed_s = rig.figures["live_again_s"]
    words = f"clients follow live again {healed_s:.2f} s after the disk is fast, at most {HEALED_S}"
    rig.claim(f"{words} s", held=healed_s <= HEALED_S)


def _slow_for(rig: Rig, seconds: float) -> int:
    """Slow disk for so long; return how often leadership changed."""
    disk, token = worn(rig, ServerDisk).disk, rig.token()
    rig.fault(f"every fsync takes {SLOW_MS:g} ms for {seconds:g} s")
    disk.set(SLOW_MS)
    rig.wait(seconds)
    disk.set(0)
    began_s = time.monotonic()
    rig.wait_live()
    taken = rig.token() - token
    healed_s = round(time.monotonic() - began_s, 3)
    rig.figures |= {"seconds": seconds, "takeovers": taken, "live_again_s": healed_s}
    return taken


LAYOUT: Final = Layout(profile="fast")

DRILLS: Final = [
    Drill(
        id="R2",
        title="power lost, profile single",
        fault="kill -9 the server, and what had not reached the disk is cut from its files",
        criterion="nothing acknowledged is lost, no new epoch",
        run=_lose_power_single,
        gear=ServerDisk,
        needs=(COMPILER,),
        check=_nothing_withdrawn,
    ),
    Drill(
        id="R2f",
        title="power lost, profile fast",
        fault="the same with fsync once a second, each taking 800 ms",
        criterion="a new epoch is announced, <= 2 s are withdrawn, then view == clean",
        run=_lose_power_fast,
        gear=ServerDisk,
        needs=(COMPILER,),
        layout=LAYOUT,
        check=_withdrawn_and_told,
        loss_window_s=WINDOW_S,
    ),
    Drill(
        id="D1",
        title="disk full",
        fault="the server's disk is full for 3 s, then there is space",
        criterion="back <= 2 s after there is space",
        run=_fill,
        gear=FullDisk,
        needs=(SMALL_DISK,),
    ),
    Drill(
        id="D2",
        title="slow disk, profile fast",
        fault="every fsync takes 800 ms for 12 s (--seconds)",
        criterion="no false takeover, silence <= 0.25 s",
        run=_slow,
        gear=ServerDisk,
        needs=(COMPILER,),
        layout=LAYOUT,
        silence_max_s=0.25,
    ),
    Drill(
        id="D2b",
        title="slow disk, profile single",
        fault="the same where every append waits for its fsync: more than the disk can carry",
        criterion="stalls and loses nothing; live again <= 5 s after the disk is fast again",
        run=_too_slow,
        gear=ServerDisk,
        needs=(COMPILER,),
        layout=Layout(ticks_per_s=500.0),
    ),
]
