"""Handlers that tell of the hub."""

from __future__ import annotations

from typing import Final

from litestar.types import ControllerRouterHandler

from mdhub_console.read import hub_api, market_api, streams_api

__all__ = ["READ"]

READ: Final[tuple[ControllerRouterHandler, ...]] = (
    hub_api.alerts,
    hub_api.coverage,
    hub_api.health,
    hub_api.leadership,
    hub_api.schedule,
    hub_api.settings,
    hub_api.source,
    hub_api.sources,
    hub_api.status,
    market_api.instrument,
    market_api.instruments,
    market_api.prices,
    market_api.quality,
    market_api.replay,
    streams_api.events,
    streams_api.log_counts,
    streams_api.logs,
    streams_api.rejected,
    streams_api.rejected_counts,
)
