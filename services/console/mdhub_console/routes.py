"""Every handler there is. A route that is not here does not exist."""

from __future__ import annotations

from typing import Final

from litestar.types import ControllerRouterHandler

from mdhub_console.identity.api.door import DOOR
from mdhub_console.identity.api.users import USERS
from mdhub_console.live.sse import follow
from mdhub_console.orders.routes import ORDERS
from mdhub_console.pages.api import show_api
from mdhub_console.pages.login import LOGIN
from mdhub_console.pages.overview import OVERVIEW
from mdhub_console.pages.preferences import PREFERENCES
from mdhub_console.pages.profile import PROFILE
from mdhub_console.pages.sources import SOURCES
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
    *PROFILE,
    *PEOPLE,
    *OVERVIEW,
    *SOURCES,
    *PREFERENCES,
    STATIC_FILES,
    show_api,
    follow,
    *READ,
    *ORDERS,
)

PUBLIC: Final = frozenset(
    {
        ("GET", "/healthz"),
        ("GET", "/login"),
        ("GET", "/readyz"),
        ("GET", "/setup"),
        ("GET", "/static/{file_path:path}"),
        ("POST", "/api/login"),
        ("POST", "/language"),
        ("POST", "/login"),
        ("POST", "/setup"),
    }
)
"""Method and path of what one may ask for without having logged in. Every other handler has
`guards=[requires(Role...)]`; a test compares the route table with both."""
