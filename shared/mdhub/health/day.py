"""The report of a trading day: what it holds, and the goals it is measured by.

Seconds are market seconds: live they are those of the wall clock, in an accelerated market there
are more of them. How each figure comes about: docs/ops/daily-report.md.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, NamedTuple

import msgspec

__all__ = [
    "FOLDER",
    "GOALS",
    "MAX_INCIDENTS",
    "DayReport",
    "Goal",
    "Incident",
    "Measured",
    "SourceDay",
    "Takeover",
    "decode_day",
    "encode_day",
    "measured",
]

FOLDER: Final = "reports"
"""Of the data folder: `<day>.json` and `<day>.md`."""
SCHEMA: Final = 1
MAX_INCIDENTS: Final = 200
"""Findings and take-overs that a report names; it counts the rest."""


class SourceDay(msgspec.Struct, frozen=True, kw_only=True):
    """One source over the day."""

    name: str
    rank: int = 0
    """1 = best by mean score; 0 = not ranked."""
    score: float | None = None
    """Mean of the ranking's points (docs/monitor.md), weighted by time."""
    won: float | None = None
    """Share of accepted ticks that it delivered first."""
    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    held: int = 0
    lost: int = 0
    """Ticks that it said itself it could not keep until the log had them."""
    lag_p50_ms: float | None = None
    """Mean over the day of the last hour's median."""
    lag_p99_ms: float | None = None
    """The worst of the day, of the last hour's."""
    gaps_per_h: float = 0.0
    restarts: int = 0
    down_s: float = 0.0
    """Session seconds in which it was wanted but marked down."""


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """A finding of the monitor."""

    key: str
    severity: str
    began_ns: int
    """Wall time."""
    ended_ns: int = 0
    """0 = still there."""
    done: str = ""


class Takeover(msgspec.Struct, frozen=True, kw_only=True):
    """Another arbiter took a shard in a session."""

    shard: int
    at_ns: int
    """Wall time."""
    silence_ms: float
    """Between the newest time in the log and the new leader's first entry."""


class DayReport(msgspec.Struct, frozen=True, kw_only=True):
    """One trading day, up to `until_ns`."""

    v: int = SCHEMA
    day: int
    """YYYYMMDD."""
    monitor: str = ""
    final: bool = True
    """False: the day is not over."""
    until_ns: int = 0
    """Market time."""
    session_s: float = 0.0
    """In which at least one known product trades continuously, by the calendar."""
    watched_s: float = 0.0
    """Of these with a look at least every 2.5 s."""
    skipped_s: float = 0.0
    """Of these that a played market jumped over."""
    down_s: dict[str, float] = {}
    """By cause: `no_leader`, `no_publisher`, `all_silent`, `takeover`; weighted by canaries."""
    longest_s: float = 0.0
    """Longest stretch in which anything was down."""
    latency_p50_ms: float | None = None
    """Gateway callback to commit, of ticks sampled each second."""
    latency_p99_ms: float | None = None
    latency_max_ms: float | None = None
    latency_samples: int = 0
    accepted: int = 0
    refused: dict[str, int] = {}
    """Rejected ticks by reason; what came late or was muted is not among them."""
    unconfirmed: int = 0
    """Accepted after a hold without a second source agreeing; estimated from the sample."""
    injected: int = 0
    """Ticks that simulated sources corrupted on purpose."""
    holes: int = 0
    """Numbers of clean that no publisher could serve."""
    takeovers: list[Takeover] = []
    unled: int = 0
    """Shards that nobody led at the end."""
    service_restarts: dict[str, int] = {}
    sources: list[SourceDay] = []
    incidents: list[Incident] = []
    incidents_untold: int = 0

    @property
    def unwatched_s(self) -> float:
        """Session seconds that nobody looked at: they count as not available."""
        return max(0.0, self.session_s - self.watched_s - self.skipped_s)

    @property
    def gap_s(self) -> float:
        """Session seconds without data, what nobody looked at included."""
        return sum(self.down_s.values()) + self.unwatched_s

    @property
    def availability(self) -> float | None:
        """Share of the session with data; None = no session yet."""
        due_s = self.session_s - self.skipped_s
        return max(0.0, 1.0 - self.gap_s / due_s) if due_s > 0 else None

    @property
    def interception(self) -> float | None:
        """Share of bad ticks that were refused; None = there was none.

        Where ticks were corrupted on purpose, of those; else of all that were refused or taken
        unconfirmed. Bad ticks that no rule can tell from good ones are in no figure of a live day.
        """
        refused = sum(self.refused.values())
        if self.injected:
            return min(1.0, refused / self.injected)
        bad = refused + self.unconfirmed
        return refused / bad if bad else None

    @property
    def failover_success(self) -> float | None:
        """Share of take-overs that took at most a second; None = there was none."""
        tries = len(self.takeovers) + self.unled
        good = sum(each.silence_ms <= TAKEOVER_GOOD_MS for each in self.takeovers)
        return good / tries if tries else None

    @property
    def worst_takeover_ms(self) -> float | None:
        return max((each.silence_ms for each in self.takeovers), default=None)

    @property
    def completeness(self) -> float | None:
        """Delivered by accepted: what publishers could not serve is not delivered."""
        return max(0.0, 1.0 - self.holes / self.accepted) if self.accepted else None


TAKEOVER_GOOD_MS: Final = 1_000.0


class Goal(NamedTuple):
    """What a figure shall be; `own` is this project's stricter one."""

    name: str
    better: Literal["more", "less"]
    goal: float
    own: float
    unit: Literal["share", "ms", "s"]
    of: Callable[[DayReport], float | None]


GOALS: Final = (
    Goal("availability", "more", 0.999, 0.9999, "share", lambda d: d.availability),
    Goal("median latency", "less", 5.0, 1.0, "ms", lambda d: d.latency_p50_ms),
    Goal("latency p99", "less", 50.0, 5.0, "ms", lambda d: d.latency_p99_ms),
    Goal("interception", "more", 0.99, 0.999, "share", lambda d: d.interception),
    Goal("failover success", "more", 1.0, 1.0, "share", lambda d: d.failover_success),
    Goal("longest take-over", "less", 1_000.0, 400.0, "ms", lambda d: d.worst_takeover_ms),
    Goal("gap, weighted", "less", 33.0, 3.3, "s", lambda d: d.gap_s),
    Goal("gap, longest", "less", 10.0, 1.0, "s", lambda d: d.longest_s),
    Goal("data completeness", "more", 0.9999, 1.0, "share", lambda d: d.completeness),
)
"""The second to last column stands in the issue or follows from it; 33 s of 33,300 are 99.9 %."""


class Measured(NamedTuple):
    """A goal and what became of it."""

    goal: Goal
    value: float | None
    """None = there was nothing to measure."""

    def met(self, limit: float) -> bool:
        """Whether a limit is kept; nothing to measure breaks none."""
        if self.value is None:
            return True
        return self.value >= limit if self.goal.better == "more" else self.value <= limit


def measured(report: DayReport) -> list[Measured]:
    """Every figure beside its goals, in the order of `GOALS`."""
    return [Measured(goal, goal.of(report)) for goal in GOALS]


_decode: Final = msgspec.json.Decoder(DayReport).decode


def encode_day(report: DayReport) -> bytes:
    """As JSON."""
    return msgspec.json.format(msgspec.json.encode(report), indent=1)


def decode_day(data: bytes | str) -> DayReport:
    """Read what `encode_day` wrote. Raises msgspec.DecodeError."""
    return _decode(data)
