"""What every answer carries, whatever it is an answer to."""

from __future__ import annotations

from typing import Final

from litestar.datastructures import MutableScopeHeaders
from litestar.types import Message, Scope

__all__ = ["POLICY", "SAFE", "add_headers"]

POLICY: Final = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; "
    "form-action 'self'; img-src 'self' data:"
)
"""No inline script or style: htmx is told so (includeIndicatorStyles, allowEval off). `data:`
images are Swagger's and the sparklines' marks."""
SAFE: Final = {
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
HSTS: Final = "max-age=31536000"
STATIC: Final = "/static/"


async def add_headers(message: Message, scope: Scope) -> None:
    """Hook `before_send` of the application."""
    if message["type"] != "http.response.start":
        return
    headers = MutableScopeHeaders.from_message(message)
    for name, value in SAFE.items():
        headers[name] = value
    if scope.get("state", {}).get("scheme", scope["scheme"]) == "https":
        headers["strict-transport-security"] = HSTS
    if not scope["path"].startswith(STATIC):
        headers["cache-control"] = "no-store"
