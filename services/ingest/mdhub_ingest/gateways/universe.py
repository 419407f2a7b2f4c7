"""Which instruments a source wants, as it comes to know them.

Most rules are decided when an instrument is listed. `dominant` and `chain` (`choices.py`) hang on
what the market was before the open, and that only the first tick of a contract tells. What is not
known yet is wanted as a *probe*: subscribed until its first tick has come or is given up. A choice
is made when nothing is missing, and holds for the trading day: the data it hangs on do not change
within one. Only an instrument that is listed later has it made again.

Yesterday's knowledge may be handed in. It does not save the probes, but what it would choose is
wanted from the start, until today's choice is made.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from mdhub_ingest.gateways.choices import NO_EXPIRY, Choice, Sight, choose_chain, choose_dominant
from mdhub_ingest.gateways.port import First, Instrument
from mdhub_ingest.gateways.rules import FOR_THE_DAY, Kind, Rule, Traits, matches, traits_of

__all__ = ["NOTHING_KNOWN", "Knowledge", "Order", "Role", "Universe", "key_of"]

_FIRSTS_MAX: Final = 100_000

Order = tuple[str, str, int, str]
"""Exchange, product, expiry, symbol: the order in which instruments are asked for."""


class Role(StrEnum):
    """What a source wants of an instrument."""

    WANTED = "wanted"
    PROBE = "probe"
    """Only its first tick, to decide a rule."""
    NONE = "none"


class Knowledge(msgspec.Struct, frozen=True):
    """First ticks that `dominant` and `chain` went by. A source may keep it over a restart."""

    day: int
    """Trading day, YYYYMMDD; 0 = not known."""
    firsts: tuple[First, ...] = ()


NOTHING_KNOWN: Final = Knowledge(0)


def key_of(instrument: Instrument) -> str:
    """Name an instrument: symbol.EXCHANGE with the exchange as the gateway tells it."""
    return f"{instrument.symbol}.{instrument.exchange}"


class _Item:
    """A listed instrument."""

    __slots__ = ("hits", "instrument", "order", "traits")

    def __init__(self, instrument: Instrument, traits: Traits, hits: tuple[int, ...]) -> None:
        self.instrument = instrument
        self.traits = traits
        self.hits = hits
        """Numbers of the rules that mean it, or may choose it."""
        self.order: Order = (
            traits.exchange, traits.product, instrument.expiry or NO_EXPIRY, instrument.symbol,
        )  # fmt: skip


class _Group:
    """What one rule chooses from: a product."""

    __slots__ = ("chosen", "decided", "keys", "name", "needs", "rule", "used")

    def __init__(self, rule: int, name: str) -> None:
        self.rule = rule
        self.name = name
        self.keys: dict[str, None] = {}
        self.chosen: frozenset[str] = frozenset()
        self.needs: set[str] = set()
        self.used: frozenset[str] = frozenset()
        self.decided = False


class _Sight:
    """What choices see: `choices.Sight`."""

    def __init__(
        self,
        firsts: Mapping[str, First],
        listed: Container[str],
        hopeless: Container[str] | None,
    ) -> None:
        self._firsts = firsts
        self._listed = listed
        self._hopeless = hopeless

    def listed(self, symbol: str) -> bool:
        return symbol in self._listed

    def first(self, symbol: str) -> First | None:
        return self._firsts.get(symbol)

    def hopeless(self, symbol: str) -> bool:
        return self._hopeless is None or symbol in self._hopeless


class Universe:
    """Wanted instruments by rules, for one trading day.

    `settle` decides what has come to be decidable; roles are up to date after it.
    """

    def __init__(
        self, rules: Sequence[Rule], *, day: int = 0, known: Knowledge = NOTHING_KNOWN
    ) -> None:
        self._rules: Final = tuple(rules)
        self.day: Final = day
        self._known: Final = known
        firsts = {first.symbol: first for first in known.firsts}
        same_day = known.day == day != 0
        self._today: dict[str, First] = firsts if same_day else {}
        old = {} if same_day else firsts
        self._old: Final = _Sight(old, old, None)
        self._hopeless: set[str] = set()
        self._items: dict[str, _Item] = {}
        self._by_symbol: dict[str, dict[str, None]] = {}
        self._now: Final = _Sight(self._today, self._by_symbol, self._hopeless)
        self._expired: set[str] = set()
        self._groups: dict[tuple[int, str], _Group] = {}
        self._of_underlying: dict[str, dict[_Group, None]] = {}
        self._needed_by: dict[str, dict[_Group, None]] = {}
        self._dirty: dict[_Group, None] = {}
        self._touched: dict[str, None] = {}
        self._matched = [False] * len(self._rules)
        self._daily: Final = any(rule.kind in FOR_THE_DAY for rule in self._rules)

    # What comes in

    def learn(self, instrument: Instrument) -> None:
        """Take a listed instrument, or what has changed about one."""
        key = key_of(instrument)
        item = self._items.get(key)
        if item is not None:
            if item.instrument == instrument:
                return
            self._forget(key, item)
        if 0 < instrument.expiry < self.day:
            self._expired.add(key)
            return
        self._expired.discard(key)
        self._add(key, instrument)

    def first(self, first: First) -> None:
        """Take the first tick of an instrument; of a trading day only the very first counts."""
        symbol = first.symbol
        if not self._daily or symbol in self._today:
            return
        if symbol not in self._by_symbol and len(self._today) >= _FIRSTS_MAX:
            return  # a gateway that makes up symbols
        self._today[symbol] = first
        self._answered(symbol)

    def give_up(self, symbol: str) -> None:
        """Wait no longer for the first tick of an instrument."""
        self._hopeless.add(symbol)
        self._answered(symbol)

    def settle(self) -> list[str]:
        """Decide what can be decided; return keys of instruments whose role may have changed."""
        while self._dirty:
            group = next(iter(self._dirty))
            del self._dirty[group]
            self._decide(group)
        touched = list(self._touched)
        self._touched.clear()
        return touched

    # What comes out

    def role(self, key: str) -> Role:
        item = self._items.get(key)
        if item is None:
            return Role.NONE
        if self._wanted(key, item):
            return Role.WANTED
        return Role.PROBE if item.traits.symbol in self._needed_by else Role.NONE

    def instrument(self, key: str) -> Instrument:
        """Return a listed one as it was told last."""
        return self._items[key].instrument

    def order(self, key: str) -> Order:
        return self._items[key].order

    def keys(self, symbol: str) -> list[str]:
        """Return what is listed under a symbol: more than one if several exchanges use it."""
        return list(self._by_symbol.get(symbol, ()))

    @property
    def expired(self) -> int:
        return len(self._expired)

    def unmatched(self) -> tuple[str, ...]:
        """Texts of rules that mean nothing of what is listed."""
        return tuple(
            rule.text for rule, hit in zip(self._rules, self._matched, strict=True) if not hit
        )

    def undecided(self) -> tuple[str, ...]:
        """Name the choices that wait for first ticks, such as `dominant rb.SHFE`."""
        return tuple(group.name for group in self._groups.values() if group.needs)

    def knowledge(self) -> Knowledge:
        """Return what today's choices went by; if that is nothing, what was handed in."""
        used = {symbol for group in self._groups.values() for symbol in group.used}
        firsts = tuple(self._today[symbol] for symbol in sorted(used) if symbol in self._today)
        return Knowledge(self.day, firsts) if firsts else self._known

    # How it is decided

    def _add(self, key: str, instrument: Instrument) -> None:
        traits = traits_of(instrument)
        hits = tuple(number for number, rule in enumerate(self._rules) if matches(rule, traits))
        item = _Item(instrument, traits, hits)
        self._items[key] = item
        self._by_symbol.setdefault(instrument.symbol, {})[key] = None
        self._touched[key] = None
        for number in hits:
            self._matched[number] = True
            if self._rules[number].kind in FOR_THE_DAY:
                self._join(key, item, number)
        for group in self._of_underlying.get(instrument.symbol, ()):
            self._dirty[group] = None

    def _forget(self, key: str, item: _Item) -> None:
        del self._items[key]
        namesakes = self._by_symbol[item.traits.symbol]
        del namesakes[key]
        if not namesakes:
            del self._by_symbol[item.traits.symbol]
        self._touched[key] = None
        for number in item.hits:
            if self._rules[number].kind in FOR_THE_DAY:
                group = self._group(number, item)
                del group.keys[key]
                self._dirty[group] = None

    def _join(self, key: str, item: _Item, number: int) -> None:
        group = self._group(number, item)
        group.keys[key] = None
        self._dirty[group] = None
        if self._rules[number].kind is Kind.CHAIN and item.instrument.underlying:
            self._of_underlying.setdefault(item.instrument.underlying, {})[group] = None

    def _group(self, number: int, item: _Item) -> _Group:
        rule = self._rules[number]
        product = f"{rule.name or item.traits.product}.{item.traits.exchange}"
        group = self._groups.get((number, product))
        if group is None:
            group = self._groups[number, product] = _Group(number, f"{rule.kind} {product}")
        return group

    def _wanted(self, key: str, item: _Item) -> bool:
        """Tell what the last rule says that has a say."""
        for number in reversed(item.hits):
            rule = self._rules[number]
            if rule.kind not in FOR_THE_DAY or key in self._group(number, item).chosen:
                return not rule.removes
        return False

    def _matters(self, number: int, item: _Item) -> bool:
        """Tell whether being chosen by a rule could change what becomes of an instrument."""
        place = item.hits.index(number)
        removes = self._rules[number].removes
        if any(self._rules[later].kind not in FOR_THE_DAY for later in item.hits[place + 1 :]):
            return False
        if place == 0:
            return not removes
        before = self._rules[item.hits[place - 1]]
        return before.kind in FOR_THE_DAY or before.removes != removes

    def _answered(self, symbol: str) -> None:
        for group in self._needed_by.pop(symbol, ()):
            group.needs.discard(symbol)
            if not group.needs:
                self._dirty[group] = None
        for key in self._by_symbol.get(symbol, ()):
            self._touched[key] = None

    def _decide(self, group: _Group) -> None:
        keys = list(group.keys)
        items = [self._items[key] for key in keys]
        instruments = [item.instrument for item in items]
        choice = self._choose(group.rule, instruments, self._now)
        matters = any(self._matters(group.rule, item) for item in items)
        group.used = choice.used
        self._need(group, choice.needs if matters else frozenset())
        if not choice.needs:
            chosen = choice.chosen
            group.decided = True
        elif group.decided:
            chosen = frozenset(n for n, key in enumerate(keys) if key in group.chosen)
        else:
            old = self._choose(group.rule, instruments, self._old)
            chosen = old.chosen if any(map(self._old.listed, old.used)) else frozenset()
        now = frozenset(keys[number] for number in chosen)
        self._touched.update(dict.fromkeys(now ^ group.chosen))
        group.chosen = now

    def _choose(self, number: int, instruments: Sequence[Instrument], sight: Sight) -> Choice:
        rule = self._rules[number]
        if rule.kind is Kind.DOMINANT:
            return choose_dominant(instruments, rule.count, sight)
        return choose_chain(instruments, rule.count, rule.expiries, sight)

    def _need(self, group: _Group, needs: frozenset[str]) -> None:
        """Let a group wait for these symbols and no others."""
        for symbol in group.needs - needs:
            waiting = self._needed_by[symbol]
            del waiting[group]
            if not waiting:
                del self._needed_by[symbol]
        for symbol in needs - group.needs:
            self._needed_by.setdefault(symbol, {})[group] = None
        for symbol in needs ^ group.needs:
            self._touched.update(self._by_symbol.get(symbol, {}))
        group.needs = set(needs)
