"""The page of the API: its document, to be tried out."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get

from mdhub_console.identity.guards import requires
from mdhub_console.identity.model import Role
from mdhub_console.pages.fields import page

__all__ = ["show_api"]


@get("/api", sync_to_thread=False, include_in_schema=False, guards=[requires(Role.VIEWER)])
def show_api(request: Request[Any, Any, Any]) -> Response[Any]:
    """Swagger UI over /schema/openapi.json."""
    return page("api.html", request)
