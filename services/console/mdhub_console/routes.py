"""Every handler there is. A route that is not here does not exist."""

from __future__ import annotations

from typing import Final

from litestar.types import ControllerRouterHandler

from mdhub_console.accounts.api import ACCOUNTS
from mdhub_console.identity.api.door import DOOR
from mdhub_console.identity.api.users import USERS
from mdhub_console.live.sse import follow
from mdhub_console.orders.routes import ORDERS
from mdhub_console.pages.account_changes import ACCOUNT_CHANGES
from mdhub_console.pages.accounts import ACCOUNT_PAGES
from mdhub_console.pages.alerts import ALERTS
from mdhub_console.pages.api import show_api
from mdhub_console.pages.demo import DEMO
from mdhub_console.pages.instruments import INSTRUMENTS
from mdhub_console.pages.login import LOGIN
from mdhub_console.pages.logs import show_logs
from mdhub_console.pages.overview import OVERVIEW
from mdhub_console.pages.preferences import PREFERENCES
from mdhub_console.pages.profile import PROFILE
from mdhub_console.pages.rejected import REFUSED
from mdhub_console.pages.replay import REPLAY
from mdhub_console.pages.schedule import SCHEDULE
from mdhub_console.pages.search import SEARCH
from mdhub_console.pages.sources import SOURCES
from mdhub_console.pages.system import SYSTEM
from mdhub_console.pages.timeline import TIMELINES
from mdhub_console.pages.users import PEOPLE
from mdhub_console.read.routes import READ
from mdhub_console.server.health import HEALTH
from mdhub_console.server.static import STATIC_FILES

__all__ = ["PUBLIC", "ROUTES"]

ROUTES: Final[tuple[ControllerRouterHandler, ...]] = (
    *HEALTH,
    *DOOR,
    *USERS,
    *LOGIN,
    *DEMO,
    *PROFILE,
    *PEOPLE,
    *OVERVIEW,
    *SOURCES,
    *INSTRUMENTS,
    *REPLAY,
    *REFUSED,
    *TIMELINES,
    show_logs,
    *ACCOUNT_PAGES,
    *ACCOUNT_CHANGES,
    *PREFERENCES,
    *ALERTS,
    *SCHEDULE,
    *SYSTEM,
    *SEARCH,
    STATIC_FILES,
    show_api,
    follow,
    *READ,
    *ORDERS,
    *ACCOUNTS,
)

PUBLIC: Final = frozenset(
    {
        ("GET", "/demo"),
        ("GET", "/healthz"),
        ("GET", "/login"),
        ("GET", "/readyz"),
        ("GET", "/setup"),
        ("GET", "/static/{file_path:path}"),
        ("POST", "/api/login"),
        ("POST", "/demo"),
        ("POST", "/language"),
        ("POST", "/login"),
        ("POST", "/setup"),
    }
)
"""Method and path of what one may ask for without having logged in. Every other handler has
`guards=[requires(Role...)]`; a test compares the route table with both."""
