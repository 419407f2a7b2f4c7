"""The hub's synthetic market as a clean stream: every field, eight exchanges, no file needed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from mdhub.market.snapshot import Snapshot
from mdhub.market.synthetic import SyntheticMarket
from mdhub.wire.ticks import Level
from truth.stream import BOOK, COLUMNS, SECOND_NS, Contract, Stream, stream_of, time_text

__all__ = ["simulated", "simulated_day"]

_LUNCH_S = 85 * 60
"""The market has traded 85 minutes at 11:25; its next minute is at 13:35."""

_NIGHT_TO_MORNING_S: Final = 12 * 3600
_NIGHT_TO_CLOSE_S: Final = 18 * 3600 + 60
_SETTLED_S: Final = 46 * 60
"""The last settlement prices come at 15:44."""

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
    lines = [_line(snapshot, bare=bare) for snapshot in _between(market, start_ns, end_ns)]
    return stream_of("bare" if bare else "sim", COLUMNS + BOOK, lines, _contracts(market))


def simulated_day(*, seed: int, traded_s: int, ticks_per_s: float) -> Stream:
    """Return pieces of one trading day: the night's open, the morning's open, close and settlement.

    As long as `traded_s` each, with auctions, bells and what comes after them.
    """
    market = SyntheticMarket(seed=seed, ticks_per_s=ticks_per_s, sessions="full")
    night_ns = market.start_ns  # 20:59
    morning_ns = night_ns + _NIGHT_TO_MORNING_S * SECOND_NS
    close_ns = night_ns + _NIGHT_TO_CLOSE_S * SECOND_NS
    pieces = (
        (night_ns, night_ns + traded_s * SECOND_NS),
        (morning_ns, morning_ns + traded_s * SECOND_NS),
        (close_ns - traded_s * SECOND_NS, close_ns + _SETTLED_S * SECOND_NS),
    )
    lines = [
        _line(snapshot, bare=False)
        for start_ns, end_ns in pieces
        for snapshot in _between(market, start_ns, end_ns)
    ]
    return stream_of("night", COLUMNS + BOOK, lines, _contracts(market))


def _between(market: SyntheticMarket, start_ns: int, end_ns: int) -> Iterator[Snapshot]:
    for snapshot in market.snapshots(start_ns):
        if snapshot.made_ns >= end_ns:
            return
        yield snapshot


def _contracts(market: SyntheticMarket) -> dict[str, Contract]:
    return {
        c.symbol: Contract(c.symbol, c.exchange, "", c.multiplier, c.tick) for c in market.contracts
    }


def _line(snapshot: Snapshot, *, bare: bool) -> str:
    """Return a row with its true dates; what fronts make of them is `stream_of`'s."""
    s = snapshot if not bare else msgspec.structs.replace(snapshot, **_ABSENT)
    action_day, _, _ = time_text(s.exchange_ns)
    head = (
        s.day, action_day, s.symbol, s.true_exchange, s.update_time, s.update_ms, s.last,
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
