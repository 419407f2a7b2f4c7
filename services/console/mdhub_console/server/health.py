"""/healthz: the process answers. /readyz: its database does; the log may be away."""

from __future__ import annotations

from litestar import MediaType, get
from litestar.di import NamedDependency

from mdhub_console.parts import Parts

__all__ = ["HEALTH"]


@get(
    "/healthz",
    sync_to_thread=False,
    media_type=MediaType.TEXT,
    include_in_schema=False,
    opt={"needs_nobody": True},
)
def healthz() -> str:
    """The process lives."""
    return "ok\n"


@get(
    "/readyz",
    sync_to_thread=True,
    media_type=MediaType.TEXT,
    include_in_schema=False,
    opt={"needs_nobody": True},
)
def readyz(parts: NamedDependency[Parts]) -> str:
    """Users can log in. Without the log the console shows how old what it knows is."""
    parts.identity.records.head()
    return "ok\n"


HEALTH = (healthz, readyz)
