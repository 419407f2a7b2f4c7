"""Styles, scripts and fonts: our own copies, kept by browsers for a year."""

from __future__ import annotations

from typing import Final

from litestar.datastructures import CacheControlHeader
from litestar.static_files import create_static_files_router

from mdhub_console.pages.globals import STATIC

__all__ = ["STATIC_FILES"]

YEAR_S: Final = 31_536_000

STATIC_FILES: Final = create_static_files_router(
    path="/static",
    directories=[STATIC],
    cache_control=CacheControlHeader(max_age=YEAR_S, public=True, immutable=True),
    include_in_schema=False,
    opt={"needs_nobody": True},
)
"""Served before the first user is there, and without asking who it is for. Their addresses change
with their content (`asset`), so nothing of it ever gets old."""
