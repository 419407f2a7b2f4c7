"""What stands in the log beside ticks: control entries in raw, headers and markers in clean.

Stream fields: raw has `t` = RawTick or `c` = Control; clean has `h` = CleanHeader and `t` =
CleanTick or `m` = Marker; rejected has `h` = RejectedHeader and `t` = the RawTick bytes.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

__all__ = [
    "CleanHeader",
    "Clock",
    "ConfigChange",
    "ContractRow",
    "Control",
    "ControlKind",
    "EndOfSessionMark",
    "EpochMark",
    "Lead",
    "LostRange",
    "Marker",
    "MarkerKind",
    "MarketClock",
    "PhaseMark",
    "QualityMark",
    "RejectedHeader",
    "RulesChange",
    "SourceVerdict",
    "Verdict",
]


Natural = Annotated[int, msgspec.Meta(ge=0, le=4_000_000_000_000_000_000)]
"""A count with room to calculate in int64."""

Nanos = Natural
"""A moment a log can hold: 1970 to 2096."""


class ControlKind(StrEnum):
    """Kinds of control entries; readers ignore the ones they do not know."""

    CLOCK = "clock"
    LEAD = "lead"
    CONFIG = "config"
    CALENDAR = "calendar"
    CONTRACTS = "contracts"
    RULES = "rules"
    VERDICT = "verdict"
    OPERATOR = "operator"
    LOST = "lost"


class MarkerKind(StrEnum):
    """Kinds of markers in clean; readers ignore the ones they do not know."""

    EPOCH = "epoch"
    QUALITY = "quality"
    PHASE = "phase"
    END_OF_SESSION = "end_of_session"
    LOST = "lost"


class Verdict(StrEnum):
    """What `decide` says of a raw tick."""

    ACCEPT = "accept"
    """New and trustworthy: it stands in clean."""
    DUPLICATE = "duplicate"
    """Another copy of it was accepted."""
    LATE = "late"
    """Older than what was accepted."""
    REJECT = "reject"
    """Not believed; `reason` says why."""
    HOLD = "hold"
    """Not believed yet; confirmation may come."""
    SETTLEMENT = "settlement"
    """New for its closing or settlement price only."""


class Control(msgspec.Struct, array_like=True, frozen=True):
    """Field `c` of a raw entry: everything but a tick that may influence a verdict."""

    v: int
    kind: str
    writer: str
    session: int
    seq: int
    recv_ns: int
    body: msgspec.Raw
    """MessagePack of the kind's own struct: Clock, Lead, ConfigChange, LostRange, ..."""


class Clock(msgspec.Struct, array_like=True, frozen=True):
    """Body of `clock`: the leader's wall time, anchored to its monotonic clock."""

    wall_ns: Nanos


class Lead(msgspec.Struct, array_like=True, frozen=True):
    """Body of `lead`: a leader took over. The first raw entry of every server incarnation."""

    token: int
    """Fence token; grows with every take-over."""
    incarnation: str
    """Run id of the server process the log now lives in."""
    last_clean: str
    """Id of the newest clean entry at take-over, `0-0` if none."""
    last_n: int
    """n of the newest clean entry at take-over."""
    epoch: Natural
    """UTC ms at which the epoch was opened, up to 66 s ahead."""
    wall_ns: Nanos


class MarketClock(msgspec.Struct, array_like=True, frozen=True):
    """Value of the `market_clock` setting: market time = market_ns + (log - log_ns) * rate."""

    market_ns: Nanos
    log_ns: Nanos
    rate: Annotated[float, msgspec.Meta(ge=0, le=1_000_000)]
    """Market seconds per second; 1 = live."""
    run: str = ""
    """Which start of the hub set it: within a run market time never goes back."""


class ConfigChange(msgspec.Struct, array_like=True, frozen=True):
    """Body of `config`: one setting takes a new value at this entry."""

    name: str
    """`market_clock`, `modes`, `preference` or `unknown_instrument`."""
    value: msgspec.Raw
    """MessagePack of the new value. `market_clock`: a MarketClock; `modes`: map exchange -> `race`
    or `priority`; `preference`: list of sources, the preferred one first; `unknown_instrument`:
    `flag` or `hold`."""


class LostRange(msgspec.Struct, array_like=True, frozen=True):
    """Body of `lost`: a writer had to drop these sequence numbers (both ends included)."""

    first_seq: Natural
    last_seq: Natural
    reason: str
    """For people."""


class ContractRow(msgspec.Struct, array_like=True, frozen=True):
    """One row of the body of `contracts`: a list of at most 500 changed rows."""

    symbol: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
    exchange: Annotated[str, msgspec.Meta(min_length=1, max_length=16)]
    product: str = ""
    """Letters of the contract, such as `cu`."""
    product_class: str = ""
    """`1` future, `2` option, `3` combination, as CTP numbers them; empty = not known."""
    multiplier: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    """Units of the underlying per lot; 0 = not known."""
    price_tick: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    """Smallest step of a price; 0 = not known."""
    expiry: Natural = 0
    """Last trading day, YYYYMMDD; 0 = not known."""


class RulesChange(msgspec.Struct, array_like=True, frozen=True):
    """Body of `rules`: from this entry on another version of the rules decides."""

    version: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]


class SourceVerdict(msgspec.Struct, array_like=True, frozen=True):
    """Body of `verdict` (monitor) and `operator` (people): what a source is worth from here on."""

    source: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    verdict: str
    """`down` or `up`: it cannot be the active source of mode `priority`, or can again;
    `mute` or `unmute`: its ticks are refused, or count again; `prefer`: it comes first."""
    reason: str = ""
    """For people."""


class CleanHeader(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Field `h` of a clean entry. `arb_ns` alone is outside the bytes compared on replay."""

    v: int
    n: int
    """Running number of clean entries in the shard; never restarts."""
    k: int | None
    """Running number of clean entries of the instrument; nil for shard-wide markers."""
    epoch: int
    arb_ns: int


class Marker(msgspec.Struct, array_like=True, frozen=True):
    """Field `m` of a clean entry."""

    v: int
    kind: str
    log_ns: int
    body: msgspec.Raw
    """MessagePack of the kind's own struct: EpochMark, QualityMark, ..."""


class EpochMark(msgspec.Struct, array_like=True, frozen=True):
    """Body of the `epoch` marker: what lies behind `resume_after_n` is withdrawn."""

    epoch: int
    resume_after_n: int
    """The newest n that still counts; the marker itself has the next one."""
    incarnation: str


class QualityMark(msgspec.Struct, array_like=True, frozen=True):
    """Body of the `quality` marker: how far an instrument can be trusted from here on."""

    symbol: str
    exchange: str
    quality: str
    """Empty = good; anything else says what is wrong."""
    cause: str = ""
    """For people."""


class PhaseMark(msgspec.Struct, array_like=True, frozen=True):
    """Body of the `phase` marker: a product enters a session phase."""

    exchange: str
    product: str
    """Letters of the contract, such as `cu`."""
    phase: str
    """Name of the phase."""


class EndOfSessionMark(msgspec.Struct, array_like=True, frozen=True):
    """Body of the `end_of_session` marker: nothing follows until the next session opens."""

    final_n: int
    """n of the session's last tick; who has it has everything."""


class RejectedHeader(msgspec.Struct, array_like=True, frozen=True):
    """Field `h` of a rejected entry."""

    v: int
    raw_id: str
    """Id of the entry in raw."""
    verdict: str
    """A Verdict."""
    reason: str
    """A word for the rule that spoke."""
    source: str
