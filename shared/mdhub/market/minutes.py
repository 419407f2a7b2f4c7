"""Market minutes: what happens to one contract in one minute, relative to where it began.

A synthetic market must be the same for whoever asks and must start anywhere at once. So nothing
is drawn while it runs: for every rhythm and activity a seed makes a few dozen minutes in advance,
each with its snapshots and its net effect. A contract's past is then a sum of net effects (about
1 us a minute), and a snapshot is a row of the minute plus the contract's state at its beginning.
"""

from __future__ import annotations

from enum import StrEnum
from random import Random
from typing import Final, NamedTuple

__all__ = ["MINUTES_KEPT", "SLOTS", "SLOT_MS", "Minute", "Move", "Rhythm", "make_minutes"]

SLOT_MS: Final = 500
SLOTS: Final = 120
"""Slots of 500 ms in a minute; a contract makes at most one snapshot in each (CZCE: 3 in two)."""
MINUTES_KEPT: Final = 32

_REACH_TICKS: Final = 20
"""No minute goes farther from its first price, so a band of 110 ticks is never left."""


class Rhythm(StrEnum):
    """When an exchange stamps its snapshots."""

    GRID = "grid"
    """Two values of ms, 500 apart; sends unchanged snapshots at new times (heartbeats)."""
    JITTER = "jitter"
    """Any ms."""
    SECOND = "second"
    """ms always 0, up to three snapshots a second, 300 ms apart or more."""


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
    """A minute's snapshots by slot, and its last one: the net effect."""

    slots: tuple[tuple[Move, ...], ...]
    net: Move


class _Event(NamedTuple):
    slot: int
    after_ms: int
    kind: str


_TRADE: Final = "trade"
_QUOTE: Final = "quote"
_HEARTBEAT: Final = "heartbeat"
_START: Final = Move(0, 0, 0, 0, 0, 0, 0, 0, 20, 20)


def make_minutes(rhythm: Rhythm, fill: float, rng: Random) -> tuple[Minute, ...]:
    """Make the minutes of one rhythm; `fill` is the share of slots with a snapshot, to 0.97."""
    return tuple(_minute(_events(rhythm, fill, rng), rng) for _ in range(MINUTES_KEPT))


def _minute(events: list[_Event], rng: Random) -> Minute:
    slots: list[list[Move]] = [[] for _ in range(SLOTS)]
    move = _START
    for event in events:
        move = _next_move(move, event, rng)
        slots[event.slot].append(move)
    return Minute(tuple(map(tuple, slots)), move)


def _events(rhythm: Rhythm, fill: float, rng: Random) -> list[_Event]:
    if rhythm is Rhythm.SECOND:
        events = _second_events(fill, rng)
    else:
        events = _slot_events(rhythm, fill, rng)
    # A trade makes the minute's first snapshot differ from the last one of any minute before it.
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
        for place in range(size):
            at_ms = place * 1000 // size + rng.randrange(690 if size == 1 else 30)
            # Only a rising volume tells snapshots of one second apart, so a bare quote is alone.
            kind = _kind(rng, heartbeat=0.0) if size == 1 else _TRADE
            events.append(_Event(second * 2 + at_ms // SLOT_MS, at_ms % SLOT_MS, kind))
    return events


def _next_move(move: Move, event: _Event, rng: Random) -> Move:
    if event.kind == _TRADE:
        return _trade(move, event.after_ms, rng)
    if event.kind == _QUOTE:
        return _quote(move, event.after_ms, rng)
    return move._replace(after_ms=event.after_ms)


def _trade(move: Move, after_ms: int, rng: Random) -> Move:
    lots = 1 + int(14 * rng.random() ** 3)
    step = rng.choice((-1, 0, 0, 1))
    last = move.last + step if abs(move.last + step) <= _REACH_TICKS else move.last
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
