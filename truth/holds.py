"""Holds made permanent: a true change that looks like an anomaly and never goes back.

Each must be accepted again within 3 s of market time (design.md section 5), by one source alone
as well as by two.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final

from truth.scripted import CONTRACTS, Script, in_turn, script_day, stream_from
from truth.stream import Stream

__all__ = ["HOLDS", "RECOVERY_S", "holds"]

RECOVERY_S: Final = 3.0
_ROWS: Final = 20
"""Ten seconds at the new level."""

Change = Callable[[Script], None]


def clock_ahead(script: Script) -> None:
    """A07: two and a half minutes without a row of this time, then the clock is that far on."""
    script.clock_s = 150


def price_step(script: Script) -> None:
    """A12, A13: another price level inside the limits; the volume goes on."""
    script.price += 60


def off_grid(script: Script) -> None:
    """A14: the price tick has become smaller than the table says."""
    script.fraction = 0.5


def volume_step(script: Script) -> None:
    """A16: a million lots more."""
    script.volume += 1_000_000
    script.value += 1_000_000 * script.price


def turnover_step(script: Script) -> None:
    """A17: turnover a tenth more than before, from now on."""
    script.turnover_factor = 1.1


def extremes(script: Script) -> None:
    """A18: another open price, from now on."""
    script.open += 5


def crossed(script: Script) -> None:
    """A19: the book stays crossed."""
    script.crossed = True


def limits(script: Script) -> None:
    """A23: the exchange has widened the band during the day."""
    script.band += 40


def pre_close(script: Script) -> None:
    """A23: another previous close."""
    script.over = {"PreClosePrice": script.text(990)}


HOLDS: Final[dict[str, Change]] = {
    "A07 clock": clock_ahead,
    "A13 price step": price_step,
    "A14 off grid": off_grid,
    "A16 volume step": volume_step,
    "A17 turnover": turnover_step,
    "A18 open price": extremes,
    "A19 crossed book": crossed,
    "A23 limits": limits,
    "A23 PreClose": pre_close,
}


def holds(*, contracts: int, seed: int) -> Stream:
    """Return one stream: in each of so many contracts every change comes to stay, one a day."""
    return in_turn(
        "hold",
        [_held(name, contracts, seed, script_day(number)) for number, name in enumerate(HOLDS)],
    )


def _held(name: str, contracts: int, seed: int, day: str) -> Stream:
    scripts = [
        _script(name, Script(contract, Random(f"{seed}/{name}/{contract.symbol}"), day), number)
        for number, contract in enumerate(CONTRACTS[:contracts])
        if not (contract.exchange == "CZCE" and name == "A17 turnover")
    ]
    return stream_from(name, scripts)


def _script(name: str, script: Script, delay: int) -> Script:
    script.walk(40 + delay)
    HOLDS[name](script)
    for _ in range(_ROWS):
        script.walk(1, tag=f"hold {name}")
    return script
