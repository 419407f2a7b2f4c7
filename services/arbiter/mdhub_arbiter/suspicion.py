# HOT: once per tick that would be new.
"""What makes a tick suspect: it may be true, but contradicts what the hub knows of the contract.

A suspect tick is held, not dropped: `holds.py` says how a hold ends. Compared is always with the
newest accepted tick of the contract (the reference). In 243,000 rows of real recordings none of
these rules speaks (docs/truth.md); `docs/rules.md` has reason, meaning, parameters and sources.
"""

from __future__ import annotations

from typing import Final

from mdhub.wire.ticks import CleanTick
from mdhub_arbiter.instrument import Contract, Instrument

__all__ = [
    "AFTER_THE_BELL",
    "CROSSED_BOOK",
    "IN_AUCTION",
    "LAST_WITHOUT_VOLUME",
    "LIMITS_CHANGED",
    "OFF_GRID",
    "OHLC",
    "PRE_CHANGED",
    "SCALE",
    "TIME_AHEAD",
    "TIME_BEHIND",
    "TURNOVER",
    "UNKNOWN_INSTRUMENT",
    "VOLUME_JUMP",
    "WAIVABLE",
    "suspicion",
]

TIME_AHEAD: Final = "time_ahead"
TIME_BEHIND: Final = "time_behind"
UNKNOWN_INSTRUMENT: Final = "unknown_instrument"
CROSSED_BOOK: Final = "crossed_book"
OFF_GRID: Final = "off_grid"
OHLC: Final = "ohlc"
SCALE: Final = "scale"
VOLUME_JUMP: Final = "volume_jump"
LAST_WITHOUT_VOLUME: Final = "last_without_volume"
TURNOVER: Final = "turnover"
LIMITS_CHANGED: Final = "limits_changed"
PRE_CHANGED: Final = "pre_changed"

IN_AUCTION: Final = frozenset({CROSSED_BOOK, LAST_WITHOUT_VOLUME})
"""Rules that do not hold while orders are only collected."""
AFTER_THE_BELL: Final = frozenset({CROSSED_BOOK})
"""... and where nothing trades: in breaks and after the close."""

WAIVABLE: Final = frozenset({TIME_AHEAD, CROSSED_BOOK, OFF_GRID, OHLC, TURNOVER})
"""Rules that a true new state of the contract would break again with every tick."""

_MONEY: Final = frozenset({TURNOVER, OHLC})
"""Money is compared with the day's high and low: where these are not believed, neither is it."""

JUMP_LOTS: Final = 20_000
"""Lots that may trade between two snapshots at once; 9,092 is the most in the recordings."""
JUMP_LOTS_PER_S: Final = 20_000
JUMP_SHARE: Final = 2
"""... and at most this many times what the contract had traded before, after a silence."""
SCALE_FUTURE: Final = 1.5
"""A future does not move by a third within a day: its limits are 4 to 20 %."""
SCALE_OPTION: Final = 3.0
OPTION_MOVE_TICKS: Final = 20
"""An option may do so by a few price ticks (1 -> 3 is everyday)."""
OPTION_MOVE: Final = 10.0
"""The same, as a price, where the price tick is not known."""
GRID: Final = 1e-3
SAME: Final = 1e-9
SLACK: Final = 1e-6
SECOND_NS: Final = 1_000_000_000


def suspicion(
    seen: Instrument, ref: CleanTick | None, tick: CleanTick, waived: frozenset[str]
) -> str | None:
    """Reason to hold a tick, or None.

    `ref` = newest accepted (or held) tick of the contract; `waived` = rules that do not speak.
    """
    last, contract = tick.last, seen.contract
    if not seen.outright:
        return None  # combinations: prices may be negative, books are made by the front
    if CROSSED_BOOK not in waived and _crossed(tick):
        return CROSSED_BOOK
    if ref is None:
        return OHLC if tick.volume and OHLC not in waived and _outside_day(tick) else None
    if last is not None and last != ref.last:
        if (
            contract
            and contract.price_tick
            and OFF_GRID not in waived
            and _off_grid(last, contract)
        ):
            return OFF_GRID
        if tick.volume and ref.last and _scaled(seen, ref, last):
            return SCALE
    if tick.volume and OHLC not in waived and _outside_day(tick):
        return OHLC
    if tick.trading_day != ref.trading_day:
        return None
    return _within_day(seen, ref, tick, waived)


