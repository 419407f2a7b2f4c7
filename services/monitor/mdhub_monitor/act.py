"""What is done about a sick source. Pure: standings in, orders out.

A source found silent or frozen gets the verdict `down` at once. If it is still so five seconds
later its process is replaced; again after one minute, two, four; after `ATTEMPTS` in an hour it is
left alone (quarantine) until it has been well for ten minutes. It is `up` again after it has been
well for three seconds. A source that lags or lacks one contract is told of, never restarted.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from mdhub_monitor.rules.sources import FROZEN, SILENT, Standing

__all__ = ["Healer", "Orders"]

SECOND_NS: Final = 1_000_000_000
RESTART_AFTER_NS: Final = 5 * SECOND_NS
PAUSE_NS: Final = 60 * SECOND_NS
ATTEMPTS: Final = 3
HOUR_NS: Final = 3_600 * SECOND_NS
WELL_NS: Final = 3 * SECOND_NS
FORGIVEN_NS: Final = 600 * SECOND_NS
RESTARTED: Final = "restarted"
QUARANTINED: Final = "quarantined"
DOWN: Final = "down"


class Orders(NamedTuple):
    """What shall happen now."""

    restart: tuple[tuple[str, str], ...] = ()
    """Source and reason."""
    down: Mapping[str, str] = {}
    """Sources that shall be down from here on, and why: the whole set."""
    done: Mapping[str, str] = {}
    """Key of a finding -> what the hub did."""
    quarantined: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Case:
    down_ns: int = 0
    """Since when; 0 = it is up."""
    reason: str = ""
    well_ns: int = 0
    """Since when it is well; 0 = it is not."""
    restarts: list[int] = field(default_factory=list)
    """Moments of the restarts of the last hour."""
    quarantined: bool = False


@dataclass(slots=True)
class Healer:
    """Remembers each case. Times are of a clock that does not step."""

    _cases: dict[str, _Case] = field(default_factory=dict)

    def look(self, standings: Mapping[str, Standing], now_ns: int, *, all_silent: bool) -> Orders:
        """With all sources silent nothing is restarted and nobody is called down anew."""
        restart: list[tuple[str, str]] = []
        done: dict[str, str] = {}
        for name in [name for name in self._cases if name not in standings]:
            del self._cases[name]  # it is not wanted now: when it comes again it begins anew
        for name, standing in standings.items():
            sick = standing.trouble in {SILENT, FROZEN}
            case = self._cases.get(name)
            if case is None:
                if not sick or all_silent:
                    continue
                case = self._cases[name] = _Case()
            if not sick:
                self._better(name, case, now_ns)
                continue
            if all_silent:
                continue
            case.well_ns = 0
            case.reason = f"{standing.trouble} on {len(standing.behind)} canaries"
            case.down_ns = case.down_ns or now_ns
            if self._restart_now(case, now_ns):
                case.restarts.append(now_ns)
                restart.append((name, case.reason))
            done[f"source_{standing.trouble}:{name}"] = _done(case)
        down = {name: case.reason for name, case in self._cases.items() if case.down_ns}
        isolated = frozenset(name for name, case in self._cases.items() if case.quarantined)
        return Orders(tuple(restart), down, done, isolated)

    def adopt(self, down: AbstractSet[str], now_ns: int) -> None:
        """Take over verdicts of a monitor that ran before: they end when the source is well."""
        for name in down:
            self._cases.setdefault(name, _Case(down_ns=now_ns, reason="down before"))

    def _better(self, name: str, case: _Case, now_ns: int) -> None:
        case.well_ns = case.well_ns or now_ns
        well_ns = now_ns - case.well_ns
        if well_ns >= WELL_NS:
            case.down_ns = 0
        if well_ns >= FORGIVEN_NS:
            del self._cases[name]

    @staticmethod
    def _restart_now(case: _Case, now_ns: int) -> bool:
        case.restarts = [at_ns for at_ns in case.restarts if now_ns - at_ns < HOUR_NS]
        if case.quarantined or now_ns - case.down_ns < RESTART_AFTER_NS:
            return False
        if not case.restarts:
            return True
        if now_ns - case.restarts[-1] < PAUSE_NS << (len(case.restarts) - 1):
            return False
        if len(case.restarts) >= ATTEMPTS:
            case.quarantined = True
            return False
        return True


def _done(case: _Case) -> str:
    if case.quarantined:
        return QUARANTINED
    return RESTARTED if case.restarts else DOWN
