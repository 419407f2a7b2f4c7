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
        AccessDenied,
        BadKey,
        EndpointError,
        HubClosed,
        HubError,
        HubUnreachable,
        PatternError,
        ReplacedError,
        SchemaError,
        StartUnavailable,
        TooSlow,
    )
    from mdhub.sdk.events import (
        Access,
        Cause,
        Delivery,
        EpochChange,
        Gap,
        Outcome,
        Position,
        SchemaMismatch,
        Stall,
        Statistics,
    )
    from mdhub.sdk.hub import Hub, connect
    from mdhub.sdk.keys import KeyPair
    from mdhub.wire.errors import MdhubError
    from mdhub.wire.ticks import CleanTick as Tick
    from mdhub.wire.ticks import Flag

__all__ = [
    "Access",
    "AccessDenied",
    "BadKey",
    "Cause",
    "Delivery",
    "EndpointError",
    "EpochChange",
    "Flag",
    "Gap",
    "Hub",
    "HubClosed",
    "HubError",
    "HubUnreachable",
    "KeyPair",
    "MdhubError",
    "Outcome",
    "PatternError",
    "Position",
    "ReplacedError",
    "SchemaError",
    "SchemaMismatch",
    "Stall",
    "StartUnavailable",
    "Statistics",
    "Tick",
    "TooSlow",
    "__version__",
    "connect",
]

__version__: Final = "0.1.0"

_HOMES: Final = {
    "Access": ("mdhub.sdk.events", "Access"),
    "AccessDenied": ("mdhub.sdk.errors", "AccessDenied"),
    "BadKey": ("mdhub.sdk.errors", "BadKey"),
    "Cause": ("mdhub.sdk.events", "Cause"),
    "Delivery": ("mdhub.sdk.events", "Delivery"),
    "EndpointError": ("mdhub.sdk.errors", "EndpointError"),
    "EpochChange": ("mdhub.sdk.events", "EpochChange"),
    "Flag": ("mdhub.wire.ticks", "Flag"),
    "Gap": ("mdhub.sdk.events", "Gap"),
    "Hub": ("mdhub.sdk.hub", "Hub"),
    "HubClosed": ("mdhub.sdk.errors", "HubClosed"),
    "HubError": ("mdhub.sdk.errors", "HubError"),
    "HubUnreachable": ("mdhub.sdk.errors", "HubUnreachable"),
    "KeyPair": ("mdhub.sdk.keys", "KeyPair"),
    "MdhubError": ("mdhub.wire.errors", "MdhubError"),
    "Outcome": ("mdhub.sdk.events", "Outcome"),
    "PatternError": ("mdhub.sdk.errors", "PatternError"),
    "Position": ("mdhub.sdk.events", "Position"),
    "ReplacedError": ("mdhub.sdk.errors", "ReplacedError"),
    "SchemaError": ("mdhub.sdk.errors", "SchemaError"),
    "SchemaMismatch": ("mdhub.sdk.events", "SchemaMismatch"),
    "Stall": ("mdhub.sdk.events", "Stall"),
    "StartUnavailable": ("mdhub.sdk.errors", "StartUnavailable"),
    "Statistics": ("mdhub.sdk.events", "Statistics"),
    "Tick": ("mdhub.wire.ticks", "CleanTick"),
    "TooSlow": ("mdhub.sdk.errors", "TooSlow"),
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
