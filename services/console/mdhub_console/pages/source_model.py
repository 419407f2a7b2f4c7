"""What the pages of the sources show, ready for their templates. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from mdhub.health.cover import Cover, cover_of
from mdhub.health.model import SourceFacts
from mdhub.wire.ops import EventKind
from mdhub_console.identity.model import Language
from mdhub_console.live.rows import EventRow
from mdhub_console.pages.overview_model import cards_of
from mdhub_console.pages.sight import Sight
from mdhub_console.pages.source_state import MACHINE, Span, history, stage_of, standing
from mdhub_console.pages.sparkline import sparkline, thin
from mdhub_console.pages.verdict import Tone, tone_of
from mdhub_console.words.catalogue import catalogue, translator

__all__ = ["ACTIONS", "Action", "Login", "source_of", "sources_of"]

ACTIONS: Final = ("restart", "start", "stop", "hold", "resume", "mute", "unmute")
TAKES_AWAY: Final = frozenset({"restart", "stop", "hold", "mute"})
"""These cost ticks: the question says what covers."""
LINES: Final = 100
_HOUR_NS: Final = 3_600_000_000_000
BAND_NS: Final = 4 * _HOUR_NS


@dataclass(frozen=True, slots=True)
class Action:
    """A button, and what it asks before it acts."""

    name: str
    question: str
    consequences: tuple[str, ...]
    danger: bool
    fits: bool
    """Whether it makes sense now; the others stand behind it."""


@dataclass(frozen=True, slots=True)
class Login:
    """A change of the source in words."""

    event: EventRow
    tone: Tone
    what: str
    explained: str = ""
    """The vendor's code, in words."""
    todo: str = ""


def sources_of(sight: Sight) -> dict[str, Any]:
    """Context of `sources.html`."""
    return {"sight": sight, "report": sight.report, "cards": cards_of(sight)}


def source_of(sight: Sight, name: str, language: Language) -> dict[str, Any] | None:
    """Context of `source.html`; None = the hub knows no such source."""
    facts, report = sight.source(name), sight.report
    if facts is None or report is None:
        return None
    own = [event for event in sight.events if event.subject == name]
    now = standing(facts, report.session)
    stage = stage_of(facts.state) or ("live" if now.state in {"live", "silent"} else "")
    spans = history(sight.events, name, now_ns=sight.now_ns, span_ns=BAND_NS)
    return {
        "sight": sight,
        "report": report,
        "facts": facts,
        "standing": now,
        "machine": [(state, state == stage) for state in MACHINE],
        "quarantined": stage == "quarantined",
        "stage": stage,
        "spans": spans,
        "span_keys": _keys(spans),
        "band_hours": BAND_NS // _HOUR_NS,
        "rate": sparkline(thin([p.source_ticks_per_s.get(name) for p in sight.history])),
        "win": sparkline(thin([p.win_rate.get(name) for p in sight.history])),
        "faults": [(e, tone_of(e.severity)) for e in own if e.kind == EventKind.FINDING][-20:],
        "logins": [_login(e, language) for e in own if e.kind == EventKind.SOURCE][-20:][::-1],
        "lines": list(sight.logs)[-LINES:][::-1],
        "orders": [c for c in sight.commands if c.target.partition(":")[2] == name][:8],
        "actions": _actions(facts, cover_of(report, name), language),
    }


def _keys(spans: list[Span]) -> list[tuple[str, Tone]]:
    return list(dict.fromkeys((span.stage, span.tone) for span in spans))


def _login(event: EventRow, language: Language) -> Login:
    body, t = event.body, translator(language)
    change = str(body.get("change") or body.get("state") or "")
    key = f"sources.change.{change}"
    what = t(key) if key in catalogue() else change.replace("_", " ")
    suffix = "_zh" if language == "zh" else ""
    means = body.get(f"says{suffix}") or body.get("says") or body.get("reason") or ""
    code = body.get("code")
    explained = t("sources.code", code=code, means=means) if code is not None else str(means)
    side = f"{what} ({body['side']})" if body.get("side") else what
    todo = str(body.get(f"todo{suffix}") or body.get("todo") or "")
    tone = "ok" if change in {"running", "live"} else tone_of(event.severity)
    return Login(event, tone, side, explained, todo)


def _actions(facts: SourceFacts, cover: Cover | None, language: Language) -> list[Action]:
    stopped = stage_of(facts.state) in {"stopped", "quarantined"}
    fits = {
        "restart": not stopped, "stop": not stopped, "hold": not stopped,
        "start": stopped, "resume": stopped or not facts.wanted,
        "mute": not facts.muted, "unmute": bool(facts.muted),
    }  # fmt: skip
    return [_action(name, facts, cover, language, fits=fits[name]) for name in ACTIONS]


def _action(
    name: str, facts: SourceFacts, cover: Cover | None, language: Language, *, fits: bool
) -> Action:
    t = translator(language)
    said = [t(f"sources.does.{name}")]
    if name in TAKES_AWAY and cover is not None:
        said += _costs(cover, language)
    question = t(f"sources.ask.{name}", name=facts.name)
    return Action(name, question, tuple(said), name in TAKES_AWAY, fits)


def _costs(cover: Cover, language: Language) -> list[str]:
    t, names = translator(language), cover.covered_by
    said = []
    if cover.win_rate is not None:
        said.append(t("sources.wins", share=f"{100 * cover.win_rate:.0f} %"))
    key = {0: "sources.covers_none", 1: "sources.covers_one"}.get(len(names), "sources.covers")
    said.append(t(key, names=t("verdict.and").join(names)))
    return [*said, t(f"sources.gap.{cover.gap}", n=cover.uncovered)]