def _within_day(
    seen: Instrument, ref: CleanTick, tick: CleanTick, waived: frozenset[str]
) -> str | None:
    traded = (tick.volume or 0) - (ref.volume or 0)
    if traded == 0:
        if tick.volume and tick.last != ref.last and tick.last is not None and ref.last is not None:
            return LAST_WITHOUT_VOLUME
        if waived.isdisjoint(_MONEY) and _moved_money(seen, ref, tick):
            return TURNOVER
    elif traded > JUMP_LOTS and _jumped(ref, tick, traded) and not _is_paid(ref, tick, traded):
        return VOLUME_JUMP
    elif waived.isdisjoint(_MONEY) and _odd_turnover(seen, ref, tick, traded):
        return TURNOVER
    if OHLC not in waived and _day_range_shrank(ref, tick):
        return OHLC
    if (
        tick.limit_up == ref.limit_up
        and tick.limit_down == ref.limit_down
        and tick.pre_settlement == ref.pre_settlement
        and tick.pre_close == ref.pre_close
    ):
        return None  # nearly always
    if _differ(ref.limit_up, tick.limit_up) or _differ(ref.limit_down, tick.limit_down):
        return LIMITS_CHANGED
    if _differ(ref.pre_settlement, tick.pre_settlement) or _differ(ref.pre_close, tick.pre_close):
        return PRE_CHANGED
    return None


def _crossed(tick: CleanTick) -> bool:
    """Both sides are there, with sizes, and a buyer pays what a seller asks."""
    if not tick.bids or not tick.asks:
        return False
    bid, bid_size = tick.bids[0]
    ask, ask_size = tick.asks[0]
    return bool(bid and ask and bid_size and ask_size and bid >= ask)


def _off_grid(last: float, contract: Contract) -> bool:
    if not contract.price_tick:
        return False
    steps = last / contract.price_tick
    return not -GRID < steps - round(steps) < GRID


def _scaled(seen: Instrument, ref: CleanTick, last: float) -> bool:
    before = ref.last or 0.0
    if before <= 0 or last <= 0:
        return False
    if not seen.option:
        return not before / SCALE_FUTURE < last < before * SCALE_FUTURE
    high = max(before, ref.asks[0][0] or 0.0 if ref.asks else 0.0)
    low = min(before, ref.bids[0][0] or before if ref.bids else before)
    least = OPTION_MOVE_TICKS * (seen.contract.price_tick if seen.contract else 0) or OPTION_MOVE
    if last > high * SCALE_OPTION:
        return last - high > least
    return last * SCALE_OPTION < low and low - last > least


def _outside_day(tick: CleanTick) -> bool:
    last, high, low = tick.last, tick.high, tick.low
    if not last or not high or not low:
        return False
    return last > high + SAME * high or last < low - SAME * low


def _jumped(ref: CleanTick, tick: CleanTick, traded: int) -> bool:
    waited_s = (tick.ts_ns - ref.ts_ns) // SECOND_NS
    allowed = min(JUMP_LOTS_PER_S * waited_s, JUMP_SHARE * (ref.volume or 0))
    return traded > JUMP_LOTS + allowed


def _is_paid(ref: CleanTick, tick: CleanTick, traded: int) -> bool:
    """Turnover has grown with the volume: the price of a lot is like before.

    Then most of a day was missed, and nothing is wrong with the number. Needs no multiplier.
    """
    now, before, lots = tick.turnover, ref.turnover, ref.volume
    high, low = tick.high or tick.limit_up, tick.low or tick.limit_down
    if not now or not before or not lots or not high or not low or low < 0:
        return False
    price = (now - before) / traded / (before / lots)
    return low / high <= price <= high / low


def _moved_money(seen: Instrument, ref: CleanTick, tick: CleanTick) -> bool:
    """Turnover changed although no lot was traded (not CZCE: two ways to compute it)."""
    now, before = tick.turnover, ref.turnover
    if now == before or not now or not before or seen.exchange == "CZCE":
        return False
    return abs(now - before) > SLACK * now


def _odd_turnover(seen: Instrument, ref: CleanTick, tick: CleanTick, traded: int) -> bool:
    """Money per lot traded since the reference must lie within the day's prices (not CZCE)."""
    contract = seen.contract
    if contract is None or not contract.multiplier or seen.exchange == "CZCE":
        return False
    now, before, high, low = tick.turnover, ref.turnover, tick.high, tick.low
    if not now or before is None or not high or not low or traded < 0:
        return False
    money = now - before
    lots = traded * contract.multiplier
    slack = SLACK * now
    return not low * lots - slack <= money <= high * lots + slack


def _day_range_shrank(ref: CleanTick, tick: CleanTick) -> bool:
    if tick.high == ref.high and tick.low == ref.low and tick.open == ref.open:
        return False
    if ref.high and tick.high and tick.high < ref.high and _differ(ref.high, tick.high):
        return True
    if ref.low and tick.low and tick.low > ref.low and _differ(ref.low, tick.low):
        return True
    return _differ(ref.open, tick.open)


def _differ(before: float | None, now: float | None) -> bool:
    """Both are there and not the same but for the last digits of a printed float."""
    if before == now or not before or not now:
        return False
    return abs(now - before) > SAME * abs(before)
