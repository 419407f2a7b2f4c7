"""Market minutes: what happens to one contract in one minute, relative to where it began.

A synthetic market must be the same for whoever asks and must start anywhere at once. So nothing
is drawn while it runs: for every rhythm, style and activity a seed makes a few dozen minutes in
advance, each with its snapshots and its net effect. `patterns.py` strings them together.
"""

from __future__ import annotations

from enum import StrEnum
from random import Random
from typing import Final, NamedTuple

__all__ = [
    "QUIET",
    "SLOTS",
    "SLOT_MS",
    "Minute",
    "Move",
    "Rhythm",
    "Style",
    "make_minutes",
]

SLOT_MS: Final = 500
SLOTS: Final = 120
"""Slots of 500 ms in a minute; a contract makes at most one snapshot in each (CZCE: 4 in two)."""
_MINUTES_KEPT: Final = 32
_FLICKER: Final = 0.03
"""Share of the CZCE seconds with three snapshots that get a fourth, half of them A-B-A."""
_STEP_MS: Final = 240
"""Between the snapshots of such a second: too close for a source to lose one of them on purpose
(see docs/sources.md), since of equal volume they could not be put in order again."""


class Rhythm(StrEnum):
    """When an exchange stamps its snapshots."""

    GRID = "grid"
    """Two values of ms, 500 apart; sends unchanged snapshots at new times (heartbeats)."""
    JITTER = "jitter"
    """Any ms."""
    SECOND = "second"
    """ms always 0; up to three snapshots a second, 300 ms apart or more, now and then four."""


class Style(StrEnum):
    """What a contract's snapshots are about."""

    TRADED = "traded"
    PENNY = "penny"
    """A deep out-of-the-money option: trades, at most one tick up or down in a minute."""
    QUOTED = "quoted"
    """Nobody trades; a market maker changes its quote."""


_REACH_TICKS: Final = {Style.TRADED: 10, Style.PENNY: 1, Style.QUOTED: 0}
"""No minute goes farther from its first price."""


class Move(NamedTuple):
    """One snapshot relative to the minute's beginning; prices in ticks, amounts cumulative."""

    after_ms: int
    """Time in its slot."""
    last: int
    bid: int
    """The ask is one tick higher."""
    high: int
    low: int
    volume: int
    value: int
    """Sum of (price relative to the beginning) x volume."""
    open_interest: int
    bid_volume: int
    ask_volume: int


class Minute(NamedTuple):
    """A minute's snapshots by slot, empty slots left out, and its last one: the net effect."""

    filled: tuple[tuple[int, tuple[Move, ...]], ...]
    net: Move


class _Event(NamedTuple):
    slot: int
    after_ms: int
    kind: str


_TRADE: Final = "trade"
_QUOTE: Final = "quote"
_BACK: Final = "back"
"""The book of the snapshot before the last one again."""
_HEARTBEAT: Final = "heartbeat"
_START: Final = Move(0, 0, 0, 0, 0, 0, 0, 0, 20, 20)
QUIET: Final = Minute((), _START)
"""Nothing happens."""


def make_minutes(rhythm: Rhythm, style: Style, fill: float, rng: Random) -> list[Minute]:
    """Make the minutes of one rhythm; `fill` is the share of slots with a snapshot, to 0.97."""
    return [_minute(_events(rhythm, style, fill, rng), style, rng) for _ in range(_MINUTES_KEPT)]


def _minute(events: list[_Event], style: Style, rng: Random) -> Minute:
    slots: dict[int, list[Move]] = {}
    before, move = _START, _START
    for place, event in enumerate(events):
        before, move = (
            move,
            _next_move(move, before, event, rng, reach=_REACH_TICKS[style] if place else 0),
        )
        slots.setdefault(event.slot, []).append(move)
    return Minute(tuple((slot, tuple(moves)) for slot, moves in slots.items()), move)


