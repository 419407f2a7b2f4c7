# HOT: `Track.snapshots_of` runs for every slot of a contract that has snapshots.
"""A contract on its way through a trading day: its state in each minute, and its snapshots.

Everything follows from the contract's key, the number of the trading day and the sums of its
pattern, so a track can be set to any minute at once.
"""

from __future__ import annotations

from functools import lru_cache
from random import Random
from typing import Final, NamedTuple
from zlib import crc32

from mdhub.market.dates import MS_NS
from mdhub.market.listing import Character, Contract, mix
from mdhub.market.minutes import Minute, Move, Rhythm
from mdhub.market.moment import Moment, Stamp
from mdhub.market.patterns import PATTERN_MINUTES, Pattern
from mdhub.market.sessions import Program, Step
from mdhub.market.snapshot import NO_VALUE, Snapshot
from mdhub.wire.ticks import Level

__all__ = ["RHYTHMS", "State", "Track"]

RHYTHMS: Final = {
    "SHFE": Rhythm.GRID,
    "INE": Rhythm.GRID,
    "CFFEX": Rhythm.GRID,
    "SSE": Rhythm.GRID,
    "DCE": Rhythm.JITTER,
    "GFEX": Rhythm.JITTER,
    "SZSE": Rhythm.JITTER,
    "CZCE": Rhythm.SECOND,
}
_PHASED: Final = frozenset({"CFFEX", "SSE"})
_FIVE_LEVELS: Final = frozenset({"SHFE", "INE"})
_EXCHANGE_SENT: Final = frozenset({"SSE", "SZSE"})
"""The normal futures front leaves ExchangeID empty; SOPT fills it."""
_ZERO_IS_NOTHING: Final = frozenset({"CZCE", "SSE", "SZSE"})
"""Where "no value" is 0; elsewhere it is DBL_MAX. CZCE's settlement price is DBL_MAX too."""
_AUCTION_LOTS: Final = 40
_MINUTES_OF_A_DAY: Final = 600
"""No contract trades longer."""


class State(NamedTuple):
    """Where a contract stands before some minute; prices in ticks."""

    last: int
    high: int
    low: int
    volume: int
    value: int
    """Sum of price x lots over the day's trades."""
    interest: int


class _PriceGrid(dict[int, float]):
    """Price of a number of ticks, without the noise of binary multiplication."""

    def __init__(self, tick: float) -> None:
        super().__init__()
        self._tick = tick

    def __missing__(self, ticks: int) -> float:
        price = self[ticks] = float(round(ticks * self._tick, 6))
        return price


@lru_cache(maxsize=64)
def _grid(tick: float) -> _PriceGrid:
    return _PriceGrid(tick)


class _Stretch(NamedTuple):
    """A contract's trading day: where in the pattern it begins, and which way up."""

    first: int
    sign: int
    """0: the price does not move."""
    open: int


