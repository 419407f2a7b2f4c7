"""GET /events: one stream of server-sent events per tab, of all topics it asks for."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import HeaderParameter, QueryParameter
from litestar.response import Stream

from mdhub.wire.ops import LEVELS
from mdhub_console.identity.guards import requires
from mdhub_console.identity.model import Role
from mdhub_console.identity.service import visit_of
from mdhub_console.live.choice import CONTRACT_TOPIC, TOPICS, BadChoice, LineFilter, read_cursors
from mdhub_console.live.frames import Tab
from mdhub_console.parts import Parts
from mdhub_console.server.csrf import own_page

__all__ = ["follow"]

MAX_RECENT: Final = 1_000
MAX_TEXT: Final = 200
MAX_MS: Final = 4_000_000_000_000
CONTRACT: Final = re.compile(CONTRACT_TOPIC + r":[A-Za-z0-9&_. -]{1,80}")
EVENT_STREAM: Final = "text/event-stream; charset=utf-8"
HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

Topics = Annotated[
    str,
    QueryParameter(
        description=f"Comma-separated, of {', '.join(TOPICS)}; and of one contract "
        f"{CONTRACT_TOPIC}:symbol.EXCHANGE.",
        max_length=300,
    ),
]
Level = Annotated[str, QueryParameter(description=f"Lines of it and above: {', '.join(LEVELS)}.")]
Services = Annotated[
    str, QueryParameter(description="Lines of these services; empty = all.", max_length=200)
]
Text = Annotated[
    str, QueryParameter(description="Lines that hold it, in any case.", max_length=MAX_TEXT)
]
Since = Annotated[int, QueryParameter(description="Lines since, UTC ms.", ge=0, le=MAX_MS)]
Recent = Annotated[
    int, QueryParameter(description="Rows to begin with, of each stream.", ge=0, le=MAX_RECENT)
]
LastId = Annotated[str | None, HeaderParameter(name="Last-Event-ID", max_length=4_000)]
LastIdAgain = Annotated[
    str, QueryParameter(description="As Last-Event-ID, for the first request.", max_length=4_000)
]


@get(
    "/events",
    guards=[requires(Role.VIEWER), own_page],
    media_type=EVENT_STREAM,
    sync_to_thread=False,
)
def follow(  # noqa: PLR0913 - parameters of a request
    request: Request[Any, Any, Any],
    parts: NamedDependency[Parts],
    *,
    topics: Topics = "status",
    level: Level = "debug",
    service: Services = "",
    text: Text = "",
    since: Since = 0,
    recent: Recent = 100,
    cursors: LastIdAgain = "",
    last_event_id: LastId = None,
) -> Stream:
    """Stream what is new until the tab closes or its session ends.

    Each event's id resumes all streams at once.
    """
    lines = LineFilter(
        level=level_of(level),
        services=frozenset(filter(None, service.split(","))),
        text=text.lower(),
        since_ns=since * 1_000_000,
    )
    tab = Tab(topics_of(topics), lines)
    at = read_cursors(last_event_id or cursors)
    visit = visit_of(request.user, request.auth)
    stream = parts.live.streams.admit(tab, at, recent=recent, visit=visit)
    return Stream(stream, media_type=EVENT_STREAM, headers=HEADERS)


def topics_of(text: str) -> tuple[str, ...]:
    """Read a list of topics. Raises BadChoice."""
    named = tuple(dict.fromkeys(filter(None, text.split(","))))
    contracts = [name for name in named if CONTRACT.fullmatch(name)]
    unknown = [name for name in named if name not in TOPICS and name not in contracts]
    if unknown or not named or len(contracts) > 1:
        raise BadChoice(
            f"topics was {text!r}, expected some of {', '.join(TOPICS)}, and at most one "
            f"{CONTRACT_TOPIC}:symbol.EXCHANGE"
        )
    return named


def level_of(text: str) -> int:
    """Place of a level. Raises BadChoice."""
    if text not in LEVELS:
        raise BadChoice(f"level was {text!r}, expected one of {', '.join(LEVELS)}")
    return LEVELS.index(text)
