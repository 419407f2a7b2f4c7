"""The pre-open checklist: is everything there that the coming session needs? Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from mdhub.calendar import HORIZON_ALARM_DAYS
from mdhub.wire.ops import Severity
from mdhub_ingest.schedule.settings import ScheduleSettings

__all__ = ["Check", "Facts", "SourceState", "judge", "worst"]

_READY: Final = frozenset({"running", "degraded"})
_BAD_CLOCK_MS: Final = 2_000.0
"""From here on arbiters call a source's clock faulty."""
_COMMIT_MS: Final = 2_000
"""Leaders commit ten times a second."""
_ORDER: Final = (Severity.INFO, Severity.WARNING, Severity.ERROR)


class SourceState(NamedTuple):
    """One source of the group that is to run."""

    name: str
    gateway: bool
    """Whether it logs in somewhere and is asked for contracts."""
    alive: bool
    """Whether its heartbeat is fresh."""
    counters: Mapping[str, int]


class Facts(NamedTuple):
    """What was found. None = it could not be told."""

    sources: Sequence[SourceState]
    log_age_ms: int | None
    """Since an arbiter last committed."""
    clock_offset_ms: float | None
    """Of the server's clock to this host's."""
    disk_free_mb: int | None
    horizon_days: int | None


class Check(NamedTuple):
    """One line of the checklist."""

    name: str
    subject: str
    ok: bool
    severity: str
    """What it means if it is not ok."""
    found: str
    expected: str

    def body(self) -> dict[str, Any]:
        return self._asdict()


def judge(facts: Facts, settings: ScheduleSettings) -> list[Check]:
    """Every check of a group, sources first."""
    return [*_sources(facts, settings), *_host(facts, settings)]


def worst(checks: Sequence[Check]) -> str:
    """Severity of the event: that of the worst check that failed."""
    failed = [Severity(check.severity) for check in checks if not check.ok]
    return max(failed, key=_ORDER.index, default=Severity.INFO)


def _sources(facts: Facts, settings: ScheduleSettings) -> list[Check]:
    in_ = {source.name for source in facts.sources if _logged_in(source)}
    # One of several that is missing costs redundancy; all of them cost the session.
    missing = Severity.WARNING if in_ else Severity.ERROR
    found: list[Check] = []
    for source in facts.sources:
        ok = source.name in in_
        state = "logged in" if ok else "not logged in" if source.alive else "no heartbeat"
        found.append(Check("login", source.name, ok, missing, state, "logged in"))
        if not source.gateway:
            continue
        wanted, confirmed = (source.counters.get(key, 0) for key in ("wanted", "confirmed"))
        found.append(
            Check("contracts", source.name, wanted > 0, missing, f"{wanted} wanted", "some wanted")
        )
        share = confirmed / wanted if wanted else 0.0
        found.append(
            Check(
                "coverage", source.name, share >= settings.coverage, Severity.WARNING,
                f"{confirmed} of {wanted} confirmed", f"{settings.coverage:.0%}",
            )
        )  # fmt: skip
    return found


def _logged_in(source: SourceState) -> bool:
    return source.alive and (not source.gateway or source.counters.get("logged_in", 1) > 0)


def _host(facts: Facts, settings: ScheduleSettings) -> list[Check]:
    offset, disk, horizon = facts.clock_offset_ms, facts.disk_free_mb, facts.horizon_days
    far = offset is None or abs(offset) > _BAD_CLOCK_MS
    age = facts.log_age_ms
    return [
        Check(
            "arbiter", "", age is not None and age < _COMMIT_MS, Severity.ERROR,
            "no commit" if age is None else f"last commit {age} ms ago", f"within {_COMMIT_MS} ms",
        ),
        Check(
            "clock", "", offset is not None and abs(offset) <= settings.clock_ms,
            Severity.ERROR if far else Severity.WARNING,
            "not told" if offset is None else f"{offset:+.0f} ms to the server",
            f"within {settings.clock_ms:g} ms",
        ),
        Check(
            "disk", "", disk is not None and disk >= settings.disk_free_mb, Severity.ERROR,
            "not told" if disk is None else f"{disk} MB free", f"{settings.disk_free_mb} MB free",
        ),
        Check(
            "calendar", "", horizon is not None and horizon >= HORIZON_ALARM_DAYS,
            Severity.ERROR if horizon is None else Severity.WARNING,
            "day not covered" if horizon is None else f"{horizon} days left",
            f"{HORIZON_ALARM_DAYS} days left",
        ),
    ]  # fmt: skip
