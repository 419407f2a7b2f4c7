"""Makes the application from its parts."""

from __future__ import annotations

from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.di import Provide

from mdhub.runtime.logging import Logger
from mdhub_console.identity.middleware import IdentityMiddleware
from mdhub_console.live.leases import leases
from mdhub_console.parts import Parts
from mdhub_console.routes import ROUTES
from mdhub_console.server.csrf import check_csrf
from mdhub_console.server.documents import openapi_config
from mdhub_console.server.errors import HANDLERS
from mdhub_console.server.headers import add_headers
from mdhub_console.server.origin import Doors
from mdhub_console.server.templates import template_config

__all__ = ["LARGEST_BODY", "make_app"]

LARGEST_BODY = 1_000_000
"""Bytes of a request; an import of accounts is the largest there is."""


def make_app(parts: Parts, logger: Logger | None = None) -> Litestar:
    """Return the application. Nothing runs yet."""
    settings = parts.settings
    doors = Doors(settings.trusted_proxies, settings.allowed_hosts)
    return Litestar(
        # One router, registered once: Litestar 2.25 wraps a handler that runs in a thread again for
        # each further handler of its path, and then answers with what is not there yet.
        route_handlers=[Router("/", route_handlers=ROUTES)],
        dependencies={"parts": Provide(lambda: parts, sync_to_thread=False)},
        lifespan=[parts.live.lifespan, leases(parts.live.streams, parts.identity.over)],
        middleware=[IdentityMiddleware(parts.identity, doors, logger)],
        guards=[check_csrf],
        before_send=[add_headers],
        exception_handlers=HANDLERS,
        template_config=template_config(),
        openapi_config=openapi_config(),
        request_max_body_size=LARGEST_BODY,
        state=State({"identity": parts.identity, "logger": logger}),
        logging_config=None,
    )
