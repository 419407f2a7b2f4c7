"""The demo's market: which two sources play it, and its truth recomputed for the checker."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import takewhile
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from mdhub.market.playlist import FOR_EVER, Playlist
from mdhub.market.sessions import Sessions
from mdhub.market.snapshot import Snapshot
from mdhub.market.synthetic import SyntheticMarket

__all__ = ["DemoMarket", "RecordedDemo", "SimDemo", "Unreadable"]

BAD: Final = (
    "lose=0.01,repeat=0.01,corrupt=0.003,delay=0.002,reorder=0.002,"
    "freeze_every_s=8-16,freeze_s=1.5-3,disconnect_every_s=8-16,disconnect_s=1.5-3,seed={seed}"
)
GOOD: Final = "lag_ms={least:g}-{most:g},repeat=0.002,seed={seed}"
LAG_MS: Final = (5, 30)
"""B comes so much later, in market time, and loses nothing."""
SECOND_NS: Final = 1_000_000_000


class Unreadable(NamedTuple):
    """Rows of recordings that were skipped, and files that broke off."""

    rows: dict[str, int]
    """By kind, over all loops."""
    examples: list[str]
    """The first ten."""
    cuts: dict[str, str]
    """Where a file broke off, by its name."""


NOTHING_UNREADABLE: Final = Unreadable({}, [], {})


class DemoMarket(Protocol):
    """A market that two sources can play and a checker can recompute."""

    @property
    def rate(self) -> float:
        """Market seconds per second; 0 = as fast as it goes."""

    def sources(self) -> list[dict[str, Any]]:
        """Descriptions of sources A (fast, misbehaves) and B (later, loses nothing)."""

    def truth(self) -> Iterator[Snapshot]:
        """Everything the market makes, from its beginning."""

    @property
    def unreadable(self) -> Unreadable:
        """What of the market's files could not be read, as far as the truth was read last."""


@dataclass(frozen=True, slots=True)
class SimDemo:
    """The synthetic market, from its seed."""

    seed: int
    ticks_per_s: float
    """In a second of the wall, however fast the market is played."""
    play_s: float | None
    rate: float = 1.0
    sessions: Sessions = "liquid"
    contracts: int | None = None

    def sources(self) -> list[dict[str, Any]]:
        market = {**self._terms(), "rate": self.rate}
        return _pair({"sim": market}, self.seed, self.play_s, rate=self.rate)

    def truth(self) -> Iterator[Snapshot]:
        market = SyntheticMarket(**self._terms())
        if self.play_s is None:
            return market.snapshots()
        return _until(market.snapshots(), market.end_of_play(self.play_s, self.rate))

    def _terms(self) -> dict[str, Any]:
        return {
            "seed": self.seed,
            "ticks_per_s": self.ticks_per_s / self.rate,
            "sessions": self.sessions,
            "contracts": self.contracts,
        }

    @property
    def unreadable(self) -> Unreadable:
        return NOTHING_UNREADABLE


@dataclass(slots=True)
class RecordedDemo:
    """Tick files, played through two derived sources.

    `play_s` bounds a paced run; at speed 0 all is played.
    """

    files: Sequence[Path]
    speed: float
    play_s: float | None
    seed: int = 1
    loop: bool = False
    """Played again and again, each time as the next trading days."""
    first_day: date | None = None
    """Trading day the first recorded one is played as; None = as recorded."""
    _read: Playlist | None = None

    @property
    def rate(self) -> float:
        return self.speed

    def sources(self) -> list[dict[str, Any]]:
        first, *others = (str(file.resolve()) for file in self.files)
        recording = {
            "file": first,
            "more_files": others,
            "speed": self.speed,
            "loops": self._loops(),
            "day": "" if self.first_day is None else f"{self.first_day:%Y%m%d}",
        }
        return _pair({"recording": recording}, self.seed, self.play_s, rate=self.rate)

    def truth(self) -> Iterator[Snapshot]:
        self._read = playlist = Playlist(self.files, loops=self._loops(), first_day=self.first_day)
        if self.play_s is None or not self.speed:
            return playlist.snapshots()
        return _until(playlist.snapshots(), playlist.time_after(self.play_s, self.speed))

    @property
    def unreadable(self) -> Unreadable:
        if self._read is None:
            return NOTHING_UNREADABLE
        skipped, examples, cuts = self._read.wrong()
        return Unreadable(dict(skipped), [str(example) for example in examples], dict(cuts))

    def _loops(self) -> int:
        return FOR_EVER if self.loop else 1


def _pair(
    market: dict[str, Any], seed: int, play_s: float | None, *, rate: float
) -> list[dict[str, Any]]:
    least, most = (ms / (rate or 1.0) for ms in LAG_MS)
    good = GOOD.format(seed=seed + 2, least=least, most=most)
    played = market if play_s is None else market | {"play_s": play_s}
    return [
        {"name": "A", **played, "misbehave": BAD.format(seed=seed + 1)},
        {"name": "B", **played, "misbehave": good},
    ]


def _until(snapshots: Iterator[Snapshot], end_ns: int | None) -> Iterator[Snapshot]:
    if end_ns is None:
        return snapshots
    return takewhile(lambda snapshot: snapshot.made_ns < end_ns, snapshots)


def as_json(source: dict[str, Any]) -> str:
    """A source as `mdhub run ingest --source` takes it."""
    return json.dumps(source)
