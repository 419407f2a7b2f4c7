"""Misbehaviour on demand: what a bad source does to a snapshot, drawn from its own seed.

Two sources of one market must between them still deliver everything, or a demo could not call a
missing tick a fault of the hub. The arbiter takes the first copy of each snapshot and, by design,
none that is older than what it took: a hole cannot be filled once the contract's next snapshot
is through. So beside one good source nothing is ever lost, kind by kind:

- `lose`, `corrupt`, `delay` and `reorder` only hit a snapshot whose contract is then quiet for
  `SPACE_NS` of wall time, in which the other source's copy surely comes through (a swapped pair:
  the later one is sent after that time, the earlier one behind it);
- `repeat` sends what was sent before;
- `freeze`, `stuck` and `disconnect` lose all but the last second before their end, which comes at
  once and in order (`gate.py`): what is lost is a second old when the next snapshot is sent. What
  `stuck` and a reconnection push again has been delivered before. A span ends at a break of the
  market;
- `crash` and `hang` end with a new process, which begins a second before market now.

Shares are of all snapshots, though. So those that may be hit are hit more often, by the inverse of
their share so far (counted as if the first `_ASSUMED` had all been eligible, which keeps a start
from being wild). Where too few are eligible every one of them is hit, and the share is missed; the
counters say by how much.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator
from math import isfinite
from random import Random
from typing import Annotated, Any, Final, NamedTuple, TypeGuard

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from mdhub.market.snapshot import NO_VALUE, Snapshot
from mdhub_ingest.sources.gate import Gate, Outage, OutagePlan
from mdhub_ingest.sources.port import SourceError

__all__ = ["SPACE_NS", "Fate", "Misbehaver", "Misbehaviour"]

SPACE_NS: Final = 300_000_000
_MS_NS: Final = 1_000_000
_DELAY_MS: Final = (50, 800)
_REPEAT_MS: Final = (0, 5_000)
_ASSUMED: Final = 20

_SPANS: Final = frozenset({
    "lag_ms", "crash_after_s", "hang_after_s", "freeze_every_s", "freeze_s", "stuck_every_s",
    "stuck_s", "disconnect_every_s", "disconnect_s",
})  # fmt: skip

_Share = Annotated[float, Meta(ge=0, le=1)]
_Span = tuple[Annotated[float, Meta(ge=0)], Annotated[float, Meta(ge=0)]]


class Misbehaviour(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a source misbehaves; shares are of all its snapshots, spans are drawn evenly."""

    lose: _Share = 0.0
    repeat: _Share = 0.0
    """The contract's last delivered snapshot is pushed again, up to 5 s later."""
    corrupt: _Share = 0.0
    delay: _Share = 0.0
    """Sent up to 800 ms late, after what followed it."""
    reorder: _Share = 0.0
    """Sent after the contract's next snapshot instead of before it (or 5 s late, if none comes)."""
    lag_ms: _Span = (0, 0)
    """Wall ms by which everything comes late; the order is kept."""
    crash_after_s: _Span | None = None
    """Wall seconds after which the process dies without a word."""
    hang_after_s: _Span | None = None
    """Wall seconds after which its main loop stands still for ever; the supervisor replaces it."""
    freeze_every_s: _Span | None = None
    """Wall seconds from one silence to the next: process and heartbeat are fine, ticks stop."""
    freeze_s: _Span = (2, 5)
    """Wall seconds a silence takes."""
    stuck_every_s: _Span | None = None
    """Wall seconds until old snapshots come, with their old times, in place of new ones."""
    stuck_s: _Span = (2, 5)
    """Wall seconds it is stuck."""
    disconnect_every_s: _Span | None = None
    """Wall seconds until the feed is gone; an event says so. At the return each contract's last
    snapshot is pushed again with its old time, as fronts do."""
    disconnect_s: _Span = (2, 5)
    """Wall seconds without a feed."""
    calm_s: Annotated[float, Meta(ge=0)] = 2.0
    """Wall seconds at start in which nothing is lost, corrupted or delayed: the other source may
    not be up yet."""
    seed: int = 0

    @classmethod
    def parse(cls, text: str) -> Misbehaviour:
        """Parse `lose=0.01,repeat=0.005,lag_ms=5-30`; empty = behaves well.

        Raises SourceError naming every problem at once.
        """
        fields: dict[str, Any] = {}
        problems: list[str] = []
        for part in filter(None, (part.strip() for part in text.split(","))):
            name, _, value = part.partition("=")
            try:
                fields |= {name: _parsed(name, value, fields)}
                msgspec.convert({name: fields[name]}, cls)
            except (ValueError, KeyError) as error:
                problems.append(f"{part!r}: {error}")
        if problems:
            raise SourceError(
                f"misbehaviour was {text!r}: {'; '.join(problems)}; "
                "expected for example lose=0.01,repeat=0.005,lag_ms=5-30"
            )
        return msgspec.convert(fields, cls)

    def bites(self) -> bool:
        """Tell whether single snapshots are touched at all."""
        return self.lose + self.repeat + self.corrupt + self.delay + self.reorder > 0

    def outages(self) -> list[OutagePlan]:
        """Which spans without delivery there are."""
        plans = (
            (Outage.FROZEN, self.freeze_every_s, self.freeze_s),
            (Outage.STUCK, self.stuck_every_s, self.stuck_s),
            (Outage.DISCONNECTED, self.disconnect_every_s, self.disconnect_s),
        )
        return [OutagePlan(kind, every, span) for kind, every, span in plans if every is not None]


