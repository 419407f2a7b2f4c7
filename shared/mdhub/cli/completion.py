"""What the shell offers behind TAB, beside commands, options and files."""

from __future__ import annotations

from mdhub.market.products import PRODUCTS
from mdhub.wire.ops import EventKind

__all__ = ["event_kinds", "patterns", "services"]


def patterns(incomplete: str) -> list[str]:
    """Offer one pattern per product, such as `rb*.SHFE`."""
    offered = (f"{product}*.{exchange}" for product, exchange in sorted(PRODUCTS.items()))
    return [pattern for pattern in offered if pattern.startswith(incomplete)]


def event_kinds(incomplete: str) -> list[str]:
    """Offer the kinds of events written today."""
    return [kind for kind in EventKind if kind.startswith(incomplete)]


def services(incomplete: str) -> list[str]:
    """Offer the services of `mdhub run`."""
    from importlib.metadata import entry_points

    names = sorted(point.name for point in entry_points(group="mdhub.services"))
    return [name for name in names if name.startswith(incomplete)]
