# HOT: `_Track._snapshot` runs once per snapshot.
"""A market without any file: the same for everybody who knows its seed, from any moment on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from math import ceil
from operator import attrgetter
from random import Random
from typing import Final, NamedTuple
from zlib import crc32

from mdhub.market.dates import MS_NS, SECOND_NS
from mdhub.market.errors import MarketError
from mdhub.market.listing import Contract, list_contracts
from mdhub.market.minutes import (
    MINUTES_KEPT,
    SLOT_MS,
    SLOTS,
    Minute,
    Move,
    Rhythm,
    make_minutes,
)
from mdhub.market.sessions import MINUTE_NS, START_NS, first_of_day, minute_at, start_of
from mdhub.market.snapshot import NO_VALUE, Snapshot
from mdhub.wire.ticks import CHINA_TIME, Level

__all__ = ["SyntheticMarket"]

_SLOT_NS: Final = SLOT_MS * MS_NS
_SMALLEST: Final = 60
_COMFORTABLE_RATE: Final = 1.5
_HIGHEST_RATE: Final = 1.94
"""Snapshots a second and contract; two at most, and no minute is quite full."""

_RHYTHMS: Final = {
    "SHFE": Rhythm.GRID,
    "INE": Rhythm.GRID,
    "CFFEX": Rhythm.GRID,
    "SSE": Rhythm.GRID,
    "DCE": Rhythm.JITTER,
    "GFEX": Rhythm.JITTER,
    "SZSE": Rhythm.JITTER,
    "CZCE": Rhythm.SECOND,
}
_FIVE_LEVELS: Final = frozenset({"SHFE", "INE"})
_EXCHANGE_SENT: Final = frozenset({"SSE", "SZSE"})
"""The normal futures front leaves ExchangeID empty; SOPT fills it."""

_OPENING: Final = 0x5DEECE66D
"""Tells the draw of a day's opening from those of its minutes."""

_by_made: Final = attrgetter("made_ns")


class SyntheticMarket:
    """Some contracts of eight exchanges that trade from `start_ns` on, day after day, for ever.

    They trade in the sessions of `mdhub.market.sessions`; between them nothing is made, and who
    plays the market jumps over the gap. Every trading day opens near the previous settlement,
    with volume and open interest as at its beginning, so only two days are ever looked at.
    Deterministic in the arguments: two markets with the same ones make the same snapshots.
    Cost, measured on one core: about 200,000 snapshots/s; beginning in the middle, however
    late, takes at most 35 ms per 60 contracts.
    """

    def __init__(
        self,
        *,
        seed: int = 1,
        ticks_per_s: float = 90.0,
        contracts: int | None = None,
    ) -> None:
        size = contracts or max(_SMALLEST, ceil(ticks_per_s / _COMFORTABLE_RATE))
        if not 0 < ticks_per_s <= size * _HIGHEST_RATE:
            raise MarketError(
                f"ticks_per_s was {ticks_per_s:g} for {size} contracts, expected more than 0 and "
                f"at most {_HIGHEST_RATE} for each; ask for more contracts or leave them out"
            )
        self.seed: Final = seed
        self.start_ns: Final = START_NS
        self.contracts: Final = list_contracts(seed, size)
        self._minutes: Final = _minutes_by_pace(seed, ticks_per_s / size / 2)

    def snapshots(self, from_ns: int = 0) -> Iterator[Snapshot]:
        """Yield every snapshot made at or after `from_ns`, in order of `made_ns`, for ever."""
        from_ns = max(from_ns, self.start_ns)
        first_block, into_ns = minute_at(from_ns)
        tracks = self._tracks_at(first_block)
        first_slot = into_ns // _SLOT_NS
        for block in count(first_block):
            minute = _MinuteClock.of(start_of(block))
            for track in tracks:
                track.begin(block, minute)
            for slot in range(first_slot, SLOTS):
                for snapshot in _slot_of(tracks, slot, minute):
                    if snapshot.made_ns >= from_ns:
                        yield snapshot
            for track in tracks:
                track.end()
            first_slot = 0

    def time_after(self, traded_ns: int) -> int:
        """Return the market time at which the market has traded that long since its start."""
        minute, into_ns = divmod(traded_ns, MINUTE_NS)
        return start_of(minute) + into_ns

    def _tracks_at(self, first_block: int) -> list[_Track]:
        """Begin with the day before: today's opening needs nothing of it but its close."""
        since = max(0, first_of_day(first_of_day(first_block) - 1))
        tracks = [
            _Track(contract, self._minutes[_RHYTHMS[contract.exchange], place % 2], self.seed)
            for place, contract in enumerate(self.contracts)
        ]
        for block in range(since, first_block):
            minute = _MinuteClock.of(start_of(block))
            for track in tracks:
                track.begin(block, minute)
                track.end()
        return tracks


