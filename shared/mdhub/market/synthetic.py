# HOT: `_Slots.snapshots` runs once per slot of 500 ms.
"""A market without any file: the same for everybody who knows its seed, from any moment on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial
from operator import attrgetter
from random import Random
from typing import Final, NamedTuple

from mdhub.market.dates import MS_NS, SECOND_NS
from mdhub.market.listing import Contract, Listing
from mdhub.market.minutes import SLOT_MS, SLOTS, Move, Rhythm, Style
from mdhub.market.moment import Moment
from mdhub.market.outside import outside_rows
from mdhub.market.paces import size_for, spread
from mdhub.market.patterns import Pattern
from mdhub.market.sessions import (
    SHAPES,
    Kind,
    Program,
    Sessions,
    Step,
    date_of,
    has_night,
    last_day,
)
from mdhub.market.snapshot import Snapshot
from mdhub.market.track import RHYTHMS, Track

__all__ = ["SyntheticMarket"]

_SLOT_NS: Final = SLOT_MS * MS_NS
_AUCTIONS_FROM: Final = 0.02
"""Contracts with a snapshot in at least this share of slots trade in opening auctions."""
_JUMP_S: Final = 1.2
"""Wall time a playing source takes to jump over a gap."""

_by_made: Final = attrgetter("made_ns")


class SyntheticMarket:
    """Futures and options of eight exchanges that trade day after day, to the end of the calendar.

    `sessions`: `liquid` has only minutes in which all exchanges trade; `full` whole trading days
    with night, auctions, breaks, close and settlement (`mdhub.market.sessions`). Where nothing is
    made for long, who plays the market jumps over the gap. Every day follows from the seed and its
    number alone, so two markets with the same arguments make the same snapshots, from any moment
    on. What it costs: docs/sources.md.
    """

    def __init__(
        self,
        *,
        seed: int = 1,
        ticks_per_s: float = 90.0,
        contracts: int | None = None,
        sessions: Sessions = "liquid",
    ) -> None:
        """`contracts`: how many are listed on each day; None = as many as the rate needs.

        Raises MarketError if so many contracts cannot make so many ticks.
        """
        self.seed: Final = seed
        self._timetable: Final = SHAPES[sessions]
        self.start_ns: Final = self._timetable.start_ns
        self._listing: Final = Listing(seed, contracts or size_for(ticks_per_s))
        self._shares: Final = spread(ticks_per_s, self._listing.places)
        self._patterns: Final[dict[tuple[Rhythm, Style, float], Pattern]] = {}

    @property
    def contracts(self) -> list[Contract]:
        """The contracts listed on the first trading day."""
        return self.contracts_on(0)

    def contracts_on(self, day: int) -> list[Contract]:
        """Return the contracts listed on a trading day's number."""
        return self._listing.on_day(day)

    def time_after(self, traded_ns: int) -> int:
        """Return the market time at which the market has traded that long since its start."""
        return self._timetable.time_after(traded_ns)

    def end_of_play(self, play_s: float, rate: float) -> int:
        """Return the market time reached after so much wall time of playing, jumps included."""
        played_ns, rest_ns = int(play_s * rate * SECOND_NS), int(_JUMP_S * rate * SECOND_NS)
        return self._timetable.time_after(played_ns, rest_ns=rest_ns)

    def snapshots(self, from_ns: int = 0) -> Iterator[Snapshot]:
        """Yield every snapshot made at or after `from_ns`, in order of `made_ns`.

        It ends with the last trading day of the calendar, years away.
        """
        from_ns = max(from_ns, self.start_ns)
        first, into_ns = self._timetable.minute_at(from_ns)
        first_slot = into_ns // _SLOT_NS
        day, place = divmod(first, self._timetable.day_minutes)
        tracks: list[Track] = []
        for today in range(day, last_day() + 1):
            tracks = self._tracks(today, tracks)
            for track in tracks:
                before, program = (self._program(track.contract, d) for d in (today - 1, today))
                track.open_day(today, program.steps[place], program=program, before=before)
            for slots in self._minutes(today, place, tracks):
                for slot in range(first_slot, SLOTS):
                    for snapshot in slots.snapshots(slot):
                        if snapshot.made_ns >= from_ns:
                            yield snapshot
                first_slot = 0
            place = 0

    def _tracks(self, day: int, before: list[Track]) -> list[Track]:
        """Keep yesterday's tracks of the contracts that are still listed."""
        listed = self._listing.on_day(day)
        known: Sequence[Track | None] = before or [None] * len(listed)
        return [
            self._track(place, contract)
            if track is None or track.contract is not contract
            else track
            for place, (contract, track) in enumerate(zip(listed, known, strict=True))
        ]

    def _track(self, place: int, contract: Contract) -> Track:
        share = self._shares[place]
        style = self._listing.places[place].style()
        return Track(
            contract,
            self._pattern(RHYTHMS[contract.exchange], style, share),
            seed=self.seed,
            auctions=style is Style.TRADED and share >= _AUCTIONS_FROM,
        )

    def _program(self, contract: Contract, day: int) -> Program:
        return self._timetable.program(contract.hours, contract.exchange, night=has_night(day))

    def _pattern(self, rhythm: Rhythm, style: Style, share: float) -> Pattern:
        key = (rhythm, style, share)
        pattern = self._patterns.get(key)
        if pattern is None:
            rng = Random(f"{self.seed}/{rhythm}/{style}/{share:.6g}")
            pattern = self._patterns[key] = Pattern(rhythm, style, share, rng=rng)
        return pattern

    def _minutes(self, day: int, first_place: int, tracks: list[Track]) -> Iterator[_Slots]:
        """Yield the minutes of a trading day, each ready to be read slot by slot."""
        by_id: dict[int, tuple[Program, list[Track]]] = {}
        for track in tracks:
            by_id.setdefault(id(track.program), (track.program, []))[1].append(track)
        moment_of = partial(self._moment, day)
        for place in range(first_place, self._timetable.day_minutes):
            slots = _Slots(moment_of(place))
            for program, members in by_id.values():
                step = program.steps[place]
                if step.kind is Kind.TRADE:
                    slots.trade(members, step)
                elif step.kind is not Kind.REST:
                    for track in members:
                        slots.put(outside_rows(track, step, slots.moment, moment_of))
            yield slots
            slots.end()

    def _moment(self, day: int, place: int) -> Moment:
        start_ns = self._timetable.start_of(day * self._timetable.day_minutes + place)
        return Moment.of(start_ns, date_of(day))