def _events(rhythm: Rhythm, style: Style, fill: float, rng: Random) -> list[_Event]:
    if style is Style.QUOTED:
        grid = 0 if rhythm is Rhythm.GRID else 380
        step = 2 if rhythm is Rhythm.SECOND else 1
        share = fill * step
        return [
            _Event(slot, rng.randrange(grid) if grid else 0, _QUOTE)
            for slot in range(0, SLOTS, step)
            if rng.random() < share
        ]
    if rhythm is Rhythm.SECOND:
        events = _second_events(fill, rng)
    else:
        events = _slot_events(rhythm, fill, rng)
    # A trade makes the minute's first snapshot differ from the last one of any minute before it;
    # at the price the minute begins with, so a day's first trade is at its opening price.
    return [event._replace(kind=_TRADE) for event in events[:1]] + events[1:]


def _slot_events(rhythm: Rhythm, fill: float, rng: Random) -> list[_Event]:
    grid = rhythm is Rhythm.GRID
    return [
        _Event(slot, 0 if grid else rng.randrange(380), _kind(rng, heartbeat=0.2 if grid else 0.0))
        for slot in range(SLOTS)
        if rng.random() < fill
    ]


def _kind(rng: Random, *, heartbeat: float) -> str:
    draw = rng.random()
    if draw < heartbeat:
        return _HEARTBEAT
    return _QUOTE if draw < heartbeat + 0.3 else _TRADE


def _second_events(fill: float, rng: Random) -> list[_Event]:
    events = []
    for second in range(SLOTS // 2):
        size = sum(rng.random() < fill * 2 / 3 for _ in range(3))
        if size == 3 and rng.random() < _FLICKER:  # noqa: PLR2004 - a full second
            events += _flicker(second, rng)
            continue
        for place in range(size):
            at_ms = place * 1000 // size + rng.randrange(690 if size == 1 else 30)
            # Only a rising volume tells snapshots of one second apart, so a bare quote is alone.
            kind = _kind(rng, heartbeat=0.0) if size == 1 else _TRADE
            events.append(_Event(second * 2 + at_ms // SLOT_MS, at_ms % SLOT_MS, kind))
    return events


def _flicker(second: int, rng: Random) -> list[_Event]:
    """Four snapshots in a second: rising volume, or a small order that comes and goes (A-B-A)."""
    kinds = rng.choice(((_TRADE,) * 4, (_TRADE, _QUOTE, _BACK, _TRADE)))
    times = [place * _STEP_MS + rng.randrange(10) for place in range(4)]
    return [
        _Event(second * 2 + at_ms // SLOT_MS, at_ms % SLOT_MS, kind)
        for at_ms, kind in zip(times, kinds, strict=True)
    ]


def _next_move(move: Move, before: Move, event: _Event, rng: Random, *, reach: int) -> Move:
    if event.kind == _TRADE:
        return _trade(move, event.after_ms, rng, reach=reach)
    if event.kind == _QUOTE:
        return _quote(move, event.after_ms, rng)
    if event.kind == _BACK:
        return before._replace(after_ms=event.after_ms)
    return move._replace(after_ms=event.after_ms)


def _trade(move: Move, after_ms: int, rng: Random, *, reach: int) -> Move:
    lots = 1 + int(14 * rng.random() ** 3)
    last = move.last + rng.choice((-1, 0, 0, 1))
    if abs(last) > reach:
        last = move.last
    return Move(
        after_ms=after_ms,
        last=last,
        bid=last - rng.randrange(2),
        high=max(move.high, last),
        low=min(move.low, last),
        volume=move.volume + lots,
        value=move.value + last * lots,
        open_interest=move.open_interest + rng.randint(-lots, lots),
        bid_volume=_other_volume(move.bid_volume, rng),
        ask_volume=_other_volume(move.ask_volume, rng),
    )


def _quote(move: Move, after_ms: int, rng: Random) -> Move:
    return move._replace(
        after_ms=after_ms,
        bid=move.last - rng.randrange(2),
        bid_volume=_other_volume(move.bid_volume, rng),
    )


def _other_volume(volume: int, rng: Random) -> int:
    return (volume - 1 + rng.randint(1, 59)) % 60 + 1
