"""The replay browser: its frame; what it shows comes from GET /api/replay, page by page."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

from litestar import get
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from litestar.response import Template

from mdhub.wire.ticks import CHINA_TIME
from mdhub_console.identity.guards import requires
from mdhub_console.identity.model import Role
from mdhub_console.pages.instrument_model import VERDICTS
from mdhub_console.parts import Parts

__all__ = ["REPLAY"]

LENGTHS_S: Final = (10, 60, 300, 900, 3_600)
USUAL_S: Final = 300
FIELDS: Final = (
    "update_time", "last", "volume", "turnover", "open_interest", "bids", "asks", "high", "low",
)  # fmt: skip
SPEEDS: Final = (1, 2, 5, 10, 60)
ZOOMS_S: Final = (2, 10, 60)
NameOrNone = Annotated[
    str,
    QueryParameter(
        description="`symbol` or `symbol.EXCHANGE`.", pattern=r"^[A-Za-z0-9&_. -]{0,80}$"
    ),
]
FromMs = Annotated[
    int, QueryParameter(name="from", description="UTC ms; 0 = the newest.", ge=0, le=4 * 10**12)
]
Length = Annotated[int, QueryParameter(description="Seconds.", ge=1, le=3_600)]


@get("/replay", guards=[requires(Role.VIEWER)], sync_to_thread=False, include_in_schema=False)
def show_replay(
    parts: NamedDependency[Parts],
    *,
    contract: NameOrNone = "",
    begin: FromMs = 0,
    seconds: Length = USUAL_S,
) -> Template:
    """The page; its address says what it shows."""
    now_ns = parts.live.now_ns()
    begin_ms = begin or now_ns // 10**6 - seconds * 1_000
    at = datetime.fromtimestamp(begin_ms / 1_000, UTC).astimezone(CHINA_TIME)
    return Template(
        "replay.html",
        context={
            "contract": contract,
            "begin": f"{at:%Y-%m-%d %H:%M:%S}",
            "seconds": seconds,
            "lengths": sorted({*LENGTHS_S, seconds}),
            "speeds": SPEEDS,
            "zooms": ZOOMS_S,
            "fields": FIELDS,
            "verdicts": VERDICTS,
            "now_ns": now_ns,
        },
    )


REPLAY: Final = (show_replay,)
