"""Live log lines of all services. The lines themselves come by the API; this is their frame."""

from __future__ import annotations

from typing import Annotated, Any, Final

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from litestar.response import Template

from mdhub.wire.ops import LEVELS
from mdhub_console.identity.guards import requires
from mdhub_console.identity.model import Language, Role
from mdhub_console.live.choice import LineFilter
from mdhub_console.live.line_counts import LineCounts, line_counts
from mdhub_console.live.sse import Level, Services, Text, level_of
from mdhub_console.pages.filters import Chip, address, names_in, names_text, one_of, some_of
from mdhub_console.parts import Parts
from mdhub_console.read.paging import ID_PATTERN
from mdhub_console.words.catalogue import language_of, translator

__all__ = ["LOGS", "LOG_TONES", "show_logs"]

LOG_TONES: Final = {"debug": "off", "info": "info", "warning": "warn", "error": "down"}
LOGS: Final = "/logs"

At = Annotated[
    str, QueryParameter(description="Stream id of a line to be shown.", pattern=ID_PATTERN)
]


@get(LOGS, guards=[requires(Role.VIEWER)], sync_to_thread=True, include_in_schema=False)
def show_logs(
    request: Request[Any, Any, Any],
    parts: NamedDependency[Parts],
    *,
    level: Level = LEVELS[0],
    service: Services = "",
    text: Text = "",
    at: At = "",
) -> Template:
    """The frame, with what is chosen."""
    chosen = LineFilter(level_of(level), names_in(service), text.lower())
    counts = line_counts(parts.live.view.rows("logs"), chosen)
    shown = {"level": "" if level == LEVELS[0] else level, "service": names_text(chosen.services)}
    language = language_of(request)
    context = {
        "level": level,
        "service": shown["service"],
        "text": text,
        "at": at,
        "counts": counts,
        "stream": "" if at else address("", **shown, text=text).lstrip("?"),
        "levels": _levels(shown, text, language),
        "services": _services(shown, text, counts, chosen.services),
        "tones": LOG_TONES,
    }
    return Template("logs.html", context=context)


def _levels(shown: dict[str, str], text: str, language: Language) -> list[Chip]:
    t = translator(language)
    labels = [(each, t(f"logs.level.{each}"), LOG_TONES[each]) for each in LEVELS[1:]]
    everything = ("", t("shell.all"), "")
    return one_of(
        LOGS, "level", [everything, *labels],
        chosen=shown["level"], service=shown["service"], text=text,
    )  # fmt: skip


def _services(
    shown: dict[str, str], text: str, counts: LineCounts, chosen: frozenset[str]
) -> list[Chip]:
    names = sorted({*counts.services, *chosen})
    labels = [(name, name, counts.services.get(name, 0)) for name in names]
    return some_of(LOGS, "service", labels, chosen=chosen, level=shown["level"], text=text)
