"""Handlers that send orders and tell what became of them."""

from __future__ import annotations

from typing import Final

from litestar.types import ControllerRouterHandler

from mdhub_console.orders import alerts_api, api

__all__ = ["ORDERS"]

ORDERS: Final[tuple[ControllerRouterHandler, ...]] = (
    alerts_api.silence,
    alerts_api.try_channels,
    alerts_api.unsilence,
    api.acknowledge,
    api.command,
    api.commands,
    api.failover,
    api.foretell,
    api.order_account,
    api.order_schedule,
    api.order_source,
    api.prefer,
)