def _parsed(name: str, value: str, known: Container[str]) -> float | int | tuple[float, float]:
    if name not in Misbehaviour.__struct_fields__:
        raise ValueError(f"unknown, expected one of {', '.join(Misbehaviour.__struct_fields__)}")
    if name in known:
        raise ValueError("was given before, expected once")
    if name == "seed":
        return int(value)
    if name not in _SPANS:
        return _number(value)
    low, dash, high = value.partition("-")
    span = (_number(low), _number(high if dash else low))
    if span[0] > span[1]:
        raise ValueError(f"span was {value!r}, expected low-high")
    if name.endswith("_every_s") and not span[0]:
        raise ValueError(f"span was {value!r}, expected more than 0 s from one to the next")
    return span


def _number(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"number was {text!r}, expected a finite one")
    return number


MISDEEDS: Final = (
    "lost", "corrupted", "delayed", "reordered", "repeated",
    "frozen", "stuck", "disconnected", "withheld", "pushed_again",
)  # fmt: skip
"""What is counted: snapshots, but outages for `frozen`, `stuck` and `disconnected`."""


class Fate(NamedTuple):
    """What becomes of one snapshot."""

    snapshot: Snapshot | None
    """As it will be sent; None = lost."""
    delay_ns: int = 0
    repeat_after_ns: int | None = None
    swapped: bool = False
    """To be sent behind the contract's next one."""


class Misbehaver:
    """Draws the fate of each snapshot; `counts` says what was done, by kind, and `eligible`."""

    def __init__(self, settings: Misbehaviour) -> None:
        self.settings: Final = settings
        self.counts: Final[Counter[str]] = Counter(dict.fromkeys(("eligible", *MISDEEDS), 0))
        self._seen = 0
        self._wanted: Final = settings.lose + settings.corrupt + settings.delay + settings.reorder
        self._rng: Final = Random(settings.seed)
        self.gate: Final = Gate(
            settings.outages(), rng=Random(f"{settings.seed} gate"), counts=self.counts
        )

    def fate(
        self, snapshot: Snapshot, *, spaced: bool, previous: Snapshot | None, calm: bool = False
    ) -> Fate:
        """Draw what becomes of a snapshot.

        `spaced` = its contract's next snapshot is at least SPACE_NS of wall time away;
        `previous` = what this source last delivered of the contract;
        `calm` = it is left alone, and says nothing about how many are eligible.
        """
        settings, draw = self.settings, self._rng.random()
        repeat_after_ns = self._repeat_after_ns()
        if calm or not self._wanted:
            return Fate(snapshot, repeat_after_ns=repeat_after_ns)
        self._seen += 1
        self.counts["eligible"] += spaced
        draw /= self._raised()
        if not spaced or draw >= self._wanted:
            return Fate(snapshot, repeat_after_ns=repeat_after_ns)
        if draw < settings.lose:
            self.counts["lost"] += 1
            return Fate(None, repeat_after_ns=repeat_after_ns)
        if draw < settings.lose + settings.corrupt:
            self.counts["corrupted"] += 1
            return Fate(self._corrupted(snapshot, previous), repeat_after_ns=repeat_after_ns)
        if draw < settings.lose + settings.corrupt + settings.reorder:
            return Fate(snapshot, repeat_after_ns=repeat_after_ns, swapped=True)
        self.counts["delayed"] += 1
        return Fate(snapshot, self._rng.randint(*_DELAY_MS) * _MS_NS, repeat_after_ns)

    def lag_ns(self) -> int:
        """Draw how late the next snapshot comes."""
        low, high = self.settings.lag_ms
        return int(self._rng.uniform(low, high) * _MS_NS) if high else 0

    def crash_after_ns(self) -> int | None:
        """Draw how long the source lives; None = it does not crash."""
        return self._after_ns(self.settings.crash_after_s)

    def hang_after_ns(self) -> int | None:
        """Draw how long its main loop runs; None = it does not hang."""
        return self._after_ns(self.settings.hang_after_s)

    def _after_ns(self, span: _Span | None) -> int | None:
        return None if span is None else int(self._rng.uniform(*span) * 1_000_000_000)

    def _raised(self) -> float:
        """How much more often an eligible snapshot is hit, at most as often as it comes."""
        by_share = (self._seen + _ASSUMED) / (self.counts["eligible"] + _ASSUMED)
        return min(by_share, max(1.0, 1 / self._wanted))

    def _repeat_after_ns(self) -> int | None:
        if not self.settings.repeat or self._rng.random() >= self.settings.repeat:
            return None
        return self._rng.randint(*_REPEAT_MS) * _MS_NS

    def _corrupted(self, snapshot: Snapshot, previous: Snapshot | None) -> Snapshot:
        kinds = list(_corruptions(snapshot, previous))
        return replace(snapshot, **self._rng.choice(kinds))


def _corruptions(snapshot: Snapshot, previous: Snapshot | None) -> Iterator[dict[str, Any]]:
    """Yield the changes that rules can tell from a good tick, given the fields present."""
    yield {"update_time": "24:61:00"}
    if snapshot.volume is not None:
        yield {"volume": -1 - snapshot.volume}
    # A falling volume shows only beside an earlier one of the same trading day.
    if previous is not None and previous.day == snapshot.day and previous.volume:
        yield {"volume": previous.volume - 1}
    if snapshot.volume and _known(snapshot.last):
        yield {"last": NO_VALUE}
        yield {"last": float("nan")}
        yield from _wrong_prices(snapshot, snapshot.last)


def _wrong_prices(snapshot: Snapshot, last: float) -> Iterator[dict[str, Any]]:
    # The price of a combination may well be negative.
    if last > 0 and "&" not in snapshot.symbol:
        yield {"last": -last}
        if _known(snapshot.limit_up) and 0 < snapshot.limit_up < last * 10:
            yield {"last": last * 10}


def _known(price: float | None) -> TypeGuard[float]:
    return price is not None and abs(price) < NO_VALUE
