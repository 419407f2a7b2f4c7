"""What to ask a gateway for, and when: paced, confirmed by first ticks, asked again when silent.

On one connection an instrument is queued, then asked for, then confirmed by its first tick. Where
none comes it is asked for again after 5, 10, 20, 40 and 60 s (a quarter more or less); a minute
after the last time it counts as silent, until `reconnected` or `opened`.

Nothing here depends on a clock: `now_s` is any clock that goes forward. A turn costs what has
happened in it, and long lists are taken in over several turns.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from heapq import heappop, heappush, nsmallest
from random import Random
from typing import Final

from mdhub_ingest.gateways.coverage import EXAMPLES, Coverage, Tally
from mdhub_ingest.gateways.entry import (
    Entry,
    State,
    by_order,
    names_of,
    probes_first,
    wanted_first,
)  # fmt: skip
from mdhub_ingest.gateways.port import First, Instrument
from mdhub_ingest.gateways.rules import Rule
from mdhub_ingest.gateways.universe import NOTHING_KNOWN, Knowledge, Role, Universe, key_of

__all__ = ["ASKS", "BATCH", "PACE_PER_S", "Subscriptions"]

PACE_PER_S: Final = 1_000.0
"""CTP fronts drop a session with 10,000 unsent packets; the vendor advises 1,000 and a second."""
BATCH: Final = 500
"""Most in one request."""
ASKS: Final = 6
"""In vain so often: silent for good."""
_AGAIN_FIRST_S: Final = 5.0
_AGAIN_CEILING_S: Final = 60.0
_JITTER: Final = 0.25
_TAKEN_IN: Final = 300
"""Listed instruments that one turn takes in."""
_SETTLED_S: Final = 2.0
"""Under a limit the list of instruments must have been quiet for so long before places are given;
else who gets one would depend on the order in which they are listed."""
_SETTLED_AT_LAST_S: Final = 60.0
"""A list that is never quiet is waited for no longer."""
_SEEN_MAX: Final = 100_000


class Subscriptions:
    """Keeps a gateway asked for what the rules want.

    `due` makes a turn and returns what to subscribe now. Call `Connection.forget_firsts` together
    with `reconnected` and `refresh`, or nothing is confirmed any more.
    """

    def __init__(  # noqa: PLR0913 - all but the rules have defaults
        self,
        rules: Sequence[Rule],
        limit: int | None = None,
        pace_per_s: float = PACE_PER_S,
        *,
        day: int = 0,
        known: Knowledge = NOTHING_KNOWN,
        releases: bool = False,
        seed: int = 0,
    ) -> None:
        """Begin with nothing listed.

        `limit`: most the front may be asked for in the life of this process, less what was
        released. `day`: trading day; 0 = not known, nothing counts as expired. `releases`: the
        caller unsubscribes what `release` returns, so that probes make room for one another.
        """
        self._rules: Final = tuple(rules)
        self._limit: Final = limit
        self._pace_per_s: Final = pace_per_s
        self._burst: Final = max(1.0, min(float(BATCH), pace_per_s))
        self._releases: Final = releases
        self._random: Final = Random(seed)
        self._universe = Universe(self._rules, day=day, known=known)
        self._inbox: deque[Instrument] = deque()
        self._listed: dict[str, Instrument] = {}
        self._entries: dict[str, Entry] = {}
        self._waiting: dict[str, Entry] = {}
        self._idle: dict[str, Entry] = {}
        self._silent: dict[str, Entry] = {}
        self._fresh: deque[Entry] = deque()
        self._again: list[tuple[float, str, Entry]] = []
        self._seen: set[str] = set()
        self._tally = Tally()
        self._held: dict[str, Entry] = {}
        self._life = 0
        self._learned_s = 0.0
        self._settling = False
        """The list of instruments still grows."""
        self._settling_since_s = 0.0
        self._tokens = self._burst
        self._paced_s: float | None = None
        self._listing = False
        """Instruments were listed since the last turn."""
        self._admission_due = False
        self._over_examples: tuple[str, ...] = ()

    # What comes in

    def learn(self, instruments: Iterable[Instrument]) -> None:
        """Take listed instruments, in parts or again; taken in by the next turns."""
        for instrument in instruments:
            self._inbox.append(instrument)
            self._listed[key_of(instrument)] = instrument
        self._listing = True

    def first(self, firsts: Iterable[First]) -> None:
        """Take first ticks: they confirm, and `dominant` and `chain` go by them."""
        for first in firsts:
            self._universe.first(first)
            keys = self._universe.keys(first.symbol)
            if keys or len(self._seen) < _SEEN_MAX:
                self._seen.add(first.symbol)
            for key in keys:
                entry = self._entries.get(key)
                if entry is not None:
                    self._confirm(entry)

    def reconnected(self, now_s: float) -> None:
        """Ask for everything again; nothing is confirmed."""
        self._paced_s = now_s
        self._start_over()

    def opened(self) -> None:
        """Ask again for what has gone silent: a session opens, the front may have it by now."""
        silent = sorted(self._silent.values(), key=by_order)
        self._silent.clear()
        for entry in silent:
            self._queue(entry)

    def refresh(self, day: int) -> None:
        """Begin a trading day: choices are made anew, and everything is asked for again."""
        if day == self._universe.day:
            return
        self._universe = Universe(self._rules, day=day, known=self._universe.knowledge())
        for entry in self._entries.values():
            self._cast(entry, Role.NONE)
        self._inbox = deque(self._listed.values())
        self._listing = True
        self._start_over()

    # What comes out

    def due(self, now_s: float) -> list[Instrument]:
        """Make a turn; return what to subscribe now: at most BATCH, in the order of asking."""
        self._take_in(now_s)
        for key in self._universe.settle():
            self._recast(key)
        self._admit()
        return [entry.instrument for entry in self._ask(now_s)]

    def release(self, now_s: float) -> list[Instrument]:
        """Return what to unsubscribe now; its places are free from now on.

        That is what was asked for and is not wanted any more, at the pace of `due`.
        """
        if not self._idle or self._listing or self._inbox:
            return []  # while the list grows more may be wanted than is known yet
        released = nsmallest(self._allowed(now_s), self._idle.values(), key=by_order)
        self._tokens -= len(released)
        for entry in released:
            del self._idle[entry.key]
            self._let_go(entry)
        instruments = [each.instrument for each in released if not self._shared(each)]
        self._seen.difference_update(instrument.symbol for instrument in instruments)
        return instruments

    def knowledge(self) -> Knowledge:
        """Return what to hand to the next process of this source."""
        return self._universe.knowledge()

    def coverage(self) -> Coverage:
        """Tell how much of what is wanted is delivered."""
        full = self._limit is not None and not self._settling
        parts = self._tally.by_exchange(full=full)
        names = self._universe.unmatched() if self._listed and not self._inbox else ()
        return Coverage(
            wanted=sum(part.wanted for part in parts.values()),
            asked=sum(part.asked for part in parts.values()),
            confirmed=sum(part.confirmed for part in parts.values()),
            silent=sum(part.silent for part in parts.values()),
            over_limit=sum(part.over_limit for part in parts.values()),
            by_exchange=parts,
            probing=self._tally.sum("probe", "probe_waiting"),
            expired=self._universe.expired,
            silent_examples=names_of(self._silent.values()),
            over_limit_examples=self._over_examples if full and self._waiting else (),
            unmatched=names,
            undecided=self._universe.undecided()[:EXAMPLES],
        )

    # A turn

    def _start_over(self) -> None:
        self._life += 1  # what is known of the connection before counts no more
        self._tally.start_over()
        self._tokens = 0.0
        self._seen.clear()
        self._silent.clear()
        self._again.clear()
        self._fresh = deque(self._held.values())

    def _take_in(self, now_s: float) -> None:
        if self._listing or self._inbox:
            self._learned_s = now_s
            if not self._settling:
                self._settling, self._settling_since_s = True, now_s
        self._listing = False
        for _ in range(min(len(self._inbox), _TAKEN_IN)):
            self._universe.learn(self._inbox.popleft())
        self._settling = (
            self._settling
            and now_s - self._learned_s < _SETTLED_S
            and now_s - self._settling_since_s < _SETTLED_AT_LAST_S
        )

    def _recast(self, key: str) -> None:
        """Give an instrument the role the universe has for it."""
        role = self._universe.role(key)
        entry = self._entries.get(key)
        if role is not Role.NONE:
            instrument = self._universe.instrument(key)
            if entry is None:
                entry = Entry(key, instrument, self._universe.order(key), self._life)
                self._entries[key] = entry
            entry.instrument = instrument
        if entry is not None:
            self._cast(entry, role)

    def _cast(self, entry: Entry, role: Role) -> None:
        before, bucket = entry.role, self._current(entry).bucket
        if role is before:
            return
        entry.role = role
        self._tally.move(entry.order[0], bucket, entry.bucket)
        self._admission_due = True
        if role is Role.NONE:
            self._waiting.pop(entry.key, None)
            self._silent.pop(entry.key, None)
            if entry.held:
                self._idle[entry.key] = entry
        elif not entry.held:
            self._waiting[entry.key] = entry
        elif before is Role.NONE:
            del self._idle[entry.key]
            if entry.state is not State.CONFIRMED:
                self._queue(entry)

    def _admit(self) -> None:
        """Give places to those that wait for one, and queue them."""
        if not (self._waiting and self._admission_due):
            return
        if self._limit is None:
            chosen = sorted(self._waiting.values(), key=probes_first)
        else:
            if self._settling:
                return
            free = max(0, self._limit - len(self._held))
            chosen = nsmallest(free, self._waiting.values(), key=wanted_first)
        self._admission_due = False
        for entry in chosen:
            del self._waiting[entry.key]
            bucket, entry.held = self._current(entry).bucket, True
            self._held[entry.key] = entry
            self._tally.move(entry.order[0], bucket, entry.bucket)
            self._queue(entry)
        wanted = (entry for entry in self._waiting.values() if entry.role is Role.WANTED)
        self._over_examples = names_of(wanted)
        self._give_up_probes()

    def _give_up_probes(self) -> None:
        """Wait no longer for probes that will never have a place."""
        room_to_come = self._tally.sum("probe") or (self._releases and self._idle)
        if not room_to_come:
            for entry in self._waiting.values():
                if entry.role is Role.PROBE:
                    self._universe.give_up(entry.instrument.symbol)

    def _ask(self, now_s: float) -> list[Entry]:
        asked: list[Entry] = []
        most = self._allowed(now_s)
        while self._fresh and len(asked) < most:
            entry = self._current(self._fresh.popleft())
            if not entry.queued:
                continue
            entry.queued = False
            if entry.role is not Role.NONE:
                self._put(entry, now_s)
                asked.append(entry)
            elif entry.held and not entry.asked:
                del self._idle[entry.key]
                self._let_go(entry)
        while self._again and self._again[0][0] <= now_s and len(asked) < most:
            due_s, _, entry = heappop(self._again)
            if entry.state is not State.ASKED or entry.due_s != due_s or entry.role is Role.NONE:
                continue
            if entry.asks < ASKS:
                self._put(entry, now_s)
                asked.append(entry)
            else:
                self._turn(entry, State.SILENT)
                self._silent[entry.key] = entry
                self._universe.give_up(entry.instrument.symbol)
        self._tokens -= len(asked)
        return asked

    def _allowed(self, now_s: float) -> int:
        """How many may be asked for in this turn."""
        passed_s = 0.0 if self._paced_s is None else max(0.0, now_s - self._paced_s)
        self._paced_s = now_s
        self._tokens = min(self._burst, self._tokens + passed_s * self._pace_per_s)
        return int(self._tokens)

    def _put(self, entry: Entry, now_s: float) -> None:
        """Note that an instrument is asked for."""
        entry.asked = True
        entry.asks += 1
        if entry.instrument.symbol in self._seen:
            self._turn(entry, State.CONFIRMED)
            return
        self._turn(entry, State.ASKED)
        full_s = min(_AGAIN_CEILING_S, _AGAIN_FIRST_S * 2.0 ** (entry.asks - 1))
        entry.due_s = now_s + full_s * (1 + _JITTER * (2 * self._random.random() - 1))
        heappush(self._again, (entry.due_s, entry.key, entry))

    def _queue(self, entry: Entry) -> None:
        self._turn(entry, State.QUEUED)
        entry.asks = 0
        if not entry.queued:
            entry.queued = True
            self._fresh.append(entry)

    def _turn(self, entry: Entry, state: State) -> None:
        bucket, entry.state = self._current(entry).bucket, state
        self._tally.move(entry.order[0], bucket, entry.bucket)

    def _confirm(self, entry: Entry) -> None:
        if self._current(entry).state in {State.ASKED, State.SILENT}:
            self._silent.pop(entry.key, None)
            self._turn(entry, State.CONFIRMED)

    def _current(self, entry: Entry) -> Entry:
        """Bring an entry up to the connection there is now: what has a place is queued."""
        if entry.life != self._life:
            entry.life = self._life
            entry.state = State.QUEUED
            entry.asks = 0
            entry.queued = entry.held
        return entry

    def _shared(self, entry: Entry) -> bool:
        """Tell whether another exchange's instrument of the same symbol is still asked for."""
        keys = self._universe.keys(entry.instrument.symbol)
        return any(key in self._held for key in keys)

    def _let_go(self, entry: Entry) -> None:
        """Take an unwanted instrument's place away."""
        self._turn(entry, State.QUEUED)
        entry.held = entry.asked = False
        del self._held[entry.key]
        self._admission_due = True
