"""Opens the right kind of connection for a source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mdhub.accounts.kinds import profile_of
from mdhub.runtime.secret import Value
from mdhub_ingest.gateways.port import Connection, Instrument
from mdhub_ingest.gateways.profiles.ctp import CtpConnection
from mdhub_ingest.gateways.profiles.generic import GenericConnection, IbConnection
from mdhub_ingest.gateways.profiles.instruments import CTP_CLASSES, SOPT_CLASSES

__all__ = ["open_connection"]


def open_connection(
    kind: str,
    class_path: str,
    settings: Mapping[str, Value],
    *,
    name: str,
    cached: Sequence[Instrument] = (),
) -> Connection:
    """Import vnpy and make the gateway; nothing is connected yet.

    `kind` is the source's type, `class_path` the "module:Class" of type `vnpy` (else empty), `name`
    the source's, which also names the flow folder; `settings` hold no references any more. `cached`
    contracts are the first that `instruments()` returns: subscriptions need not wait for a query.
    The working folder must hold `.vntrader` before. Raises GatewayError.
    """
    known, profile = profile_of(kind, class_path)
    match known:
        case "ctp" | "sopt" | "tts":
            classes = SOPT_CLASSES if known == "sopt" else CTP_CLASSES
            return CtpConnection(
                profile, class_path, settings, name=name, cached=cached, classes=classes
            )
        case "ib":
            return IbConnection(profile, class_path, settings, name=name, cached=cached)
        case _:
            return GenericConnection(profile, class_path, settings, name=name, cached=cached)
