"""A publisher with keys, and clients of it."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import mdhub
from mdhub.cli.keys import allow_key, new_client_key, new_server_key, revoke_key
from mdhub.runtime.logging import Logger
from mdhub.sdk.events import Access
from mdhub.sdk.hub import Hub
from mdhub.streams.memory import MemoryServer
from mdhub_publisher.access import CurveFiles
from tests.integration.running import RunningPublisher, Strategy, until


class Keys:
    """A folder of keys, as `mdhub keys` makes it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        new_server_key(folder, as_json=True)
        self.server = folder / "server.key"

    @property
    def files(self) -> CurveFiles:
        return CurveFiles(self.folder / "server.key_secret", self.folder / "clients")

    def new(self, name: str) -> Path:
        new_client_key(self.folder, name, as_json=True)
        return self.folder / f"{name}.key_secret"

    def revoke(self, name: str) -> None:
        revoke_key(self.folder, name, as_json=True)

    def allow(self, name: str) -> None:
        allow_key(self.folder, self.folder / f"revoked/{name}.key", as_json=True)

    def secrets(self) -> list[str]:
        """Every secret half: what must stand nowhere else."""
        texts = [path.read_text() for path in self.folder.glob("*.key_secret")]
        return [text.partition('secret-key = "')[2].partition('"')[0] for text in texts]


class KeyedPublisher(RunningPublisher):
    """A publisher in a thread that serves with keys, and keeps what it logs."""

    def __init__(self, server: MemoryServer, port: int, keys: Keys | None) -> None:
        self.logged = io.StringIO()
        curve = keys.files if keys is not None else None
        super().__init__(server, port, curve=curve, logger=Logger("publisher", "A", self.logged))

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.logged.getvalue().splitlines()]

    def lines_of(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == event]


class KeyedStrategy(Strategy):
    """A strategy that keeps what it is told of access."""

    def __init__(self, hub: Hub) -> None:
        self.access: list[Access] = []
        hub.on_access = self.access.append
        hub.on_stall = lambda _: None
        super().__init__(hub, "*")
        until(lambda: self.joined)


def follow(publisher: RunningPublisher, keys: Keys, key: Path) -> KeyedStrategy:
    return KeyedStrategy(mdhub.connect(publisher.endpoint, server_key=keys.server, key=key))
