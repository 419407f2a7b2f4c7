"""The table of pages: each line is opened in both languages and judged in `test_pages.py`."""

from __future__ import annotations

from typing import Final, NamedTuple

from mdhub_console.identity.model import Role

__all__ = ["SHEETS", "Sheet"]


class Sheet(NamedTuple):
    """A page, and over which scene (`stage.SCENES`) it is looked at."""

    path: str
    scene: str = "fine"
    role: Role | None = Role.ADMIN
    """Who looks; None = nobody has logged in."""
    live: bool = True
    """Whether a fragment of it is swapped while the hub's numbers move."""
    kib: int = 150
    """Most that page, styles, scripts and fonts may weigh, packed."""
    foreign: str = ""
    """Selector of what a library draws and we cannot mend: axe does not judge it."""


SHEETS: Final[dict[str, Sheet]] = {
    "setup": Sheet("/setup?token=x", scene="new", role=None, live=False),
    "login": Sheet("/login", role=None, live=False),
    "overview": Sheet("/"),
    "overview-trouble": Sheet("/", scene="troubled"),
    "overview-empty": Sheet("/", scene="empty", live=False),
    "sources": Sheet("/sources", scene="troubled"),
    "source": Sheet("/sources/CTP-B", scene="troubled"),
    "accounts-none": Sheet("/accounts", live=False),
    "account-new": Sheet("/accounts/-/new", live=False),
    "profile": Sheet("/profile", live=False),
    "prove": Sheet("/prove", live=False),
    "users": Sheet("/users", live=False),
    "audit": Sheet("/audit", live=False),
    # Swagger UI alone weighs 450 kB; only who writes scripts opens it.
    "api": Sheet("/api", live=False, kib=700, foreign="#api"),
}
