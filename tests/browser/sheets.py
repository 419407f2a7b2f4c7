"""The table of pages: each line is opened in both languages and judged in `test_pages.py`."""

from __future__ import annotations

from typing import Final, NamedTuple

from mdhub_console.identity.model import Role
from tests.support.console_scenes import DEMO_TOKEN, REPLAY

__all__ = ["SHEETS", "Sheet"]


_SWAPS: Final = "mdhubSeen.swaps"


class Sheet(NamedTuple):
    """A page, and over which scene (`tests.support.console_scenes`) it is looked at."""

    path: str
    scene: str = "fine"
    role: Role | None = Role.ADMIN
    """Who looks; None = nobody has logged in."""
    moves: int = 4
    """Live updates that are watched, a second's worth where nothing is said: a tab shows four in
    that; 1 where a page takes them less often; 0 where nothing comes."""
    grows: str = _SWAPS
    """JavaScript whose value is another one after each of them."""
    shown: str = ""
    """Selector of what an island draws once it has all it needs."""
    kib: int = 150
    """Most that page, styles, scripts and fonts may weigh, packed."""
    foreign: str = ""
    """Selector of what a library draws and we cannot mend: axe does not judge it."""


SHEETS: Final[dict[str, Sheet]] = {
    "setup": Sheet("/setup?token=x", scene="new", role=None, moves=0),
    "login": Sheet("/login", role=None, moves=0),
    "demo": Sheet(f"/demo?token={DEMO_TOKEN}", scene="demo", role=None, moves=0),
    "overview": Sheet("/"),
    "overview-trouble": Sheet("/", scene="troubled"),
    "overview-empty": Sheet("/", scene="empty", moves=0),
    "sources": Sheet("/sources", scene="troubled"),
    "source": Sheet("/sources/CTP-B", scene="troubled"),
    "instruments": Sheet("/instruments", moves=1, shown="#found tbody tr"),
    "instrument": Sheet("/instruments/rb2701.SHFE", shown="#chart canvas", kib=190),
    "rejected": Sheet("/rejected", scene="records"),
    "rejected-tick": Sheet("/rejected/0/{refused}", scene="records", moves=0),
    "replay": Sheet(REPLAY, moves=0, shown="#beside tbody tr"),
    "timeline": Sheet("/timeline", scene="records"),
    "alerts": Sheet("/alerts", scene="troubled", moves=1),
    "logs": Sheet(
        "/logs", scene="records", shown=".rows-row:not([hidden])",
        grows="document.getElementById('lines-count').textContent",
    ),
    "accounts": Sheet("/accounts"),
    "accounts-none": Sheet("/accounts", scene="empty", moves=0),
    "account": Sheet("/accounts/CTP-B"),
    "account-new": Sheet("/accounts/-/new", moves=0),
    "schedule": Sheet("/schedule", scene="troubled", moves=1),
    "system": Sheet("/system", scene="troubled", moves=1, shown="#doctor :not(.empty)"),
    "profile": Sheet("/profile", moves=0),
    "prove": Sheet("/prove", moves=0),
    "users": Sheet("/users", moves=0),
    "audit": Sheet("/audit", moves=0),
    # Swagger UI alone weighs 450 kB; only who writes scripts opens it.
    "api": Sheet("/api", moves=0, shown="#api .opblock", kib=700, foreign="#api"),
}  # fmt: skip