class Track:
    """One contract on one trading day after the other."""

    __slots__ = (
        "_day",
        "_high",
        "_low",
        "_nothing",
        "_pattern",
        "_pre_close",
        "_pre_settlement",
        "_price",
        "_seed",
        "_sign",
        "_state",
        "_stretch",
        "_trend",
        "auction_lots",
        "burst_ns",
        "contract",
        "phase_ms",
        "program",
        "stamps_ms",
    )

    program: Program
    """Of the present trading day."""

    def __init__(self, contract: Contract, pattern: Pattern, *, seed: int, auctions: bool) -> None:
        """`auctions`: it is liquid enough to trade in opening auctions."""
        self.contract = contract
        self._pattern = pattern
        self._price = _grid(contract.tick)
        self._seed = seed
        self._nothing = 0.0 if contract.exchange in _ZERO_IS_NOTHING else NO_VALUE
        self.auction_lots = _AUCTION_LOTS * contract.lots if auctions else 0
        """Volume of each auction."""
        self.stamps_ms = RHYTHMS[contract.exchange] is not Rhythm.SECOND
        """Whether the exchange sends milliseconds."""
        self.phase_ms = 0
        """Part of a second by which the exchange's two stamps are late today."""
        self.burst_ns = 0
        """The contract's place in the burst of each 500 ms."""
        if RHYTHMS[contract.exchange] is Rhythm.GRID:
            self.burst_ns = crc32(contract.symbol.encode()) % 40_000 * 1_000

    # --- the trading day

    def open_day(self, day: int, step: Step, *, program: Program, before: Program) -> None:
        """Begin a trading day, at some step of it; `before` is the program of the day before."""
        self._day = day
        self.program = program
        self._stretch = self._stretch_of(day)
        yesterday = self._stretch_of(day - 1)
        self._pre_settlement = self._settlement(yesterday, before)
        listed = day > self.contract.first_day
        self._pre_close = self._last(yesterday, len(before.places)) if listed else None
        self.phase_ms = _phase_ms(self.contract.exchange, self._seed, day)
        state = self.state(step)
        self._high, self._low = state.high, state.low

    def _stretch_of(self, day: int) -> _Stretch:
        contract, pattern = self.contract, self._pattern
        chance = mix(contract.key, day)
        first = chance % (PATTERN_MINUTES - _MINUTES_OF_A_DAY)
        match contract.character:
            case Character.PENNY:
                return _Stretch(first, 1, contract.base_ticks + pattern.price[first])
            case Character.LOCKED:
                return _Stretch(first, 0, contract.base_ticks + (day + 1) % 2 * contract.band_ticks)
            case Character.QUOTED:
                return _Stretch(first, 1, contract.base_ticks)
            case Character.PLAIN | Character.SLEEPY:
                sign = 1 if chance & 1 << 20 else -1
                return _Stretch(first, sign, contract.base_ticks + (chance >> 40) % 21 - 10)

    def _settlement(self, stretch: _Stretch, program: Program) -> int:
        """Return the day's average price."""
        steps = program.steps
        last = Step(steps[-1].kind, len(program.places), len(program.auction_places))
        volume, value = self._traded(stretch, last, program)
        return round(value / volume) if volume else stretch.open

    def _last(self, stretch: _Stretch, traded: int) -> int:
        price, first = self._pattern.price, stretch.first
        return stretch.open + stretch.sign * (price[first + traded] - price[first])

    def _traded(self, stretch: _Stretch, step: Step, program: Program) -> tuple[int, int]:
        """Return volume and value until a step."""
        pattern, first, lots = self._pattern, stretch.first, self.contract.lots
        place = first + step.traded
        traded = pattern.volume[place] - pattern.volume[first]
        moved = pattern.value[place] - pattern.value[first] - pattern.price[first] * traded
        volume = traded * lots
        value = (stretch.open * traded + stretch.sign * moved) * lots
        if self.auction_lots:
            for auction in program.auction_places[: step.auctions]:
                volume += self.auction_lots
                traded_before = program.steps[auction].traded
                value += self.auction_lots * self._last(stretch, traded_before)
        return volume, value

    def state(self, step: Step) -> State:
        """Return where the contract stands before a step of the day."""
        pattern, stretch = self._pattern, self._stretch
        first, place = stretch.first, stretch.first + step.traded
        volume, value = self._traded(stretch, step, self.program)
        high = max(pattern.high[first:place], default=pattern.price[first])
        low = min(pattern.low[first:place], default=pattern.price[first])
        high, low = self._range(high, low)
        interest = pattern.interest[place] - pattern.interest[first]
        return State(
            last=self._last(stretch, step.traded),
            high=max(stretch.open, high),
            low=min(stretch.open, low),
            volume=volume,
            value=value,
            interest=self.contract.open_interest + interest * self.contract.lots,
        )

    def _range(self, high: int, low: int) -> tuple[int, int]:
        """Turn a range of the pattern into one of the day."""
        stretch, start = self._stretch, self._pattern.price[self._stretch.first]
        ends = (
            stretch.open + stretch.sign * (high - start),
            stretch.open + stretch.sign * (low - start),
        )
        return max(ends), min(ends)

    # --- one minute

    def minute(self, step: Step) -> Minute:
        """Return the minute of the pattern that is played at a step."""
        return self._pattern.minutes[self._stretch.first + step.traded]

    def begin(self, step: Step) -> None:
        """Begin a minute of trading."""
        stretch, place = self._stretch, self._stretch.first + step.traded
        volume, value = self._traded(stretch, step, self.program)
        interest = self._pattern.interest[place] - self._pattern.interest[stretch.first]
        self._state = State(
            self._last(stretch, step.traded),
            self._high,
            self._low,
            volume,
            value,
            self.contract.open_interest + interest * self.contract.lots,
        )
        self._sign = stretch.sign * self._pattern.signs[place]
        self._trend = self._pattern.trends[place]

    def end(self, step: Step) -> None:
        """Remember the range of a minute of trading."""
        place = self._stretch.first + step.traded
        high, low = self._range(self._pattern.high[place], self._pattern.low[place])
        self._high, self._low = max(self._high, high), min(self._low, low)

    def begin_again(self, step: Step) -> None:
        """Return to an earlier minute of the day, for a row that is sent again."""
        self.begin(step)
        self._state = self.state(step)

    def stand(self, step: Step) -> None:
        """Stand still before a step, for rows outside continuous trading."""
        self._state, self._sign, self._trend = self.state(step), 1, 1

    def snapshots_of(self, moves: tuple[Move, ...], slot: int, moment: Moment) -> list[Snapshot]:
        """Return the snapshots of one slot."""
        second_ns, text, slot_ms = moment.stamp(slot)
        slot_ns = second_ns + slot_ms * MS_NS
        if not self.stamps_ms:
            whole = Stamp(second_ns, text, 0)
            return [self.snapshot(m, slot_ns + m.after_ms * MS_NS, whole, moment) for m in moves]
        made = []
        for move in moves:
            after_ms = move.after_ms + self.phase_ms
            stamp = Stamp(second_ns, text, slot_ms + after_ms)
            made_ns = slot_ns + after_ms * MS_NS + self.burst_ns
            made.append(self.snapshot(move, made_ns, stamp, moment))
        return made

    def filled_before(self, step: Step) -> int:
        """Return the newest minute of continuous trading with a snapshot; negative if none."""
        return self._pattern.filled[self._stretch.first + step.traded] - self._stretch.first

    def closing(self, *, settled: bool) -> tuple[float, float]:
        """Return the day's close and settlement price, as far as they are known."""
        minutes = len(self.program.places)
        settlement = self._price[self._settlement(self._stretch, self.program)]
        close = self._price[self._last(self._stretch, minutes)]
        if self.contract.character is Character.QUOTED:
            close = self._nothing
        return close, settlement if settled else NO_VALUE

    def snapshot(self, move: Move, made_ns: int, stamp: Stamp, moment: Moment) -> Snapshot:
        """Return a snapshot of the present minute."""
        contract, price, state, sign = self.contract, self._price, self._state, self._sign
        lots, nothing = contract.lots, self._nothing
        bid = state.last + move.bid if sign > 0 else state.last - move.bid - (sign < 0)
        volume = state.volume + move.volume * lots
        value = state.value + (state.last * move.volume + sign * move.value) * lots
        turnover, average = self._turnover(value, volume)
        ends = (state.last + sign * move.high, state.last + sign * move.low)
        traded = volume > 0
        settled, band = self._pre_settlement, contract.band_ticks
        trading_day, action_day = moment.days[contract.exchange]
        bids, asks = self._book(bid, move)
        return Snapshot(
            made_ns,
            stamp.second_ns + stamp.ms * MS_NS,
            moment.day,
            contract.exchange,
            contract.symbol,
            contract.exchange if contract.exchange in _EXCHANGE_SENT else "",
            trading_day,
            action_day,
            stamp.text,
            stamp.ms,
            price[state.last + sign * move.last] if traded else nothing,
            volume,
            turnover,
            float(state.interest + self._trend * move.open_interest * lots),
            price[self._stretch.open] if traded else nothing,
            price[max(state.high, *ends)] if traded else nothing,
            price[min(state.low, *ends)] if traded else nothing,
            nothing,
            NO_VALUE if contract.exchange == "CZCE" else nothing,
            nothing if self._pre_close is None else price[self._pre_close],
            price[settled],
            float(contract.open_interest),
            price[settled + band],
            price[max(1, settled - band)],
            average,
            bids,
            asks,
        )

    def _turnover(self, value: int, volume: int) -> tuple[float, float]:
        """Return turnover and average as CTP has them: CZCE's turnover is made from its average."""
        contract = self.contract
        if not volume:
            return 0.0, self._nothing
        if not self.stamps_ms:
            average = float(round(value / volume * contract.tick))
            return average * volume, average
        turnover = value * float(round(contract.tick * contract.multiplier, 6))
        return turnover, turnover / volume

    def _book(self, bid: int, move: Move) -> tuple[list[Level], list[Level]]:
        contract = self.contract
        if contract.character is Character.LOCKED:
            up = self._day % 2 == 0
            at_limit, volume = self._state.last, 100 * (move.bid_volume + move.ask_volume)
            none: list[Level] = [(self._nothing, 0)] * len(self._levels(at_limit, -1, 1))
            one = self._levels(at_limit, -1 if up else 1, volume)
            return (one, none) if up else (none, one)
        return (
            self._levels(bid, -1, move.bid_volume),
            self._levels(bid + contract.spread_ticks, 1, move.ask_volume),
        )

    def _levels(self, ticks: int, step: int, volume: int) -> list[Level]:
        price = self._price
        if ticks <= 0:
            return [(self._nothing, 0)]
        if self.contract.exchange not in _FIVE_LEVELS or self.contract.character is Character.PENNY:
            return [(price[ticks], volume)]
        return [
            (price[ticks], volume),
            (price[ticks + step], volume * 3 % 97 + 1),
            (price[ticks + 2 * step], volume * 5 % 97 + 1),
            (price[ticks + 3 * step], volume * 7 % 97 + 1),
            (price[ticks + 4 * step], volume * 11 % 97 + 1),
        ]


@lru_cache(maxsize=64)
def _phase_ms(exchange: str, seed: int, day: int) -> int:
    """Return the phase of a grid exchange on a day: SHFE has none, CFFEX another every day."""
    if exchange not in _PHASED:
        return 0
    return Random(f"{seed}/{exchange}/{day}").choice((0, 100, 200, 300, 400))
