"""The list of refused ticks, ready for its template. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mdhub.streams.ids import id_less, id_parts
from mdhub_console.identity.model import Language
from mdhub_console.live.rows import RejectedRow, Row
from mdhub_console.live.view import ReasonTrend
from mdhub_console.pages.filters import Chip, address, some_of
from mdhub_console.pages.sparkline import Sparkline, sparkline
from mdhub_console.pages.verdict import Tone
from mdhub_console.words.catalogue import catalogue, translator

__all__ = [
    "PAGE", "REJECTED", "Choice", "ReasonLine", "newest_of", "reason_words", "reasons_of", "shown",
    "verdict_tone",
]  # fmt: skip

PAGE: Final = 50
REJECTED: Final = "/rejected"
_TONES: Final = {"reject": "down", "hold": "warn", "late": "off"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which are shown; empty = all."""

    reason: str = ""
    source: str = ""
    symbol: str = ""
    before: str = ""

    def passes(self, row: RejectedRow) -> bool:
        names = {"", row.symbol.lower(), f"{row.symbol}.{row.exchange}".lower()}
        return (
            self.reason in {"", row.reason}
            and self.source in {"", row.source}
            and self.symbol.lower() in names
        )


@dataclass(frozen=True, slots=True)
class ReasonLine:
    """A reason: how often of late, the rule in words, and the address of its ticks."""

    reason: str
    words: str
    total: int
    trend: Sparkline
    href: str
    on: bool


def verdict_tone(verdict: str) -> Tone:
    """Tone of a verdict; one of a later release is a warning."""
    return _TONES.get(verdict, "warn")


def reason_words(reason: str, language: Language) -> str:
    """The rule in words; one of a later release is named as such."""
    key = f"reason.{reason}"
    t = translator(language)
    return t(key).replace("`", "") if key in catalogue() else t("rejected.unexplained")


def reasons_of(
    trends: Iterable[ReasonTrend], choice: Choice, language: Language
) -> list[ReasonLine]:
    """Reasons by name, so that no row moves under the pointer; the chosen one leads to all."""
    return [
        ReasonLine(
            reason=trend.reason,
            words=reason_words(trend.reason, language),
            total=trend.total,
            trend=sparkline(trend.per_minute),
            href=_address(choice, reason="" if choice.reason == trend.reason else trend.reason),
            on=choice.reason == trend.reason,
        )
        for trend in sorted(trends, key=lambda each: each.reason)
    ]


def newest_of(rows: Iterable[Row], before: str) -> list[Row]:
    """Rows of all shards, newest first, older than an id."""
    wanted = (row for row in rows if not before or id_less(row.id, before.encode()))
    return sorted(wanted, key=lambda row: id_parts(row.id), reverse=True)


def shown(rows: Sequence[RejectedRow], choice: Choice, sources: Sequence[str]) -> dict[str, Any]:
    """What of the context is about the list: `rows` newest first, one more than a page."""
    page = list(rows[:PAGE])
    kept = {"reason": choice.reason, "symbol": choice.symbol}
    more = len(rows) > PAGE
    return {
        "rows": page,
        "choice": choice,
        "sources": _sources(sources, choice, kept),
        "fresh": "" if choice.before else _address(choice, live="/live"),
        "older": _address(choice, before=page[-1].id) if more else "",
        "filtered": bool(choice.reason or choice.source or choice.symbol or choice.before),
    }


def _sources(names: Sequence[str], choice: Choice, kept: dict[str, str]) -> list[Chip]:
    """At most one source is chosen: choosing another takes its place."""
    chosen = [choice.source] if choice.source else []
    return [
        some_of(
            REJECTED,
            "source",
            [(name, name, None)],
            chosen=chosen if name == choice.source else [],
            **kept,
        )[0]
        for name in sorted({*names, *chosen})
    ]


def _address(choice: Choice, *, live: str = "", **others: str) -> str:
    kept = {"reason": choice.reason, "source": choice.source, "symbol": choice.symbol}
    return address(f"{REJECTED}{live}", **(kept | others))
