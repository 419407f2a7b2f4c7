"""What the page of the system shows, ready for its template. Pure, but for what it is handed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from mdhub.config import HubConfig
from mdhub.config.show import Setting
from mdhub.streams.budgets import DEFAULTS, Budget
from mdhub_console.pages.publishers import SILENT_MS, Publisher
from mdhub_console.pages.sight import Sight
from mdhub_console.pages.verdict import Tone
from mdhub_console.read.storage import Storage, StreamFacts

__all__ = ["StreamRow", "settings_by_section", "system_of"]

READER_LATE_MS: Final = 10_000
_MEMORY_WARN: Final = 0.7
_MEMORY_DOWN: Final = 0.9


@dataclass(frozen=True, slots=True)
class StreamRow:
    """A stream beside what is kept of it."""

    facts: StreamFacts
    keep_s: float | None
    """None = by number only."""
    most: str
    """`bytes` or `entries`: what the bound counts."""
    bound: int
    share: float
    """Of the bound, in per cent."""


def system_of(
    sight: Sight,
    storage: Storage | None,
    config: HubConfig | None,
    publishers: Sequence[Publisher],
) -> dict[str, Any]:
    """Context of `system.html`; `storage` None = the log does not answer."""
    report = sight.report
    server = storage.server if storage else None
    used = server.used_bytes / server.limit_bytes if server and server.limit_bytes else None
    services = sorted(report.services, key=lambda each: each.instance) if report else []
    return {
        "sight": sight,
        "report": report,
        "storage": storage,
        "used": used,
        "used_tone": _memory_tone(used),
        "streams": [_row(each, config) for each in storage.streams] if storage else [],
        "services": [
            (each, "off" if each.state == "ended" else "ok" if each.age_ms < SILENT_MS else "down")
            for each in services
        ],
        "publishers": publishers,
        "late_ms": READER_LATE_MS,
    }


def settings_by_section(settings: Sequence[Setting]) -> list[tuple[str, list[Setting]]]:
    """Values in force by the table of the file they stand in."""

    def section(setting: Setting) -> str:
        return setting.key.partition(".")[0].partition("[")[0]

    return [(name, list(rows)) for name, rows in groupby(settings, key=section)]


def _row(facts: StreamFacts, config: HubConfig | None) -> StreamRow:
    stream = facts.stream
    if stream.max_entries is not None:
        keep_s = stream.keep_ms / 1_000 if stream.keep_ms else None
        share = min(100.0, 100 * facts.length / stream.max_entries)
        return StreamRow(facts, keep_s, "entries", stream.max_entries, round(share, 1))
    budget = DEFAULTS[stream.name]
    if config is not None:
        budget = Budget(**config.retention.model_dump()[stream.name])
    share = min(100.0, 100 * facts.bytes / budget.max_bytes) if budget.max_bytes else 0.0
    return StreamRow(facts, budget.keep_ms / 1_000, "bytes", budget.max_bytes, round(share, 1))


def _memory_tone(used: float | None) -> Tone:
    if used is None:
        return "info"
    return "down" if used > _MEMORY_DOWN else "warn" if used > _MEMORY_WARN else "ok"
