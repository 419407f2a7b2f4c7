"""Topic names and instrument patterns.

Every topic ends with a dot: ZeroMQ matches prefixes, and `cu2610` is a prefix of its options.
Patterns are fnmatch on `symbol.EXCHANGE`, case-sensitive, e.g. `rb2610.SHFE` or `IF*.CFFEX`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import translate
from typing import Final
from zlib import crc32

from mdhub.wire.errors import WireError

__all__ = [
    "HEARTBEAT_TOPIC",
    "Selection",
    "epoch_topic",
    "heartbeat_topic",
    "instrument_matcher",
    "log_topic",
    "marker_topic",
    "phase_topic",
    "quality_topic",
    "shard_of",
    "status_topic",
    "subscription_prefixes",
    "tick_topic",
]

HEARTBEAT_TOPIC: Final = b"hb."
_WILDCARDS: Final = "*?["
_REMEMBERED_NAMES: Final = 200_000


def tick_topic(exchange: str, symbol: str) -> bytes:
    """Topic of an instrument's ticks."""
    return f"tick.{exchange}.{symbol}.".encode()


def quality_topic(exchange: str, symbol: str) -> bytes:
    """Topic of an instrument's quality markers."""
    return f"quality.{exchange}.{symbol}.".encode()


def heartbeat_topic(shard: int) -> bytes:
    """Topic of a shard's heartbeats."""
    return f"hb.{shard}.".encode()


def epoch_topic(shard: int) -> bytes:
    """Topic of a shard's epoch markers."""
    return f"epoch.{shard}.".encode()


def phase_topic(exchange: str, product: str) -> bytes:
    """Topic of a product's session phases."""
    return f"phase.{exchange}.{product}.".encode()


def marker_topic(shard: int) -> bytes:
    """Topic of a shard's other markers (end_of_session, lost, kinds yet to come).

    Every clean entry has a topic, so a client that follows everything sees no hole in n.
    """
    return f"marker.{shard}.".encode()


def status_topic(kind: str) -> bytes:
    """Topic of events of one kind."""
    return f"status.{kind}.".encode()


def log_topic(level: str, service: str) -> bytes:
    """Topic of log lines."""
    return f"log.{level}.{service}.".encode()


def shard_of(symbol: str, shards: int) -> int:
    """Shard of a symbol as sent by the front (no exchange in it: fronts often leave it empty)."""
    return crc32(symbol.encode()) % shards if shards > 1 else 0


def subscription_prefixes(pattern: str) -> tuple[bytes, ...]:
    """ZeroMQ prefixes that cover a pattern: its ticks and its quality markers.

    They may cover more than the pattern; `instrument_matcher` does the rest.
    Raises WireError if the pattern has no `.EXCHANGE` part and is not `*`.
    """
    if pattern == "*":
        return (b"tick.", b"quality.")
    symbol, dot, exchange = pattern.rpartition(".")
    if not dot or not symbol or not exchange:
        raise WireError(
            f"instrument pattern was {pattern!r}, expected symbol.EXCHANGE such as "
            "'rb2610.SHFE' or 'IF*.CFFEX', or '*' for everything"
        )
    tail = _literal_tail(exchange, symbol)
    return (f"tick.{tail}".encode(), f"quality.{tail}".encode())


def _literal_tail(exchange: str, symbol: str) -> str:
    if "]" in exchange:  # the dot that was found may stand inside a set, as in `cu[.]SHFE`
        return ""
    literal_exchange = _until_wildcard(exchange)
    if literal_exchange != exchange:
        return literal_exchange
    literal_symbol = _until_wildcard(symbol)
    closed = "." if literal_symbol == symbol else ""
    return f"{exchange}.{literal_symbol}{closed}"


def _until_wildcard(text: str) -> str:
    return re.split(f"[{re.escape(_WILDCARDS)}]", text, maxsplit=1)[0]


def instrument_matcher(patterns: list[str] | tuple[str, ...]) -> re.Pattern[str]:
    """Compile patterns into one matcher for `symbol.EXCHANGE` names (use its `match`)."""
    return re.compile("|".join(f"(?:{translate(p)})" for p in patterns) or r"(?!)")


class Selection:
    """The instruments that a set of patterns names.

    Names without a wildcard cost a set lookup, whatever their number: thousands of them are
    usual, and one big regular expression would take a second to compile. Answers for the others
    are remembered, at most 200,000, then forgotten together.
    """

    __slots__ = ("_answers", "_wild", "everything", "exact")

    def __init__(self, patterns: Iterable[str] = ()) -> None:
        self.exact: set[str] = set()
        self.everything = False
        self._wild: list[re.Pattern[str]] = []
        self._answers: dict[str, bool] = {}
        for pattern in patterns:
            self.add(pattern)

    @property
    def only_exact(self) -> bool:
        """True if the names in `exact` are all there is."""
        return not self.everything and not self._wild

    def add(self, pattern: str) -> None:
        """Add one pattern; call it before the first `matches`."""
        if pattern == "*":
            self.everything = True
        elif any(c in pattern for c in _WILDCARDS):
            self._wild.append(re.compile(translate(pattern)))
        else:
            self.exact.add(pattern)

    def matches(self, name: str) -> bool:
        """Tell whether `symbol.EXCHANGE` is among the instruments."""
        if self.everything or name in self.exact:
            return True
        if not self._wild:
            return False
        known = self._answers.get(name)
        return self._search(name) if known is None else known

    def _search(self, name: str) -> bool:
        found = any(pattern.match(name) for pattern in self._wild)
        if len(self._answers) >= _REMEMBERED_NAMES:
            self._answers.clear()
        self._answers[name] = found
        return found
