"""Why a tool cannot be used on this machine."""

from __future__ import annotations

from mdhub.runtime.errors import ServiceError

__all__ = ["ToolMissing"]


class ToolMissing(ServiceError):
    """This machine lacks something, or forbids it; the text says what, and how to get it."""
