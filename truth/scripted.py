"""A scripted contract: a short, wholly consistent run of rows, written for one purpose.

Traps and holds need situations no recording has. Prices walk on the grid, extremes, turnover,
average and limits agree with them, so that only what a script changes is out of the ordinary.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Final

from truth.stream import COLUMNS, SECOND_NS, Contract, Fact, Stream, clock_ns, time_text

__all__ = ["CONTRACTS", "DBL_MAX", "Script", "in_turn", "script_day", "stream_from"]

DBL_MAX: Final = "1.7976931348623157e+308"
_NEW: Final = {
    "OpenPrice": DBL_MAX, "HighestPrice": DBL_MAX, "LowestPrice": DBL_MAX, "Turnover": "0",
    "AveragePrice": "0", "Volume": "0",
}  # fmt: skip

CONTRACTS: Final = (
    Contract("rb2701", "SHFE", "rb", 10, 1.0),
    Contract("ag2702", "SHFE", "ag", 15, 1.0),
    Contract("sc2701", "INE", "sc", 1000, 0.1),
    Contract("m2701", "DCE", "m", 10, 1.0),
    Contract("i2701", "DCE", "i", 100, 0.5),
    Contract("SR701", "CZCE", "SR", 10, 1.0),
    Contract("TA701", "CZCE", "TA", 5, 2.0),
    Contract("si2701", "GFEX", "si", 5, 5.0),
    Contract("IF2612", "CFFEX", "IF", 300, 0.2),
    Contract("T2703", "CFFEX", "T", 10000, 0.005),
)
_PRICE: Final = 1_000
"""First price in ticks; the limits are a tenth away."""
_BAND: Final = 100


@dataclass
class Script:
    """Rows of one contract. `now` is the row to come; change it between calls of `tick`."""

    contract: Contract
    rng: Random
    day: str = "20260622"
    at_ns: int = 0
    phase_ms: int = 0

    def __post_init__(self) -> None:
        self.facts: list[Fact] = []
        self.price = _PRICE
        self.volume = 0
        self.value = 0
        self.size = 1
        self.high = self.low = self.open = 0
        self.band = _BAND
        self.clock_s = 0
        """How far the exchange's stamps are ahead of the time at which rows are made."""
        self.fraction = 0.0
        """Added to the last price, in ticks."""
        self.turnover_factor = 1.0
        self.crossed = False
        self.over: dict[str, str] = {}
        """Cells said in place of the true ones, until told otherwise."""
        if not self.at_ns:
            self.at("09:30:00")

    def next_day(self) -> str:
        """Return the day after; scripts begin on Mondays."""
        today = date(int(self.day[:4]), int(self.day[4:6]), int(self.day[6:]))
        return f"{today + timedelta(1):%Y%m%d}"

    def at(self, time: str, *, day: str = "") -> Script:
        """Go to a time of day; a new day begins with volume 0."""
        if day and day != self.day:
            self.day, self.volume, self.value = day, 0, 0
        self.at_ns = clock_ns(self.day, time, "0") + self._phase_ns()
        return self

    def _phase_ns(self) -> int:
        return 0 if self.contract.exchange == "CZCE" else self.phase_ms * 1_000_000

    def walk(self, amount: int, *, tag: str = "", lots: int = 3) -> Script:
        """Trade for some ticks, two a second (CZCE: two in each second, none with ms)."""
        for _ in range(amount):
            self.price += self.rng.choice((-1, 0, 0, 1))
            self.trade(lots + self.rng.randrange(5), tag=tag)
        return self

    def trade(self, lots: int, *, tag: str = "", role: str = "tick") -> Script:
        """One row, half a second after the one before; `lots` at the current price."""
        if lots and not self.volume:
            self.open = self.high = self.low = self.price
        elif lots:
            self.high, self.low = max(self.high, self.price), min(self.low, self.price)
        self.volume += lots
        self.value += lots * self.price
        self._add(tag, role)
        self.at_ns += SECOND_NS // 2
        return self

    def _add(self, tag: str, role: str) -> None:
        made_ns = self.at_ns
        # Another size each time: equal rows beside each other would be a repeat.
        self.size = (self.size + self.rng.randrange(1, 88)) % 89 + 1
        ts_ns = made_ns + self.clock_s * SECOND_NS
        if self.contract.exchange == "CZCE":
            ts_ns = ts_ns // SECOND_NS * SECOND_NS
        cells = self._cells(ts_ns) | self.over
        line = ",".join(cells[name] for name in COLUMNS)
        number = len(self.facts)
        fact = Fact(line, self.contract.symbol, self.contract.exchange, number, role, made_ns,
                    ts_ns, int(self.day), tag)  # fmt: skip
        self.facts.append(fact)

    def text(self, ticks: float) -> str:
        """Return a price of so many ticks as fronts print it."""
        return str(round(ticks * self.contract.tick, 6))

    def _cells(self, ts_ns: int) -> dict[str, str]:
        date, time, ms = time_text(ts_ns)
        text = self.text
        bid, ask = self.price - 1, self.price + 1
        if self.crossed:
            bid, ask = ask, bid
        cells = {
            "TradingDay": self.day, "ActionDay": date, "InstrumentID": self.contract.symbol,
            "ExchangeID": self.contract.exchange, "UpdateTime": time, "UpdateMillisec": ms,
            "LastPrice": text(self.price + self.fraction), "Volume": str(self.volume),
            "OpenInterest": "50000",
            "OpenPrice": text(self.open), "HighestPrice": text(self.high + self.fraction),
            "LowestPrice": text(self.low), "ClosePrice": DBL_MAX, "SettlementPrice": DBL_MAX,
            "PreClosePrice": text(_PRICE - 2), "PreSettlementPrice": text(_PRICE),
            "PreOpenInterest": "49000", "UpperLimitPrice": text(_PRICE + self.band),
            "LowerLimitPrice": text(_PRICE - self.band), "BidPrice1": text(bid),
            "BidVolume1": str(self.size), "AskPrice1": text(ask),
            "AskVolume1": str(self.size + 1), **self._money(),
        }  # fmt: skip
        return cells if self.volume else cells | _NEW

    def _money(self) -> dict[str, str]:
        """Turnover and average; CZCE's are made of a rounded average."""
        if not self.volume:
            return {}
        tick, multiplier = self.contract.tick, self.contract.multiplier
        if self.contract.exchange == "CZCE":
            average = round(self.value * tick / self.volume)
            return {"AveragePrice": str(average), "Turnover": str(average * self.volume)}
        turnover = round(self.value * tick * multiplier * self.turnover_factor, 6)
        return {"AveragePrice": str(turnover / self.volume), "Turnover": str(turnover)}


def in_turn(name: str, streams: list[Stream]) -> Stream:
    """Put streams of successive days behind each other; a contract's rows are numbered on."""
    facts: list[Fact] = []
    contracts: dict[str, Contract] = {}
    for stream in streams:
        first = len(facts)
        facts += [fact._replace(snapshot=first + fact.snapshot) for fact in stream.facts]
        contracts |= stream.contracts
    return Stream(name, COLUMNS, facts, contracts)


def script_day(number: int) -> str:
    """Return a Monday or Wednesday from 2026-06-22 on; none of the first 24 is beside a holiday."""
    return f"{date(2026, 6, 22) + timedelta(weeks=number // 2, days=number % 2 * 2):%Y%m%d}"


def stream_from(name: str, scripts: list[Script]) -> Stream:
    """Make a stream of scripts that ran beside each other."""
    facts = sorted((f for s in scripts for f in s.facts), key=lambda fact: fact.made_ns)
    contracts = {script.contract.symbol: script.contract for script in scripts}
    return Stream(name, COLUMNS, facts, contracts)
