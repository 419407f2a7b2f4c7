"""Errors of the market side."""

from __future__ import annotations

from mdhub.wire.errors import MdhubError

__all__ = ["MarketError"]


class MarketError(MdhubError):
    """A market cannot be made: a file is missing or not a recording, a setting makes no sense."""
