"""Where a source is in its life, as people see it. Pure.

The states of processes and gateways are many; a page draws one path through them and lights the
present one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mdhub.health.cover import DELIVERS_MS
from mdhub.health.model import SourceFacts
from mdhub.wire.ops import EventKind
from mdhub_console.live.rows import EventRow
from mdhub_console.pages.verdict import Tone

__all__ = ["MACHINE", "Span", "Standing", "history", "stage_of", "standing"]

MACHINE: Final = (
    "stopped", "preflight", "front", "md_login", "td_login", "contracts", "subscribing", "live",
    "closing",
)  # fmt: skip
"""The path of a source through a session; `quarantined` stands beside it."""

_STAGES: Final[Mapping[str, str]] = {
    "absent": "stopped",
    "ended": "stopped",
    "failed": "stopped",
    "held": "stopped",
    "stopped": "stopped",
    "started": "preflight",
    "starting": "preflight",
    "preflight": "preflight",
    "connecting": "front",
    "connection_lost": "front",
    "md_login": "md_login",
    "td_login": "td_login",
    "login_refused": "md_login",
    "contracts": "contracts",
    "subscribing": "subscribing",
    "running": "live",
    "live": "live",
    "degraded": "live",
    "closing": "closing",
    "ending": "closing",
    "quarantined": "quarantined",
}
_TONES: Final[Mapping[str, Tone]] = {
    "live": "ok", "stopped": "off", "closing": "off", "quarantined": "down",
}  # fmt: skip
_QUIET: Final = frozenset({"break", "closed", "holiday"})


@dataclass(frozen=True, slots=True)
class Standing:
    """How a source is, in one word."""

    tone: Tone
    state: str
    """Key below `sources.state.`."""
    why: str = ""
    """Said by whoever muted it or marked it down."""


@dataclass(frozen=True, slots=True)
class Span:
    """A state that held for a time, in per cent of the band."""

    stage: str
    tone: Tone
    x: float
    width: float
    start_ns: int


def stage_of(state: str) -> str:
    """Stage of `MACHINE` for a state of a process or gateway; empty = none that is known."""
    return _STAGES.get(state, "")


def standing(source: SourceFacts, session: str) -> Standing:
    """How a source is: what the operator did first, then what is wrong, then its own word."""
    stage = stage_of(source.state)
    if stage == "quarantined":
        return Standing("down", "quarantined")
    if source.muted:
        return Standing("warn", "muted", source.muted)
    if source.frozen:
        return Standing("down", "frozen")
    if not source.wanted:
        return Standing("off", "off" if stage in {"", "live"} else stage)
    silent = source.age_ms is None or source.age_ms > DELIVERS_MS
    if source.down or (silent and stage in {"", "live"} and session not in _QUIET):
        return Standing("down", "silent", "" if source.down == "silent" else source.down)
    if source.state == "degraded":
        return Standing("warn", "degraded")
    return Standing(_TONES.get(stage, "warn" if stage else "ok"), stage or "live")


def history(events: Sequence[EventRow], name: str, *, now_ns: int, span_ns: int) -> list[Span]:
    """States of the last `span_ns` as a band, the oldest first."""
    start_ns = now_ns - span_ns
    changes = [*_changes(events, name)]
    spans: list[Span] = []
    ends = [*(at for at, _ in changes[1:]), now_ns][: len(changes)]
    for (at, stage), end_ns in zip(changes, ends, strict=True):
        begin_ns = max(at, start_ns)
        if end_ns > begin_ns:
            x = 100 * (begin_ns - start_ns) / span_ns
            width = 100 * (end_ns - begin_ns) / span_ns
            spans.append(Span(stage, _TONES.get(stage, "warn"), round(x, 2), round(width, 2), at))
    return spans


def _changes(events: Iterable[EventRow], name: str) -> Iterable[tuple[int, str]]:
    before = ""
    for event in events:
        if event.kind == EventKind.SOURCE and event.subject == name:
            stage = stage_of(str(event.body.get("change") or event.body.get("state") or ""))
            if stage and stage != before:
                before = stage
                yield event.ts_ns, stage
