"""Are we fine? One sentence from findings and facts. Pure.

The worst finding speaks, with what covers it and what the hub did by itself; if nothing is wrong,
the facts an operator would look for next.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mdhub.calendar import Phase
from mdhub.health.cover import best, cover_of, delivers
from mdhub.health.model import Finding, HealthReport
from mdhub.health.words import done_words, tell
from mdhub_console.identity.model import Language
from mdhub_console.pages.formats import clock, count, countdown, duration, fixed, hour
from mdhub_console.pages.sight import Sight
from mdhub_console.words.catalogue import Translate, catalogue, translator

__all__ = ["Tone", "Verdict", "tone_of", "verdict"]

Tone = str
"""`ok`, `warn`, `down`, `off` (closed or unknown), `info`."""
TONES: Final = {"error": "down", "warning": "warn", "info": "info"}
_SOURCE_RULES: Final = frozenset(
    {"source_silent", "source_disconnected", "source_frozen", "source_restarting",
     "source_quarantined"}
)  # fmt: skip
_QUIET: Final = frozenset({"closed", "holiday"})
_NS: Final = 1_000_000_000
_PLAYED_NS: Final = 60 * _NS
"""A market whose time is so far from this host's is played: a recording, a simulation."""
_HEARD_MS: Final = 3_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What stands on top: a sentence, and facts behind it."""

    tone: Tone
    sentence: str
    facts: tuple[str, ...] = ()
    act: str = ""
    """What a person has to do; empty = nothing."""
    finding: Finding | None = None
    more: int = 0
    """Findings beside the one that speaks; `info` does not count."""


def tone_of(severity: str) -> Tone:
    """Tone of a severity; one of a later release is a warning."""
    return TONES.get(severity, "warn")


def verdict(sight: Sight, language: Language) -> Verdict:
    """Say how the hub is."""
    t = translator(language)
    report = sight.report
    if sight.connection.since_ns and not sight.connection.live:
        return _blind(sight, t)
    wrong = [each for each in sight.findings if each.severity != "info"]
    if report is None:
        return Verdict(tone="off", sentence=t("verdict.unknown"), facts=(t("overview.no_report"),))
    if not wrong:
        quiet = report.session in _QUIET
        tone, key = ("off", "verdict.closed") if quiet else ("ok", "verdict.fine")
        return Verdict(tone=tone, sentence=t(key), facts=_facts(sight, report, t))
    worst = wrong[0]
    parts = (*_about(sight, report, worst, language), *_clock(sight, report, t))
    return Verdict(
        tone="warn" if _is_back(worst, sight) else tone_of(worst.severity),
        sentence=_sentence(worst, sight, language),
        facts=parts,
        act=tell(worst, language).act,
        finding=worst,
        more=len(wrong) - 1,
    )


def _blind(sight: Sight, t: Translate) -> Verdict:
    """The console itself reads nothing: what it knows is of then, and blames nobody else."""
    since_ns = sight.connection.since_ns
    time = duration((sight.now_ns - since_ns) / _NS)
    return Verdict(
        tone="down", sentence=t("verdict.log_away", time=time),
        facts=(t("verdict.of_then", at=clock(since_ns)),), act=t("verdict.log_act"),
    )  # fmt: skip


def _is_back(finding: Finding, sight: Sight) -> bool:
    """The monitor ends a finding when it has been well for a while; until then it is here."""
    report = sight.report
    if report is None or sight.fresh.stale:
        return False
    if finding.rule == "service_down":
        heard = {each.instance: each.age_ms for each in report.services}
        return heard.get(finding.subject, _HEARD_MS) < _HEARD_MS
    sources = {each.name: each for each in report.sources}
    source = sources.get(finding.subject)
    return finding.rule in {"source_silent", "source_frozen"} and bool(source and delivers(source))


def _sentence(finding: Finding, sight: Sight, language: Language) -> str:
    key = f"verdict.rule.{finding.rule}"
    if _is_back(finding, sight):
        key = "verdict.back"
    if key not in catalogue():
        return tell(finding, language).title
    time = duration((sight.now_ns - finding.since_ns) / _NS)
    said = translator(language)(key, subject=finding.subject, time=time)
    return " ".join(said.split())


def _about(
    sight: Sight, report: HealthReport, finding: Finding, language: Language
) -> tuple[str, ...]:
    t, parts = translator(language), []
    if finding.rule in _SOURCE_RULES:
        cover = cover_of(report, finding.subject)
        names = cover.covered_by if cover else []
        key = {0: "verdict.covers_none", 1: "verdict.covers_one"}.get(len(names), "verdict.covers")
        parts.append(t(key, names=t("verdict.and").join(names)))
    if finding.done:
        done = done_words(finding.done, language)
        at = next((e.ts_ns for e in reversed(sight.events) if e.subject == finding.subject), 0)
        parts.append(t("verdict.done", what=done, at=clock(at)) if at else done)
    return tuple(parts)


def _facts(sight: Sight, report: HealthReport, t: Translate) -> tuple[str, ...]:
    wanted = [each for each in report.sources if each.wanted]
    live = [each for each in best(wanted) if delivers(each)]
    if report.session in _QUIET:
        return _clock(sight, report, t)
    parts = [
        t("verdict.live", n=len(live), of=len(wanted)),
        t("verdict.rate", rate=count(report.accepted_per_s)),
    ]
    if report.latency_p50_ms is not None:
        parts.append(f"p50 {fixed(report.latency_p50_ms, 1)} ms")
        parts.append(f"p99 {fixed(report.latency_p99_ms, 1)} ms")
    return (*parts, *_clock(sight, report, t))


def _clock(sight: Sight, report: HealthReport, t: Translate) -> tuple[str, ...]:
    now_ns = sight.market_ns
    if abs(now_ns - sight.now_ns) > _PLAYED_NS:
        return (t("verdict.played", at=clock(now_ns)), *_session(sight, report, t, now_ns))
    return _session(sight, report, t, now_ns)


def _session(sight: Sight, report: HealthReport, t: Translate, now_ns: int) -> tuple[str, ...]:
    for piece in sight.phases:
        if piece.phase is Phase.CONTINUOUS and piece.start_ns <= now_ns < piece.end_ns:
            session = t(f"verdict.session.{report.session or 'day'}")
            left = countdown((piece.end_ns - now_ns) / _NS)
            return (t("verdict.until", session=session, at=hour(piece.end_ns), left=left),)
    said = (t(f"verdict.session.{report.session}"),) if report.session else ()
    if report.next_open_ns:
        left = countdown((report.next_open_ns - now_ns) / _NS)
        return (*said, t("verdict.opens", at=hour(report.next_open_ns), left=left))
    return said
