"""Makes an object of any vnpy gateway class, named by "module:Class".

vnpy is imported here and only when a gateway source runs.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib import import_module
from typing import Any

import msgspec

from mdhub.runtime.gateway_packages import remedy
from mdhub_ingest.gateways.engine import Engine
from mdhub_ingest.gateways.port import STOPPED
from mdhub_ingest.sources.port import SourceError

__all__ = [
    "ClassMissing",
    "GatewayError",
    "Handlers",
    "NotAGateway",
    "PackageMissing",
    "load_gateway",
]


class GatewayError(SourceError):
    """A gateway cannot run as it was told to; starting it again does not help."""

    exit_code = STOPPED


class PackageMissing(GatewayError):
    """The package of the gateway, or something it needs, is not installed."""


class ClassMissing(GatewayError):
    """The module has no such class, or the class path is none."""


class NotAGateway(GatewayError):
    """The class is not a vnpy gateway, or cannot be made into an object."""


class Handlers(msgspec.Struct, frozen=True):
    """What gets the gateway's data, in the gateway's threads."""

    on_tick: Callable[[Any], None]
    on_contract: Callable[[Any], None]
    on_log: Callable[[Any], None]


def load_gateway(class_path: str, name: str, engine: Engine, handlers: Handlers) -> Any:
    """Import the class and make an object of a subclass whose callbacks are `handlers`.

    Account, positions, orders and trades go nowhere, and the queries for them ask nothing: a data
    hub has no use for them. Raises GatewayError.
    """
    base = _class_of(class_path)
    kind = type(base.__name__, (base,), _overrides(handlers))
    arguments = (engine, name) if _takes_name(base) else (engine,)
    try:
        return kind(*arguments)
    except Exception as error:
        raise NotAGateway(
            f"gateway {class_path!r} could not be made: {type(error).__name__}: {error}; expected "
            "a constructor that takes (event_engine, gateway_name) or (event_engine)"
        ) from error


def _class_of(class_path: str) -> type[Any]:
    module_name, colon, class_name = class_path.partition(":")
    if not (module_name and colon and class_name):
        raise ClassMissing(
            f"class was {class_path!r}, expected module:Class such as vnpy_ctp:CtpGateway"
        )
    base_gateway = _import("vnpy.trader.gateway", class_path).BaseGateway
    module = _import(module_name, class_path)
    found = getattr(module, class_name, None)
    if found is None:
        names = sorted(name for name, value in vars(module).items() if inspect.isclass(value))
        raise ClassMissing(
            f"module {module_name!r} has no {class_name!r}; its classes: {', '.join(names) or '-'}"
        )
    if not (inspect.isclass(found) and issubclass(found, base_gateway)):
        raise NotAGateway(f"{class_path!r} is no vnpy gateway: expected a subclass of BaseGateway")
    return found


def _import(module_name: str, class_path: str) -> Any:
    try:
        return import_module(module_name)
    except ModuleNotFoundError as error:
        missing = error.name or module_name
        raise PackageMissing(
            f"gateway {class_path!r} needs the module {missing!r}, which is not installed; "
            f"{_remedy(missing)}"
        ) from error
    except Exception as error:
        raise PackageMissing(
            f"gateway {class_path!r}: importing {module_name!r} failed, {type(error).__name__}: "
            f"{error}; {_remedy(module_name)}"
        ) from error


def _remedy(module_name: str) -> str:
    return remedy(module_name.partition(".")[0])


def _takes_name(base: type[Any]) -> bool:
    """Old gateways take the engine only; vnpy's own also takes their name."""
    parameters = list(inspect.signature(base.__init__).parameters.values())[1:]
    positional = [p for p in parameters if p.kind in {p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD}]
    return len(positional) > 1 or any(p.kind is p.VAR_POSITIONAL for p in parameters)


def _overrides(handlers: Handlers) -> dict[str, Any]:
    def nothing(*_: Any) -> None:
        """Leave out what a data hub has no use for."""

    def passed_on(handler: Callable[[Any], None]) -> Callable[[Any, Any], None]:
        return lambda _gateway, data: handler(data)

    quiet = ("on_account", "on_position", "on_order", "on_trade", "on_quote")
    asked = ("query_account", "query_position")
    return {
        "on_tick": passed_on(handlers.on_tick),
        "on_contract": passed_on(handlers.on_contract),
        "on_log": passed_on(handlers.on_log),
        **dict.fromkeys((*quiet, *asked), nothing),
    }
