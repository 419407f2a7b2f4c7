"""The OpenAPI document, for who has logged in: an attacker shall not be handed a map."""

from __future__ import annotations

from litestar import Router
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin

from mdhub import __version__
from mdhub_console.identity.guards import requires
from mdhub_console.identity.model import Role

__all__ = ["openapi_config"]


def openapi_config() -> OpenAPIConfig:
    """/schema/openapi.json; the page that shows it is `mdhub_console.pages.api`."""
    return OpenAPIConfig(
        title="mdhub console",
        version=__version__,
        render_plugins=[JsonRenderPlugin(path="/openapi.json")],
        openapi_router=Router("/schema", route_handlers=[], guards=[requires(Role.VIEWER)]),
    )
