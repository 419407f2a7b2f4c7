"""Knobs of what every process says of itself: log lines and metrics."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mdhub.config.base import Knobs

__all__ = ["LogsKnobs", "MetricsKnobs"]


class LogsKnobs(Knobs):
    """Log lines of the services: JSON on stderr, and in the stream `logs` (docs/logs.md)."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """Lines below this level are not written, neither to stderr nor to the stream."""


class MetricsKnobs(Knobs):
    """Numbers for Prometheus: each process serves /metrics, /healthz, /readyz (docs/metrics.md)."""

    port: int = Field(default=0, ge=0, le=65_000)
    """First port; the processes take the 300 from it on in a fixed order. 0: no metrics."""
    bind: str = Field(default="127.0.0.1", min_length=1)
    """Address to listen on. Whoever reaches it can read the numbers."""
