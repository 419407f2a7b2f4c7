"""The kinds of anomaly A06-A20, A22, A23: each turns one good row into a bad one.

One small pure function per kind: it gets the row, the contract's row before it and a random
generator, and returns the cells to change, or None where the row does not lend itself to it.
What repeats or moves whole rows (A01-A05, A21) is in `repeats`, outages (A24, A25) in `outages`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from random import Random
from typing import Final, NamedTuple

from truth.stream import Contract, in_auction, number

__all__ = ["CORRUPTIONS", "EXPECTED", "Row"]

EXPECTED: Final = {
    **dict.fromkeys("A01 A02 A03 A04 A05 A08 A10 A11 A12 A13 A15 A21 A22 A25".split(), "drop"),
    **dict.fromkeys("A07 A14 A16 A17 A18 A19 A23".split(), "hold"),
    **dict.fromkeys("A06 A09 A20".split(), "repair"),
    "A24": "failover",
}
"""What is to become of each kind (domain.md section 6)."""

_DBL_MAX: Final = "1.7976931348623157e+308"
_NO_VALUES: Final = (_DBL_MAX, "3.4028234663852886e+38", "nan", "inf", "-inf")
_EXCHANGES: Final = ("SHFE", "INE", "DCE", "CZCE", "GFEX", "CFFEX", "SSE", "SZSE")

Cells = dict[str, str]


class Row(NamedTuple):
    """A good row and what is known about it."""

    now: Cells
    before: Cells
    """The contract's snapshot before it."""
    contract: Contract

    def last(self) -> float | None:
        """Return the last price, None for no value."""
        return number(self.now["LastPrice"])

    def volume(self) -> int:
        """Return the day's volume so far."""
        return int(self.now["Volume"] or 0)

    def same_day(self) -> bool:
        """Whether the volume has not begun anew since the row before."""
        return int(self.before["Volume"] or 0) <= self.volume()

    def in_auction(self) -> bool:
        """Whether it was made while orders are only collected."""
        return in_auction(self.contract, self.now["UpdateTime"])

    def price(self, value: float) -> str:
        """Return a price as text, without the noise of binary arithmetic."""
        return str(round(value, 6))


def wrong_date(row: Row, rng: Random) -> Cells | None:
    """A06."""
    day = row.now["TradingDay"] or row.now["ActionDay"]
    if not day:
        return None
    wrong = _shift_day(day, rng.choice((-1, 1)))
    return rng.choice(
        (
            {"ActionDay": wrong},
            {"TradingDay": wrong},
            {"ActionDay": row.now["TradingDay"] or wrong},
            {"TradingDay": row.now["ActionDay"] or wrong},
        )
    )


def _shift_day(day: str, days: int) -> str:
    moved = date(int(day[:4]), int(day[4:6]), int(day[6:])) + timedelta(days)
    return f"{moved:%Y%m%d}"


def wrong_clock(row: Row, rng: Random) -> Cells | None:
    """A07."""
    hour, minute, second = map(int, row.now["UpdateTime"].split(":"))
    of_day_s = (hour * 60 + minute) * 60 + second
    if rng.random() < 0.5:
        moved = (of_day_s + rng.randrange(120, 8 * 3600)) % 86_400
        return {"UpdateTime": _clock(moved)}
    if not row.last():
        return None
    return {"UpdateTime": _clock((of_day_s - 3600) % 86_400), "Volume": str(row.volume() + 10)}


def _clock(second: int) -> str:
    return f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"


def malformed_time(row: Row, rng: Random) -> Cells | None:
    """A08."""
    time = row.now["UpdateTime"]
    broken = ("", "24:61:00", "99:99:99", time.replace(":", ""), time[:5], f"x{time[1:]}")
    if rng.random() < 0.1:
        return {"UpdateMillisec": rng.choice(("1000", "-1"))}
    return {"UpdateTime": rng.choice(broken)}


def no_value(row: Row, rng: Random) -> Cells | None:
    """A09."""
    fields = [
        name
        for name in ("OpenPrice", "HighestPrice", "LowestPrice", "ClosePrice", "SettlementPrice",
                     "AveragePrice", "BidPrice1", "AskPrice1", "PreClosePrice", "Turnover")
        if row.now[name]
    ]  # fmt: skip
    if not fields:
        return None
    chosen = rng.sample(fields, rng.randrange(1, min(3, len(fields)) + 1))
    # Where DBL_MAX is what exchanges send on a good day, it is no anomaly.
    return {name: rng.choice(_NO_VALUES[_may_be_empty(row, name) :]) for name in chosen}


def _may_be_empty(row: Row, name: str) -> bool:
    if name in {"ClosePrice", "SettlementPrice", "PreClosePrice"}:
        return True
    if name in {"BidPrice1", "AskPrice1"}:
        return not number(row.now[name.replace("Price", "Volume")])
    return row.volume() <= 0


def not_positive(row: Row, rng: Random) -> Cells | None:
    """A10."""
    return {"LastPrice": rng.choice(("0", "-1"))} if row.volume() > 0 else None


def outside_limits(row: Row, rng: Random) -> Cells | None:
    """A11."""
    up, down = number(row.now["UpperLimitPrice"]), number(row.now["LowerLimitPrice"])
    away = rng.randrange(1, 50) * row.contract.tick
    if not up or not down or row.volume() <= 0:
        return None
    above = rng.random() < 0.5
    price = up + away if above else down - away
    cells = {"LastPrice": row.price(price)}
    if rng.random() < 0.5:
        cells |= _traded_at(row, price, "HighestPrice" if above else "LowestPrice")
    return cells


