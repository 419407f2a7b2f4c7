"""Pure: which finding explains which, so that one outage is one alert.

A finding is folded into its cause while both last, unless it is graver than the cause. The table is
without circles (a test says so).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from mdhub.health.model import Finding
from mdhub.wire.ops import Severity

__all__ = ["CAUSES", "CAUSE_RULES", "RANK", "cause_of"]

Fits = Callable[[Finding, Finding], bool]
"""Whether a cause explains this child."""

RANK: Final = {Severity.INFO: 0, Severity.WARNING: 1, Severity.ERROR: 2}


def _any(_child: Finding, _cause: Finding) -> bool:
    return True


def _same(child: Finding, cause: Finding) -> bool:
    return child.subject == cause.subject


def _its_process(child: Finding, cause: Finding) -> bool:
    return cause.subject == f"ingest:{child.subject}"


def _arbiter(_child: Finding, cause: Finding) -> bool:
    return cause.subject.startswith("arbiter:")


_AWAY: Final[tuple[str, Fits]] = ("server_away", _any)
_UNLED: Final[tuple[str, Fits]] = ("shard_unled", _any)
_ALL_SILENT: Final[tuple[str, Fits]] = ("all_sources_silent", _any)
_OWN_PROCESS: Final[tuple[str, Fits]] = ("service_down", _its_process)
_GONE: Final[tuple[str, Fits]] = ("source_disconnected", _same)
_LOCKED_OUT: Final[tuple[str, Fits]] = ("source_quarantined", _same)
_QUIET: Final[tuple[str, Fits]] = ("source_silent", _same)

CAUSES: Final[Mapping[str, tuple[tuple[str, Fits], ...]]] = {
    "service_down": (_AWAY,),
    "shard_unled": (_AWAY,),
    "no_standby": (_AWAY, ("service_down", _arbiter)),
    "standby_ineligible": (_AWAY,),
    "log_stalled": (_AWAY, _UNLED),
    "all_sources_silent": (_AWAY,),
    "source_disconnected": (_AWAY, _OWN_PROCESS, _LOCKED_OUT),
    "source_silent": (_AWAY, _ALL_SILENT, _OWN_PROCESS, _LOCKED_OUT, _GONE),
    "source_frozen": (_AWAY, _ALL_SILENT, _LOCKED_OUT, _GONE, _QUIET),
    "source_lagging": (_AWAY, _ALL_SILENT, _LOCKED_OUT, _GONE, _QUIET, ("source_frozen", _same)),
    "source_restarting": (_AWAY, _LOCKED_OUT, _GONE, _QUIET, ("source_frozen", _same)),
    "canary_silent": (_AWAY, _ALL_SILENT, _UNLED),
    "coverage_low": (_AWAY, _ALL_SILENT),
    "contract_silent": (_AWAY, _ALL_SILENT, ("coverage_low", _any), ("canary_silent", _same)),
    "reader_behind": (_AWAY, _UNLED, ("reader_overtaken", _same)),
    "server_fsync": (_AWAY,),
    "server_memory": (_AWAY,),
}
CAUSE_RULES: Final = frozenset(rule for causes in CAUSES.values() for rule, _ in causes)


def cause_of(child: Finding, others: Iterable[Finding]) -> str:
    """Key of what explains a finding among others that last; the first in the table; or empty."""
    found: dict[int, str] = {}
    table = CAUSES.get(child.rule, ())
    for other in others:
        for place, (rule, fits) in enumerate(table):
            if other.rule == rule and _heavier(other, child) and fits(child, other):
                found.setdefault(place, other.key)
    return found[min(found)] if found else ""


def _heavier(cause: Finding, child: Finding) -> bool:
    return RANK.get(Severity(cause.severity), 0) >= RANK.get(Severity(child.severity), 0)
