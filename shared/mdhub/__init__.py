"""mdhub: one trusted market data stream.

    import mdhub

    with mdhub.connect("tcp://127.0.0.1:5555") as hub:
        for tick in hub.ticks("rb2610.SHFE", start="snapshot"):
            print(tick.symbol, tick.last)

Importing this is light: what a name needs is loaded when the name is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mdhub.sdk.errors import (
        EndpointError,
        HubClosed,
        HubError,
        HubUnreachable,
        PatternError,
        ReplacedError,
        SchemaError,
    )
    from mdhub.sdk.events import (
        Delivery,
        EpochChange,
        Position,
        SchemaMismatch,
        Stall,
        Statistics,
    )
    from mdhub.sdk.hub import Hub, connect
    from mdhub.wire.errors import MdhubError
    from mdhub.wire.ticks import CleanTick as Tick
    from mdhub.wire.ticks import Flag

__all__ = [
    "Delivery",
    "EndpointError",
    "EpochChange",
    "Flag",
    "Hub",
    "HubClosed",
    "HubError",
    "HubUnreachable",
    "MdhubError",
    "PatternError",
    "Position",
    "ReplacedError",
    "SchemaError",
    "SchemaMismatch",
    "Stall",
    "Statistics",
    "Tick",
    "__version__",
    "connect",
]

__version__: Final = "0.1.0"

_HOMES: Final = {
    "Delivery": ("mdhub.sdk.events", "Delivery"),
    "EndpointError": ("mdhub.sdk.errors", "EndpointError"),
    "EpochChange": ("mdhub.sdk.events", "EpochChange"),
    "Flag": ("mdhub.wire.ticks", "Flag"),
    "Hub": ("mdhub.sdk.hub", "Hub"),
    "HubClosed": ("mdhub.sdk.errors", "HubClosed"),
    "HubError": ("mdhub.sdk.errors", "HubError"),
    "HubUnreachable": ("mdhub.sdk.errors", "HubUnreachable"),
    "MdhubError": ("mdhub.wire.errors", "MdhubError"),
    "PatternError": ("mdhub.sdk.errors", "PatternError"),
    "Position": ("mdhub.sdk.events", "Position"),
    "ReplacedError": ("mdhub.sdk.errors", "ReplacedError"),
    "SchemaError": ("mdhub.sdk.errors", "SchemaError"),
    "SchemaMismatch": ("mdhub.sdk.events", "SchemaMismatch"),
    "Stall": ("mdhub.sdk.events", "Stall"),
    "Statistics": ("mdhub.sdk.events", "Statistics"),
    "Tick": ("mdhub.wire.ticks", "CleanTick"),
    "connect": ("mdhub.sdk.hub", "connect"),
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'mdhub' has no attribute {name!r}")
    value: object = getattr(import_module(home[0]), home[1])
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
