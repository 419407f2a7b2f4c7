"""One value of one metric, as the pure parts hand it on."""

from __future__ import annotations

from typing import NamedTuple

from mdhub.metrics.histogram import Histogram

__all__ = ["Sample"]


class Sample(NamedTuple):
    """A value of the metric `name` of `mdhub.metrics.names`."""

    name: str
    labels: tuple[str, ...]
    """In the order of the metric's labels."""
    value: float | Histogram