class _Trading(NamedTuple):
    track: Track
    step: Step


class _Slots:
    """What is made in one minute, by slots of 500 ms."""

    def __init__(self, moment: Moment) -> None:
        self.moment = moment
        self._trading: list[_Trading] = []
        self._moves: defaultdict[int, list[tuple[Track, tuple[Move, ...]]]] = defaultdict(list)
        self._rows: defaultdict[int, list[Snapshot]] = defaultdict(list)

    def trade(self, tracks: list[Track], step: Step) -> None:
        """Begin the minute for contracts that trade in it."""
        for track in tracks:
            filled = track.minute(step).filled
            if filled:
                track.begin(step)
                self._trading.append(_Trading(track, step))
                for slot, moves in filled:
                    self._moves[slot].append((track, moves))

    def put(self, rows: list[Snapshot]) -> None:
        """Add rows made outside continuous trading."""
        for row in rows:
            self._rows[(row.made_ns - self.moment.start_ns) // _SLOT_NS].append(row)

    def snapshots(self, slot: int) -> list[Snapshot]:
        """Return what is made in a slot, in order."""
        made = list(self._rows.get(slot, ()))
        for track, moves in self._moves.get(slot, ()):
            made += track.snapshots_of(moves, slot, self.moment)
        made.sort(key=_by_made)
        return made

    def end(self) -> None:
        """Close the minute for the contracts that traded."""
        for track, step in self._trading:
            track.end(step)
