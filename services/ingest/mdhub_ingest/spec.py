"""What a source is: its name, its type and the knobs of that type."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from mdhub.market.sessions import Sessions
from mdhub.market.synthetic import SyntheticMarket
from mdhub_ingest.sources.misbehave import Misbehaviour
from mdhub_ingest.sources.port import SourceError

__all__ = ["RecordingKnobs", "SimKnobs", "SourceSpec", "parse_spec"]

Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}\Z")]


class SimKnobs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Type `sim`: the synthetic market."""

    seed: int = 1
    ticks_per_s: Annotated[float, Meta(gt=0, le=50_000)] = 120.0
    """Ticks a market second over all contracts."""
    rate: Annotated[float, Meta(gt=0, le=3_600)] = 1.0
    """Market seconds per second."""
    sessions: Sessions = "liquid"
    """Only minutes in which all exchanges trade, or whole trading days."""
    contracts: Annotated[int, Meta(ge=1, le=50_000)] | None = None
    """Contracts listed on each trading day; None = as many as the rate needs."""

    def market(self) -> SyntheticMarket:
        """Make the market. Raises MarketError if so many contracts cannot make so many ticks."""
        return SyntheticMarket(
            seed=self.seed,
            ticks_per_s=self.ticks_per_s,
            contracts=self.contracts,
            sessions=self.sessions,
        )


class RecordingKnobs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Type `recording`: a tick file, CSV (plain, .gz, .zst) with CTP field names."""

    file: Path
    speed: Annotated[float, Meta(ge=0, le=3_600)] = 1.0
    """Market seconds per second; 0 = as fast as it goes."""


class SourceSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One source. Exactly one of `sim` and `recording` is given."""

    name: Name
    sim: SimKnobs | None = None
    recording: RecordingKnobs | None = None
    misbehave: str = ""
    """Such as `lose=0.01,lag_ms=5-30`; see `Misbehaviour`."""
    play_s: Annotated[float, Meta(gt=0)] | None = None
    """Wall seconds to play; None = until the source ends or is stopped."""

    def knobs(self) -> SimKnobs | RecordingKnobs:
        """The knobs of its type. Raises SourceError unless exactly one type is given."""
        given = [knobs for knobs in (self.sim, self.recording) if knobs is not None]
        if len(given) != 1:
            raise SourceError(f"source {self.name!r}: expected one of 'sim' and 'recording'")
        return given[0]


def parse_spec(text: str) -> SourceSpec:
    """Parse a source given as JSON.

    Raises SourceError naming the problem, MarketError if its market is impossible.
    """
    try:
        spec = msgspec.json.decode(text, type=SourceSpec, dec_hook=_path)
    except msgspec.DecodeError as error:
        example = '{"name": "A", "sim": {"seed": 7}, "misbehave": "lose=0.01"}'
        raise SourceError(f"source {text!r}: {error}; expected for example {example}") from error
    knobs = spec.knobs()
    if isinstance(knobs, SimKnobs):
        knobs.market()
    Misbehaviour.parse(spec.misbehave)
    return spec


def _path(kind: type, value: object) -> object:
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise TypeError(f"{kind.__name__} was {value!r}, expected text")
