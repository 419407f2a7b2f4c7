"""What all connections share: engine, capture, notes, contracts, counters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mdhub.accounts.kinds import Profile
from mdhub.runtime.secret import Value
from mdhub_ingest.gateways import engine
from mdhub_ingest.gateways.capture import Capture
from mdhub_ingest.gateways.engine import Engine
from mdhub_ingest.gateways.loader import GatewayError, Handlers, load_gateway
from mdhub_ingest.gateways.port import First, Instrument, Note, NoteKind, Side
from mdhub_ingest.gateways.profiles.instruments import Changes, of_contract
from mdhub_ingest.gateways.profiles.notes import Notes
from mdhub_ingest.gateways.settings import gateway_settings

__all__ = ["CommonConnection"]


class CommonConnection:
    """A vnpy gateway that has been made and not yet told to connect.

    Raises GatewayError: package or class missing, settings wrong. `settings` are resolved values.
    """

    def __init__(
        self,
        profile: Profile,
        class_path: str,
        settings: Mapping[str, Value],
        *,
        name: str,
        cached: Sequence[Instrument] = (),
    ) -> None:
        secrets = [str(value) for key, value in settings.items() if profile.is_secret(key)]
        self._name = name
        self._notes = Notes(secrets)
        self._faults: Counter[str] = Counter()
        self._capture = Capture(none=profile.none)
        self._changes = Changes(cached)
        handlers = Handlers(self._capture.on_tick, self.on_contract, self.on_log)
        routes = {
            engine.TICK: handlers.on_tick,
            engine.CONTRACT: handlers.on_contract,
            engine.LOG: handlers.on_log,
        }
        self._engine = Engine(routes, self.fault)
        path = class_path or profile.class_path
        self._gateway = load_gateway(path, name, self._engine, handlers)
        default: Mapping[str, Any] = self._gateway.default_setting
        self._settings = gateway_settings(name, settings, default, profile)

    def timer(self) -> None:
        """Deliver one second's timer event to the gateway."""
        self._engine.timer()

    def notes(self) -> list[Note]:
        """Return what callbacks said since the last call."""
        return self._notes.drain()

    def instruments(self) -> list[Instrument]:
        """Return contracts that are new or changed since the last call; first the cached ones."""
        return self._changes.drain()

    def firsts(self) -> list[First]:
        """Return instruments whose first tick came since the last call."""
        return self._capture.firsts()

    def forget_firsts(self) -> None:
        """The next tick of each instrument counts as its first."""
        self._capture.forget_firsts()

    def counts(self) -> Mapping[str, int]:
        """Counters: ticks, what could not be read by reason, faults by callback, what was lost."""
        faults = self._faults.copy()
        return {
            "ticks": self._capture.ticks,
            "faults": faults.total(),
            **{f"fault:{where}": count for where, count in faults.items()},
            "notes_dropped": self._notes.dropped,
            "instruments_left_out": self._changes.left_out,
            **self._capture.unread.copy(),
        }

    # In the gateway's threads

    def on_contract(self, contract: Any) -> None:
        """Take a ContractData; one that cannot be read is a fault."""
        self.guarded("on_contract", lambda: self._changes.add(of_contract(contract)))

    def on_log(self, log: Any) -> None:
        """Take a LogData."""
        self._notes.add(NoteKind.LOG, Side.MD, text=str(log.msg))

    def guarded(self, where: str, act: Callable[[], object], side: Side = Side.MD) -> bool:
        """Do it and return whether it went well; what it raises is noted and goes no further.

        An exception that left a callback would end on the vendor's stdout.
        """
        try:
            act()
        except Exception as error:  # noqa: BLE001 - the gateway's own code may raise anything
            self.fault(where, error, side)
            return False
        return True

    def fault(self, where: str, error: Exception, side: Side = Side.MD) -> None:
        """Count an exception; note the 1st, 10th, 100th ... of its place."""
        self._faults[where] += 1
        count = self._faults[where]
        if str(count).strip("0") == "1":
            text = f"{where} raised {type(error).__name__}: {error} (number {count})"
            self._notes.add(NoteKind.FAULT, side, text=text)

    # Once

    def begin(self) -> None:
        """Call the gateway's own `connect`. Raises GatewayError for what it refuses."""
        settings, self._settings = self._settings, {}
        try:
            self._gateway.connect(settings)
        except Exception as error:  # noqa: BLE001 - any may come, and its trace may hold secrets
            text = self._notes.clean(f"{type(error).__name__}: {error}")
            raise GatewayError(
                f"source {self._name!r}: the gateway cannot connect: {text}"
            ) from None
