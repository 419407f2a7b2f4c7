"""The demo's market: which two sources play it, and its truth recomputed for the checker."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any, Final, Protocol

from mdhub.market.recorded import Recording
from mdhub.market.sessions import Sessions
from mdhub.market.snapshot import Snapshot
from mdhub.market.synthetic import SyntheticMarket

__all__ = ["DemoMarket", "RecordedDemo", "SimDemo"]

BAD: Final = "lose=0.01,repeat=0.01,corrupt=0.003,delay=0.002,seed={seed}"
GOOD: Final = "lag_ms={least:g}-{most:g},repeat=0.002,seed={seed}"
LAG_MS: Final = (5, 30)
"""B comes so much later, in market time, and loses nothing."""
SECOND_NS: Final = 1_000_000_000


class DemoMarket(Protocol):
    """A market that two sources can play and a checker can recompute."""

    @property
    def rate(self) -> float:
        """Market seconds per second; 0 = as fast as it goes."""

    def sources(self) -> list[dict[str, Any]]:
        """Descriptions of sources A (fast, misbehaves) and B (later, loses nothing)."""

    def truth(self) -> Iterator[Snapshot]:
        """Everything the market makes, from its beginning."""


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


@dataclass(frozen=True, slots=True)
class RecordedDemo:
    """A tick file, played through two derived sources.

    `play_s` bounds a paced run; at speed 0 the whole file is played.
    """

    file: Path
    speed: float
    play_s: float | None
    seed: int = 1

    @property
    def rate(self) -> float:
        return self.speed

    def sources(self) -> list[dict[str, Any]]:
        file = {"file": str(self.file.resolve()), "speed": self.speed}
        return _pair({"recording": file}, self.seed, self.play_s, rate=self.rate)

    def truth(self) -> Iterator[Snapshot]:
        recording = Recording(self.file)
        if self.play_s is None:
            return recording.snapshots()
        end_ns = recording.start_ns() + int(self.play_s * self.speed * SECOND_NS)
        return _until(recording.snapshots(), end_ns)


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
