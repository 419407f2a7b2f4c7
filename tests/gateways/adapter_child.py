"""A process with the hub's own adapter in it; orders and events as with child.py.

Runs in an environment that has both mdhub and the gateways.
"""

from __future__ import annotations

import json
import os
import select
import sys
import threading
from importlib import metadata
from typing import Any

import msgspec

from mdhub.wire.errors import MdhubError
from mdhub_ingest.gateways.port import Connection, Instrument
from mdhub_ingest.gateways.profiles import open_connection

TURN_S = 0.02


class Driver:
    """Does what source.py does, and tells all of it."""

    def __init__(self, kind: str, descriptor: int) -> None:
        self._kind = kind
        self._descriptor = descriptor
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._thread = threading.local()

    def tell(self, event: str, **fields: Any) -> None:
        """Write one event."""
        data = memoryview((json.dumps({"event": event, **fields}) + "\n").encode())
        with self._lock:
            while data:
                data = data[os.write(self._descriptor, data) :]

    def take(self, recv_ns: int, fields: tuple[Any, ...]) -> None:
        """Tell a tick; one whose symbol says so is refused the hard way."""
        if fields[0] == "boom":
            raise RuntimeError("told to")
        self._thread.ticks = getattr(self._thread, "ticks", 0) + 1
        self.tell("raw_tick", recv_ns=recv_ns, fields=fields, of_thread=self._thread.ticks)

    def obey(self, order: dict[str, Any]) -> None:
        """Do what one line of stdin says."""
        if order["do"] == "connect":
            cached = [Instrument(**one) for one in order.get("cached", ())]
            try:
                self._connection = open_connection(
                    order.get("kind", self._kind),
                    order.get("class_path", ""),
                    order["setting"],
                    name=self._kind.upper(),
                    cached=cached,
                )
                self._connection.connect(self.take)
            except MdhubError as error:
                self.tell("error", kind=type(error).__name__, text=str(error))
            return
        connection = self._connection
        assert connection is not None
        do: str = order["do"]
        match do:
            case "subscribe":
                connection.subscribe(
                    [Instrument(symbol=s, exchange=order["exchange"]) for s in order["symbols"]]
                )
            case "unsubscribe":
                connection.unsubscribe(
                    [Instrument(symbol=s, exchange=order["exchange"]) for s in order["symbols"]]
                )
            case "timer":
                connection.timer()
            case "forget":
                connection.forget_firsts()
            case "status":
                facts = msgspec.to_builtins(connection.facts())
                self.tell("status", **facts, counts=dict(connection.counts()))
            case unknown:
                self.tell("unknown", order=unknown)

    def turn(self) -> None:
        """Tell what came since the last turn."""
        connection = self._connection
        if connection is None:
            return
        for note in connection.notes():
            self.tell("note", **msgspec.to_builtins(note))
            if note.kind == "log":
                self.tell("log", text=note.text)
        for instrument in connection.instruments():
            self.tell("instrument", **msgspec.to_builtins(instrument))
        for first in connection.firsts():
            self.tell("first", **msgspec.to_builtins(first))


def main() -> None:
    """Serve until stdin ends."""
    driver = Driver(sys.argv[1], int(sys.argv[2]))
    names = ("vnpy", f"vnpy_{sys.argv[1]}")
    driver.tell("ready", versions={name: metadata.version(name) for name in names})
    buffer = b""
    while True:
        driver.turn()
        if not select.select([0], [], [], TURN_S)[0]:
            continue
        data = os.read(0, 1 << 16)
        if not data:
            os._exit(0)
        *lines, buffer = (buffer + data).split(b"\n")
        for line in lines:
            driver.obey(json.loads(line))


if __name__ == "__main__":
    main()