def _minutes_by_pace(seed: int, fill: float) -> dict[tuple[Rhythm, int], tuple[Minute, ...]]:
    """Every second contract is busy, the others are quiet; the mean is `fill`."""
    busy = min(0.97, fill * 1.5)
    fills = (busy, 2 * fill - busy)
    return {
        (rhythm, pace): make_minutes(rhythm, fills[pace], Random(f"{seed}/{rhythm}/{pace}"))
        for rhythm in Rhythm
        for pace in (0, 1)
    }


def _slot_of(tracks: list[_Track], slot: int, minute: _MinuteClock) -> list[Snapshot]:
    made: list[Snapshot] = []
    slot_ns = minute.start_ns + slot * _SLOT_NS
    stamp = minute.stamp(slot)
    for track in tracks:
        moves = track.moves[slot]
        if moves:
            track.snapshots_of(moves, slot_ns, stamp, made)
    made.sort(key=_by_made)
    return made


class _Stamp(NamedTuple):
    """Time of day of one slot as text, and the ms at which it begins in its second."""

    second_ns: int
    text: str
    ms: int


class _MinuteClock(NamedTuple):
    """One market minute in the words of the exchanges."""

    start_ns: int
    day: str
    """Trading day and natural day are one: there is no night session."""
    text: str

    @classmethod
    def of(cls, start_ns: int) -> _MinuteClock:
        moment = datetime.fromtimestamp(start_ns // SECOND_NS, UTC).astimezone(CHINA_TIME)
        return cls(
            start_ns=start_ns,
            day=f"{moment:%Y%m%d}",
            text=f"{moment:%H:%M}",
        )

    def stamp(self, slot: int) -> _Stamp:
        second, half = divmod(slot, 2)
        return _Stamp(
            self.start_ns + second * SECOND_NS, f"{self.text}:{second:02}", half * SLOT_MS
        )


class _PriceGrid(dict[int, float]):
    """Price of a number of ticks, without the noise of binary multiplication."""

    def __init__(self, tick: float) -> None:
        super().__init__()
        self._tick = tick

    def __missing__(self, ticks: int) -> float:
        price = self[ticks] = float(round(ticks * self._tick, 6))
        return price


class _Track:
    """A contract on its way: its state at the beginning of the minute, and the minute's moves."""

    def __init__(self, contract: Contract, minutes: tuple[Minute, ...], seed: int) -> None:
        self.moves: tuple[tuple[Move, ...], ...] = ()
        self._contract = contract
        self._minutes = minutes
        self._price = _PriceGrid(contract.tick)
        self._money = float(round(contract.tick * contract.multiplier, 6))
        self._key = crc32(f"{seed}/{contract.symbol}".encode()) << 32 | 0x9E3779B9
        self._stamped = _RHYTHMS[contract.exchange] is not Rhythm.SECOND
        self._phase_ms, self._burst_ns = _habit(contract, seed)
        self._day = ""
        self._pre_close = contract.pre_close_ticks
        self._open = contract.open_ticks
        self._high = contract.high_ticks
        self._low = contract.low_ticks
        self._last = contract.last_ticks
        self._volume = contract.volume
        self._value = contract.value_ticks
        self._interest = contract.open_interest

    def begin(self, block: int, minute: _MinuteClock) -> None:
        """Choose the minute to come."""
        if minute.day != self._day:
            if block:
                self._open_day(block)
            self._day = minute.day
        chance = _mix(self._key, block)
        self._minute = self._minutes[chance % MINUTES_KEPT]
        self.moves = self._minute.slots
        net = self._minute.net
        self._sign = self._direction(net.last, chance)
        few_open = self._interest <= self._contract.open_interest
        self._trend = 1 if few_open == (net.open_interest >= 0) else -1

    def end(self) -> None:
        """Move on to the state the minute leads to."""
        net, lots = self._minute.net, self._contract.lots
        self._high, self._low = self._extremes(net)
        self._volume += net.volume * lots
        self._value += (self._last * net.volume + self._sign * net.value) * lots
        self._interest += self._trend * net.open_interest * lots
        self._last += self._sign * net.last

    def snapshots_of(
        self, moves: tuple[Move, ...], slot_ns: int, stamp: _Stamp, made: list[Snapshot]
    ) -> None:
        """Append the snapshots of one slot."""
        made.extend([self._snapshot(move, slot_ns, stamp) for move in moves])

    def _direction(self, net_last: int, chance: int) -> int:
        """Up or down as it comes; back to the middle beyond half the band, so limits hold."""
        away = self._last - self._contract.pre_settlement_ticks
        if abs(away) * 2 > self._contract.band_ticks:
            return 1 if (away > 0) == (net_last < 0) else -1
        return 1 if chance & 1 << 20 else -1

    def _extremes(self, move: Move) -> tuple[int, int]:
        if self._sign > 0:
            highest, lowest = self._last + move.high, self._last + move.low
        else:
            highest, lowest = self._last - move.low, self._last - move.high
        return max(self._high, highest), min(self._low, lowest)

    def _open_day(self, block: int) -> None:
        self._pre_close = self._last
        apart = _mix(self._key ^ _OPENING, block) % 21 - 10
        self._last = self._contract.pre_settlement_ticks + apart
        self._open = self._high = self._low = self._last
        self._volume = self._value = 0
        self._interest = self._contract.open_interest

    def _snapshot(self, move: Move, slot_ns: int, stamp: _Stamp) -> Snapshot:
        contract, price, sign, lots = self._contract, self._price, self._sign, self._contract.lots
        bid = self._last + move.bid if sign > 0 else self._last - move.bid - 1
        high, low = self._extremes(move)
        volume = self._volume + move.volume * lots
        value = self._value + (self._last * move.volume + sign * move.value) * lots
        turnover, average = self._turnover(value, volume)
        after_ms = move.after_ms + self._phase_ms
        ms = stamp.ms + after_ms if self._stamped else 0
        band, settled = contract.band_ticks, contract.pre_settlement_ticks
        return Snapshot(
            slot_ns + after_ms * MS_NS + self._burst_ns,
            stamp.second_ns + ms * MS_NS,
            int(self._day),
            contract.exchange,
            contract.symbol,
            contract.exchange if contract.exchange in _EXCHANGE_SENT else "",
            self._day,
            self._day,
            stamp.text,
            ms,
            price[self._last + sign * move.last],
            volume,
            turnover,
            float(self._interest + self._trend * move.open_interest * lots),
            price[self._open],
            price[high],
            price[low],
            NO_VALUE,
            NO_VALUE,
            price[self._pre_close],
            price[settled],
            float(contract.open_interest),
            price[settled + band],
            price[settled - band],
            average,
            self._levels(bid, -1, move.bid_volume),
            self._levels(bid + 1, 1, move.ask_volume),
        )

    def _turnover(self, value: int, volume: int) -> tuple[float, float]:
        """Return turnover and average as CTP has them: CZCE's turnover is made from its average."""
        if not self._stamped:
            average = float(round(value / volume * self._contract.tick))
            return average * volume, average
        turnover = value * self._money
        return turnover, turnover / volume

    def _levels(self, ticks: int, step: int, volume: int) -> list[Level]:
        price = self._price
        if self._contract.exchange not in _FIVE_LEVELS:
            return [(price[ticks], volume)]
        return [
            (price[ticks], volume),
            (price[ticks + step], volume * 3 % 97 + 1),
            (price[ticks + 2 * step], volume * 5 % 97 + 1),
            (price[ticks + 3 * step], volume * 7 % 97 + 1),
            (price[ticks + 4 * step], volume * 11 % 97 + 1),
        ]


def _habit(contract: Contract, seed: int) -> tuple[int, int]:
    """Return the ms phase of a grid exchange, and the contract's place in the 500 ms burst."""
    if _RHYTHMS[contract.exchange] is not Rhythm.GRID:
        return 0, 0
    phase_ms = 0
    if contract.exchange in {"CFFEX", "SSE"}:
        phase_ms = Random(f"{seed}/{contract.exchange}").choice((0, 100, 200, 300, 400))
    return phase_ms, crc32(contract.symbol.encode()) % 40_000 * 1_000


def _mix(key: int, block: int) -> int:
    """Return 64 well-mixed bits (the finaliser of splitmix64)."""
    bits = (key + block * 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
    bits = ((bits ^ bits >> 30) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
    bits = ((bits ^ bits >> 27) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
    return bits ^ bits >> 31
