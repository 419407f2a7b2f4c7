"""Which instruments a source subscribes: the rules in `subscribe = [...]`, parsed and matched.

A list of rules is read from first to last; each adds instruments or, after `not`, takes some away:

    subscribe = ["product:rb", "not class:option", "dominant", "chain:IO/5/2", "au2612.SHFE"]

    all                  every instrument the gateway lists
    exchange:SHFE        of one exchange
    product:rb           of a product: futures, options on them, combinations whose first leg it is
    product:rb.SHFE      the same, on one exchange only
    class:future         future, option or combination
    pattern:rb26*.SHFE   `*`, `?`, `[ab]` on symbol.EXCHANGE
    dominant             of each product the future with the largest open interest before the open
    dominant:rb          of one product; dominant:rb/2 its first two, dominant/2 of each product
    chain:IO/5           options of a product, at the money and 5 strikes to each side, every expiry
    chain:IO/5/2         only the nearest two expiries
    rb2610.SHFE          one instrument
    not RULE             takes away what RULE would add

Upper and lower case count: everything is spelled as the exchange does. An option belongs to the
product its symbol begins with (`cu` for cu2612C80000, `IO` for IO2612-C-4000) and to the product
its gateway names; options with numbers for symbols belong to their underlying (`chain:510300/5`).
What has expired is never subscribed. `universe.py` says how `dominant` and `chain` are decided.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Final

import msgspec

from mdhub.market.products import exchange_of, is_option, product_of
from mdhub.wire.errors import MdhubError
from mdhub_ingest.gateways.port import STOPPED, Instrument

__all__ = [
    "FOR_THE_DAY", "Kind", "Rule", "RuleError", "RuleProblem", "Traits", "matches", "parse_rules",
    "traits_of",
]  # fmt: skip

_COUNT_MAX: Final = 1_000
_EXCHANGE: Final = re.compile(r"[A-Z][A-Z0-9_]*")
_PRODUCT: Final = re.compile(r"[A-Za-z0-9_]+")
_LETTERS: Final = re.compile(r"(?:[A-Z]+ )?([A-Za-z]+)[0-9]")
_NOT: Final = re.compile(r"not(?:\s+|$)")
_CLASSES: Final = ("future", "option", "combination")
_CLASS_BY_CODE: Final = {"1": "future", "2": "option", "3": "combination", "6": "option"}
"""As CTP numbers them; 6 is an option on a spot."""
_EXPECTED: Final = (
    "all, exchange:X, product:X, class:X, pattern:X, dominant, dominant:X, chain:X/N, "
    "a symbol such as rb2610.SHFE, or `not` and one of these"
)


class Kind(StrEnum):
    """What a rule goes by."""

    ALL = "all"
    EXCHANGE = "exchange"
    PRODUCT = "product"
    CLASS = "class"
    PATTERN = "pattern"
    DOMINANT = "dominant"
    CHAIN = "chain"
    SYMBOL = "symbol"


FOR_THE_DAY: Final = frozenset({Kind.DOMINANT, Kind.CHAIN})
"""Decided once per trading day, from data before the open; `matches` does not know them."""


class Rule(msgspec.Struct, frozen=True):
    """One rule."""

    text: str
    kind: Kind
    removes: bool = False
    name: str = ""
    """Exchange, product, class, pattern or symbol, by kind; empty = any."""
    exchange: str = ""
    """Empty = any."""
    count: int = 1
    """dominant: how many per product; chain: strikes to each side."""
    expiries: int = 0
    """chain: how many of the nearest; 0 = all."""


class RuleProblem(msgspec.Struct, frozen=True):
    """What is wrong with one rule."""

    number: int
    """Of the rule in the list, from 1; 0 = the list itself."""
    text: str
    position: int
    """Character of the text, from 1."""
    found: str
    expected: str

    def __str__(self) -> str:
        if self.number == 0:
            return f"found {self.found}, expected {self.expected}"
        where = f"rule {self.number} ({self.text!r}), position {self.position}"
        return f"{where}: found {self.found}, expected {self.expected}"


class RuleError(MdhubError):
    """Rules that cannot be understood; `problems` has all of them."""

    exit_code = STOPPED

    def __init__(self, problems: Sequence[RuleProblem]) -> None:
        self.problems: Final = tuple(problems)
        super().__init__("subscribe: " + "; ".join(str(problem) for problem in problems))


class Traits(msgspec.Struct, frozen=True):
    """What rules go by, of one instrument."""

    symbol: str
    exchange: str
    """By the spelling of the symbol where the gateway does not tell; empty = not known."""
    full: str
    """symbol.EXCHANGE."""
    product: str
    """The one it is grouped by."""
    products: tuple[str, ...]
    """Every name by which a rule may mean its product."""
    kind: str
    """future, option, combination, or empty."""


def parse_rules(texts: Sequence[str]) -> tuple[Rule, ...]:
    """Parse a list of rules. Raises RuleError with every problem at once."""
    if not texts:
        raise RuleError([RuleProblem(0, "", 1, "no rule", "at least one, such as 'all'")])
    rules: list[Rule] = []
    problems: list[RuleProblem] = []
    for number, text in enumerate(texts, 1):
        try:
            rules.append(_parse(text))
        except _Wrong as wrong:
            problems.append(RuleProblem(number, text, *wrong.what))
        else:
            if number == 1 and rules[0].removes:
                problems.append(
                    RuleProblem(1, text, 1, "'not'", "first a rule to take from: 'all'")
                )
    if problems:
        raise RuleError(problems)
    return tuple(rules)


def traits_of(instrument: Instrument) -> Traits:
    """Work out what rules go by."""
    symbol = instrument.symbol
    exchange = instrument.exchange or exchange_of(symbol) or ""
    kind = _class_of(instrument)
    letters = found[1] if (found := _LETTERS.match(symbol)) else ""
    told = instrument.product
    names = [letters or told, told, told.removesuffix("_o")]
    if not letters and kind == "option":
        names.insert(0, instrument.underlying)
    products = tuple(dict.fromkeys(name for name in names if name))
    product = products[0] if products else ""
    return Traits(symbol, exchange, f"{symbol}.{exchange}", product, products, kind)


def matches(rule: Rule, traits: Traits) -> bool:
    """Tell whether an instrument is meant by a rule, whatever it does with it.

    Of `dominant` and `chain`: whether it is among those to choose from.
    """
    if rule.exchange and rule.exchange != traits.exchange:
        return False
    return _TESTS[rule.kind](rule.name, traits)


_TESTS: Final[dict[Kind, Callable[[str, Traits], bool]]] = {
    Kind.ALL: lambda _, __: True,
    Kind.EXCHANGE: lambda _, __: True,  # compared by now
    Kind.PRODUCT: lambda name, traits: name in traits.products,
    Kind.CLASS: lambda name, traits: name == traits.kind,
    Kind.PATTERN: lambda name, traits: fnmatchcase(traits.full, name),
    Kind.DOMINANT: lambda name, traits: (
        traits.kind == "future" and (not name or name in traits.products)
    ),
    Kind.CHAIN: lambda name, traits: traits.kind == "option" and name in traits.products,
    Kind.SYMBOL: lambda name, traits: name == traits.symbol,
}


def _class_of(instrument: Instrument) -> str:
    if instrument.call is not None or instrument.strike > 0:
        return "option"
    code = instrument.product_class
    return _CLASS_BY_CODE.get(code, "") if code else _class_by_spelling(instrument.symbol)


@lru_cache(maxsize=50_000)
def _class_by_spelling(symbol: str) -> str:
    if product_of(symbol) is None or symbol.endswith("TAS"):
        return ""
    if "&" in symbol:
        return "combination"
    if is_option(symbol):
        return "option"
    return "future" if symbol[0].isalpha() else ""


class _Wrong(Exception):
    """Position, what was found, what was expected."""

    def __init__(self, position: int, found: str, expected: str) -> None:
        super().__init__()
        self.what: Final = (position, found or "nothing", expected)


def _parse(text: str) -> Rule:
    body = text.rstrip()
    start = len(body) - len(body.lstrip())
    removes = False
    if word := _NOT.match(body, start):
        removes, start = True, word.end()
    head, colon, rest = body[start:].partition(":")
    after = start + len(head) + len(colon)
    if not colon:
        name, slash, tail = head.partition("/")
        if name == Kind.DOMINANT:
            at = start + len(name)
            return Rule(text, Kind.DOMINANT, removes, count=_counts(slash + tail, at, "N", 1)[0])
        if head == Kind.ALL:
            return Rule(text, Kind.ALL, removes)
        symbol, exchange = _symbol(head, start)
        return Rule(text, Kind.SYMBOL, removes, symbol, exchange)
    parser = _PARSERS.get(head)
    if parser is None:
        raise _Wrong(start + 1, repr(head), _EXPECTED)
    return parser(Rule(text, Kind(head), removes), rest, after)


def _exchange_rule(rule: Rule, rest: str, at: int) -> Rule:
    return msgspec.structs.replace(rule, exchange=_exchange(rest, at))


def _product_rule(rule: Rule, rest: str, at: int) -> Rule:
    name, exchange = _product(rest, at)
    return msgspec.structs.replace(rule, name=name, exchange=exchange)


def _class_rule(rule: Rule, rest: str, at: int) -> Rule:
    if rest not in _CLASSES:
        raise _Wrong(at + 1, _quoted(rest), "future, option or combination")
    return msgspec.structs.replace(rule, name=rest)


def _pattern_rule(rule: Rule, rest: str, at: int) -> Rule:
    if not rest.strip():
        raise _Wrong(at + 1, "nothing", "a pattern such as rb26*.SHFE")
    return msgspec.structs.replace(rule, name=rest)


def _dominant_rule(rule: Rule, rest: str, at: int) -> Rule:
    which, slash, tail = rest.partition("/")
    name, exchange = _product(which, at)
    count = _counts(slash + tail, at + len(which), "N", 1)[0]
    return msgspec.structs.replace(rule, name=name, exchange=exchange, count=count)


def _chain_rule(rule: Rule, rest: str, at: int) -> Rule:
    which, slash, tail = rest.partition("/")
    name, exchange = _product(which, at)
    end = at + len(which)
    if not slash:
        raise _Wrong(end + 1, "nothing", "/ and the number of strikes to each side: chain:IO/5")
    count, expiries = _counts(slash + tail, end, "N or N/EXPIRIES", 2)
    return msgspec.structs.replace(
        rule, name=name, exchange=exchange, count=count, expiries=expiries
    )


_PARSERS: Final[dict[str, Callable[[Rule, str, int], Rule]]] = {
    "exchange": _exchange_rule,
    "product": _product_rule,
    "class": _class_rule,
    "pattern": _pattern_rule,
    "dominant": _dominant_rule,
    "chain": _chain_rule,
}


def _counts(text: str, at: int, shape: str, most: int) -> tuple[int, int]:
    """Read up to `most` numbers, each after a slash; the first is 1 and the second 0 if absent."""
    numbers = [1, 0]
    for index, part in enumerate(text.split("/")[1:]):
        at += 1
        if index >= most:
            raise _Wrong(at, f"'/{part}'", f"nothing after {shape}")
        if not (part.isascii() and part.isdigit() and 1 <= int(part[:9]) <= _COUNT_MAX):
            expected = f"a whole number from 1 to {_COUNT_MAX} ({shape})"
            raise _Wrong(at + 1, _quoted(part), expected)
        numbers[index] = int(part[:9])
        at += len(part)
    return numbers[0], numbers[1]


def _product(text: str, at: int) -> tuple[str, str]:
    name, dot, exchange = text.partition(".")
    if not _PRODUCT.fullmatch(name):
        raise _Wrong(at + 1, _quoted(name), "a product such as rb, or rb.SHFE")
    return name, _exchange(exchange, at + len(name) + 1) if dot else ""


def _exchange(text: str, at: int) -> str:
    if not _EXCHANGE.fullmatch(text):
        raise _Wrong(at + 1, _quoted(text), "an exchange in capitals, such as SHFE")
    return text


def _symbol(text: str, at: int) -> tuple[str, str]:
    symbol, dot, exchange = text.rpartition(".")
    if not dot:
        home = exchange_of(text)
        raise _Wrong(at + 1, _quoted(text), f"'{text}.{home}'" if home else _EXPECTED)
    if not symbol:
        raise _Wrong(at + 1, _quoted(text), "a symbol before the dot, such as rb2610.SHFE")
    return symbol, _exchange(exchange, at + len(symbol) + 1)


def _quoted(text: str) -> str:
    return repr(text) if text else "nothing"
