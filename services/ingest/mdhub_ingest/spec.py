"""What a source is: its name, its type and the knobs of that type."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from mdhub.accounts.kinds import secret_keys
from mdhub.accounts.sealed import is_sealed
from mdhub.market.sessions import Sessions
from mdhub.market.synthetic import SyntheticMarket
from mdhub.runtime.secret import REFERENCE, Value, in_plain_text
from mdhub_ingest.gateways.deadlines import Deadline
from mdhub_ingest.gateways.rules import RuleError, parse_rules
from mdhub_ingest.sources.misbehave import Misbehaviour
from mdhub_ingest.sources.port import SourceError

__all__ = ["GatewayKnobs", "RecordingKnobs", "SimKnobs", "SourceSpec", "on_day", "parse_spec"]

TODAY: Final = "today"

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
    jump: bool = True
    """Whether the market clock is moved over breaks and nights; else they are waited for."""

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
    more_files: tuple[Path, ...] = ()
    """Played together with `file`, merged by time."""
    speed: Annotated[float, Meta(ge=0, le=3_600)] = 1.0
    """Market seconds per second; 0 = as fast as it goes."""
    loops: Annotated[int, Meta(ge=0)] = 1
    """How often it is played, each time as the next trading days; 0 = for ever."""
    day: Annotated[str, Meta(pattern=r"^(|today|[0-9]{8})\Z")] = ""
    """Trading day its first one is played as, YYYYMMDD or `today`; empty = as recorded."""

    def first_day(self) -> date | None:
        """Return the day it is moved to; `today` must have been settled (see `on_day`)."""
        return datetime.strptime(self.day, "%Y%m%d").date() if self.day else None  # noqa: DTZ007


class GatewayKnobs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An account at a broker, through a vnpy gateway."""

    type: Literal["ctp", "sopt", "tts", "ib", "vnpy"]
    """Kind of gateway; vnpy: any other one, by its class."""
    settings: dict[str, Value]
    """What the gateway asks for; secrets are references (`mdhub.runtime.secret`), or sealed."""
    class_path: str = msgspec.field(name="class", default="")
    """`module:Class` of type vnpy."""
    subscribe: Annotated[tuple[str, ...], Meta(min_length=1)] = ("all",)
    """Rules that say which contracts it delivers."""
    limit: Annotated[int, Meta(ge=1, le=100_000)] | None = None
    """At most so many contracts."""
    pace: Annotated[float, Meta(gt=0, le=100_000)] | None = None
    """Contracts asked for per second; None = as many as its gateway is known to bear."""
    deadlines: dict[Deadline, Annotated[float, Meta(gt=0, le=86_400)]] = {}
    """Seconds after which a stage is late, where the default does not fit."""

    def mistakes(self) -> list[tuple[tuple[str, ...], str]]:
        """What is wrong beyond shape: keys and words that quote no value of a setting."""
        secrets = secret_keys(self.type, self.settings, self.class_path)
        found: list[tuple[tuple[str, ...], str]] = [
            (("settings", name), f"holds a secret in plain text, expected {REFERENCE}")
            for name, value in self.settings.items()
            if in_plain_text(name, value, secret=name in secrets) and not is_sealed(value)
        ]
        if (self.type == "vnpy") != bool(self.class_path):
            words = "expected module:Class with type vnpy, and with no other"
            found.append((("class",), words))
        try:
            parse_rules(self.subscribe)
        except RuleError as error:
            found += [(("subscribe",), str(problem)) for problem in error.problems]
        return found


def on_day(spec: SourceSpec, today: date) -> SourceSpec:
    """Settle what `today` means, once for all children of a hub and whatever replaces them."""
    knobs = spec.recording
    if knobs is None or knobs.day != TODAY:
        return spec
    return replace(spec, recording=replace(knobs, day=f"{today:%Y%m%d}"))


class SourceSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One source. Exactly one of `sim`, `recording` and `gateway` is given."""

    name: Name
    sim: SimKnobs | None = None
    recording: RecordingKnobs | None = None
    gateway: GatewayKnobs | None = None
    misbehave: str = ""
    """Not of a gateway. Such as `lose=0.01,lag_ms=5-30`; see `Misbehaviour`."""
    play_s: Annotated[float, Meta(gt=0)] | None = None
    """Wall seconds to play; None = until the source ends or is stopped."""
    schedule: str = ""
    """Group whose windows it is connected in, or `always`; empty = as befits its type."""

    def knobs(self) -> SimKnobs | RecordingKnobs | GatewayKnobs:
        """The knobs of its type. Raises SourceError unless exactly one type is given."""
        given = [each for each in (self.sim, self.recording, self.gateway) if each is not None]
        if len(given) != 1:
            raise SourceError(
                f"source {self.name!r}: expected one of 'sim', 'recording' and 'gateway'"
            )
        return given[0]


def parse_spec(text: str) -> SourceSpec:
    """Parse a source given as JSON.

    Raises SourceError naming the problem, MarketError if its market is impossible.
    """
    try:
        spec = msgspec.json.decode(text, type=SourceSpec, dec_hook=_path)
    except msgspec.DecodeError as error:
        example = '{"name": "A", "sim": {"seed": 7}, "misbehave": "lose=0.01"}'
        # The text is not shown: it may hold a password.
        raise SourceError(f"source: {error}; expected for example {example}") from None
    _check_day(spec)
    knobs = spec.knobs()
    if isinstance(knobs, SimKnobs):
        knobs.market()
    elif isinstance(knobs, GatewayKnobs):
        _check_gateway(spec, knobs)
    Misbehaviour.parse(spec.misbehave)
    return spec


def _check_gateway(spec: SourceSpec, knobs: GatewayKnobs) -> None:
    mistakes = knobs.mistakes()
    if spec.misbehave or spec.play_s is not None:
        mistakes.append((("misbehave",), "a real account neither misbehaves nor is played"))
    if mistakes:
        words = "; ".join(f"{'.'.join(key)}: {words}" for key, words in mistakes)
        raise SourceError(f"source {spec.name!r}: {words}", mistakes)


def _check_day(spec: SourceSpec) -> None:
    knobs = spec.knobs()
    if isinstance(knobs, RecordingKnobs) and knobs.day != TODAY:
        try:
            knobs.first_day()
        except ValueError as error:
            raise SourceError(
                f"source {spec.name!r}: day was {knobs.day!r}, expected a day such as 20261123, "
                "or today"
            ) from error


def _path(kind: type, value: object) -> object:
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise TypeError(f"{kind.__name__} was {value!r}, expected text")