def _traded_at(row: Row, price: float, extreme: str) -> Cells:
    """Make the rest of the row agree with a price: only what it is beside can give it away."""
    lots = 10
    cells = {"Volume": str(row.volume() + lots), extreme: row.price(price)}
    turnover = number(row.now["Turnover"])
    if turnover:
        money = lots * price * row.contract.multiplier
        cells["Turnover"] = row.price(turnover + money)
    return cells


def wrong_scale(row: Row, rng: Random) -> Cells | None:
    """A12."""
    factor = rng.choice((10, 0.1, 100))
    fields = ["LastPrice"] if rng.random() < 0.5 else ["LastPrice", "BidPrice1", "AskPrice1"]
    if not row.last() or row.volume() <= 0:
        return None
    return {
        name: row.price(value * factor)
        for name in fields
        if (value := number(row.now[name])) is not None
    }


def spike(row: Row, rng: Random) -> Cells | None:
    """A13."""
    before, up = number(row.before["LastPrice"]), number(row.now["UpperLimitPrice"])
    down = number(row.now["LowerLimitPrice"])
    if not before or row.volume() <= 0 or row.now["Volume"] != row.before["Volume"]:
        return None
    if row.in_auction():
        return None
    price = before + rng.choice((-1, 1)) * rng.randrange(5, 201) * row.contract.tick
    if price <= 0 or (up and price > up) or (down and price < down):
        return None
    return {"LastPrice": row.price(price)}


def off_grid(row: Row, _rng: Random) -> Cells | None:
    """A14."""
    last = row.last()
    if not last or row.volume() <= 0:
        return None
    return {"LastPrice": row.price(last + 0.3 * row.contract.tick)}


def volume_falls(row: Row, rng: Random) -> Cells | None:
    """A15."""
    before = int(row.before["Volume"] or 0)
    if before <= 1 or not row.same_day():
        return None
    less = rng.choice((1, 2, rng.randrange(1, 100), rng.randrange(1, 1_000_000)))
    return {"Volume": str(max(1, before - less))}


def volume_jumps(row: Row, rng: Random) -> Cells | None:
    """A16."""
    wrapped = str(row.volume() - (1 << 32) if row.volume() >= 1 << 31 else -row.volume() - 1)
    return {"Volume": rng.choice((str(row.volume() + 1_000_000), wrapped))}


def wrong_turnover(row: Row, rng: Random) -> Cells | None:
    """A17."""
    turnover = number(row.now["Turnover"])
    if not turnover or row.contract.exchange == "CZCE" or not row.same_day():
        return None
    if rng.random() < 0.5:
        return {"Turnover": row.price(turnover * 1.1)}
    if row.now["Volume"] == row.before["Volume"]:
        return None
    return {"Turnover": row.before["Turnover"]}


def wrong_extremes(row: Row, rng: Random) -> Cells | None:
    """A18."""
    last, high = row.last(), number(row.now["HighestPrice"])
    low, first = number(row.now["LowestPrice"]), number(row.now["OpenPrice"])
    if not last or not high or not low or not first or not row.same_day():
        return None
    tick = row.contract.tick
    choice = rng.randrange(3)
    if choice == 0:
        return {"HighestPrice": row.price(last - tick)}
    if choice == 1 and last - low >= tick and number(row.before["LowestPrice"]) == low:
        return {"LowestPrice": row.price(low + tick)}
    return {"OpenPrice": row.price(first + 5 * tick)}


def crossed_book(row: Row, _rng: Random) -> Cells | None:
    """A19."""
    bid, ask = number(row.now["BidPrice1"]), number(row.now["AskPrice1"])
    closed = "15:00:00" <= row.now["UpdateTime"] < "20:00:00"
    if not bid or not ask or bid >= ask or closed or row.in_auction():
        return None
    return {"BidPrice1": row.now["AskPrice1"], "AskPrice1": row.now["BidPrice1"]}


def negative_size(row: Row, rng: Random) -> Cells | None:
    """A20."""
    name = rng.choice(("BidVolume1", "AskVolume1"))
    return {name: "-5"} if row.now[name] else None


def unknown_symbol(row: Row, rng: Random) -> Cells | None:
    """A22."""
    symbol = row.now["InstrumentID"]
    others = [name for name in _EXCHANGES if name != row.contract.exchange]
    choices = [{"InstrumentID": f"zz{symbol[-4:]}"}, {"ExchangeID": rng.choice(others)}]
    if symbol.swapcase() != symbol:
        choices.append({"InstrumentID": symbol.swapcase()})
    return rng.choice(choices)


def other_limits(row: Row, rng: Random) -> Cells | None:
    """A23."""
    names = [
        name
        for name in ("UpperLimitPrice", "LowerLimitPrice", "PreClosePrice")
        if number(row.now[name]) and number(row.before[name])
    ]
    if not names or not row.same_day():
        return None
    name = rng.choice(names)
    outward = -1 if name == "LowerLimitPrice" else 1
    moved = float(row.now[name]) + outward * rng.randrange(5, 50) * row.contract.tick
    return {name: row.price(moved)}


CORRUPTIONS: Final[dict[str, Callable[[Row, Random], Cells | None]]] = {
    "A06": wrong_date,
    "A07": wrong_clock,
    "A08": malformed_time,
    "A09": no_value,
    "A10": not_positive,
    "A11": outside_limits,
    "A12": wrong_scale,
    "A13": spike,
    "A14": off_grid,
    "A15": volume_falls,
    "A16": volume_jumps,
    "A17": wrong_turnover,
    "A18": wrong_extremes,
    "A19": crossed_book,
    "A20": negative_size,
    "A22": unknown_symbol,
    "A23": other_limits,
}
