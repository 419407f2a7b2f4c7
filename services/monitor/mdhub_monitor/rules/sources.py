"""Sources against each other: silent, frozen, lagging, or mute on a single canary.

A source *owes* a canary when others have had `OWED` snapshots of it that it has not, for two
seconds. It is *behind* on it when it also has said nothing new of it for four seconds (wall time,
at any speed of the market). Behind on two canaries (on its only one) it is down: `frozen` if it
still sends ticks of them, else `silent`. So the last source that moves can never be called down.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import median
from typing import Final, NamedTuple

from mdhub.wire.ops import Severity
from mdhub_monitor.facts import Contract, Feed, SourceSeen
from mdhub_monitor.rules.problem import Problem
from mdhub_monitor.rules.view import PATIENCE_NS, SECOND_NS, View

__all__ = ["FROZEN", "LAGGING", "SILENT", "Standing", "source_problems", "standings"]

SILENT: Final = "silent"
FROZEN: Final = "frozen"
LAGGING: Final = "lagging"
OWED: Final = 3
OWED_FOR: Final = 2 * SECOND_NS / PATIENCE_NS
"""Share of the patience for which it must owe."""
STILL_SENDS: Final = 0.75
"""Share of the patience within which a frozen source has sent a tick of the canary."""
FEW: Final = 0.1
"""Share of the canaries it is behind on of which it must still send."""
ENOUGH: Final = 2
"""Canaries that must be behind."""
LAG_WINDOW_NS: Final = 5 * SECOND_NS
LAG_SAMPLES: Final = 5
LAG_LIMIT_MS: Final = 1_000.0
LAG_CLEAR_MS: Final = 500.0


class Standing(NamedTuple):
    """One source at this look."""

    name: str
    trouble: str = ""
    """`silent`, `frozen`, `lagging`; empty = none."""
    behind: tuple[str, ...] = ()
    """Canaries it is behind on."""
    carried: int = 0
    """Canaries of now that it delivers."""
    silent_ms: int = 0
    """Since it last said something new of one that it is behind on: the longest."""
    lag_ms: float = 0.0


def standings(view: View, before: Mapping[str, Standing]) -> dict[str, Standing]:
    """Judge each wanted source. `before`: as of the last look."""
    behind: dict[str, list[tuple[Contract, Feed]]] = {}
    carried: dict[str, int] = {}
    for contract in view.canaries():
        for name, feed in view.feeds(contract):
            carried[name] = carried.get(name, 0) + 1
            if _is_behind(view, contract, feed):
                behind.setdefault(name, []).append((contract, feed))
    return {
        name: _standing(view, source, behind.get(name, []), carried.get(name, 0), before.get(name))
        for name, source in view.facts.sources.items()
        if name not in view.unwanted
    }


def source_problems(found: Mapping[str, Standing], recovering: frozenset[str]) -> Iterator[Problem]:
    """Findings of all sources. Of those `recovering` no single canary: they just came back."""
    for standing in found.values():
        facts: dict[str, int | float | str] = {
            "canaries": len(standing.behind),
            "of": standing.carried,
            "silent_ms": standing.silent_ms,
            "example": standing.behind[0] if standing.behind else "",
        }
        if standing.trouble == LAGGING:
            lag = {"lag_ms": round(standing.lag_ms)}
            yield Problem("source_lagging", standing.name, Severity.WARNING, lag)
        elif standing.trouble:
            yield Problem(f"source_{standing.trouble}", standing.name, Severity.WARNING, facts)
        elif standing.name not in recovering:
            for name in standing.behind:
                subject = f"{standing.name}/{name}"
                yield Problem("canary_silent", subject, Severity.WARNING, facts)


def _is_behind(view: View, contract: Contract, feed: Feed) -> bool:
    now_ns, patience_ns = view.now_ns(contract), view.patience_ns(contract)
    if contract.number - feed.number < OWED or contract.fresh_ns <= view.since_ns(contract):
        feed.owes_ns = 0
        return False
    feed.owes_ns = feed.owes_ns or now_ns
    owed_ns = now_ns - max(feed.owes_ns, view.since_ns(contract))
    return owed_ns >= OWED_FOR * patience_ns and view.feed_age_ns(contract, feed) >= patience_ns


def _standing(
    view: View,
    source: SourceSeen,
    behind: list[tuple[Contract, Feed]],
    carried: int,
    before: Standing | None,
) -> Standing:
    names = tuple(contract.name for contract, _ in behind)
    trouble = before.trouble if before else ""
    if len(behind) >= min(ENOUGH, carried) > 0:
        if trouble not in {SILENT, FROZEN}:  # it keeps its name while it lasts
            trouble = FROZEN if _still_sends(view, behind) else SILENT
        silent_ns = max(view.feed_age_ns(contract, feed) for contract, feed in behind)
        return Standing(source.name, trouble, names, carried, silent_ns // 1_000_000)
    lag_ms = _lag_ms(view, source)
    lagging = lag_ms > (LAG_CLEAR_MS if trouble == LAGGING else LAG_LIMIT_MS)
    return Standing(source.name, LAGGING if lagging else "", names, carried, lag_ms=lag_ms)


def _still_sends(view: View, behind: list[tuple[Contract, Feed]]) -> bool:
    still = sum(
        view.now_ns(contract) - feed.last_ns < STILL_SENDS * view.patience_ns(contract)
        for contract, feed in behind
    )
    return still >= max(1, FEW * len(behind))


def _lag_ms(view: View, source: SourceSeen) -> float:
    """Median of its newest deliveries of canaries, those that were first included as 0."""
    log_ns = max(clock.log_ns for clock in view.facts.clocks.values())
    newest: list[float] = []
    for at_ns, lag_ms in reversed(source.lags):
        if log_ns - at_ns > LAG_WINDOW_NS:
            break
        newest.append(max(0.0, lag_ms))
    return median(newest) if len(newest) >= LAG_SAMPLES else 0.0
