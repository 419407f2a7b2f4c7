"""The hub's synthetic market as a clean stream: every field, eight exchanges, no file needed."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from mdhub.market.snapshot import Snapshot
from mdhub.market.synthetic import SyntheticMarket
from mdhub.wire.ticks import Level
from truth.stream import BOOK, COLUMNS, SECOND_NS, Contract, Stream, stream_of

__all__ = ["simulated"]

_LUNCH_S = 85 * 60
"""The market has traded 85 minutes at 11:25; its next minute is at 13:35."""


_ABSENT: Final[dict[str, Any]] = dict.fromkeys(
    "turnover open high low close settlement pre_close pre_settlement pre_open_interest limit_up"
    " limit_down average".split()
)


def simulated(*, seed: int, traded_s: int, ticks_per_s: float, bare: bool = False) -> Stream:
    """Return a piece of the synthetic market with the lunch break in the middle.

    `bare` leaves out what the recording of 2017 lacks: limits, turnover, open, high, low.
    """
    market = SyntheticMarket(seed=seed, ticks_per_s=ticks_per_s)
    start_ns = market.time_after(max(0, _LUNCH_S - traded_s // 2) * SECOND_NS)
    end_ns = market.time_after((max(0, _LUNCH_S - traded_s // 2) + traded_s) * SECOND_NS)
    lines = []
    for snapshot in market.snapshots(start_ns):
        if snapshot.made_ns >= end_ns:
            break
        lines.append(_line(snapshot, bare=bare))
    contracts = {
        c.symbol: Contract(c.symbol, c.exchange, "", c.multiplier, c.tick) for c in market.contracts
    }
    return stream_of("bare" if bare else "sim", COLUMNS + BOOK, lines, contracts)


def _line(snapshot: Snapshot, *, bare: bool) -> str:
    s = snapshot if not bare else msgspec.structs.replace(snapshot, **_ABSENT)
    head = (
        s.trading_day, s.action_day, s.symbol, s.true_exchange, s.update_time, s.update_ms, s.last,
        s.volume, s.turnover, s.open_interest, s.open, s.high, s.low, s.close, s.settlement,
        s.pre_close, s.pre_settlement, s.pre_open_interest, s.limit_up, s.limit_down, s.average,
    )  # fmt: skip
    book = [cell for level in range(5) for side in (s.bids, s.asks) for cell in _level(side, level)]
    return ",".join([*map(_cell, head), *book])


def _level(side: list[Level], level: int) -> tuple[str, str]:
    if level >= len(side):
        return "", ""
    price, volume = side[level]
    return _cell(price), _cell(volume)


def _cell(value: str | float | None) -> str:
    return "" if value is None else str(value)
