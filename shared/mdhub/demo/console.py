"""The demo's console: where it listens, and the link that lets one in, once."""

from __future__ import annotations

import http.client
import secrets
import threading
import time
from typing import Final

from mdhub.host.console import Console
from mdhub.host.ports import free_port_pair

__all__ = ["DemoConsole"]

TOKEN_BYTES: Final = 16
LINK_S: Final = 900.0
"""For so long the console takes the link."""
ASK_EVERY_S: Final = 0.2
ANSWER_S: Final = 2.0
_OK: Final = 200


class DemoConsole:
    """Made before the host; `watch` finds out when the console answers."""

    def __init__(self) -> None:
        token = secrets.token_urlsafe(TOKEN_BYTES)
        self._port = free_port_pair()
        self.plan: Final = Console(port=self._port, demo_token=token)
        self._link = f"{self.plan.address}/demo?token={token}"
        self._ready_s: float | None = None
        self._over = threading.Event()

    def watch(self) -> None:
        """Ask in a thread until the console answers, or `close`."""
        threading.Thread(target=self._wait, daemon=True).start()

    def close(self) -> None:
        """Ask no more."""
        self._over.set()

    @property
    def words(self) -> tuple[str, str]:
        """What to say and where to go; empty until the console answers."""
        if self._ready_s is None:
            return "", ""
        if time.monotonic() - self._ready_s > LINK_S:
            return "the console is at / 控制台地址:", self.plan.address
        return (
            "the console, open once within 15 minutes / 打开控制台（15 分钟内，仅一次）:",
            self._link,
        )

    def _wait(self) -> None:
        while not self._over.wait(ASK_EVERY_S):
            if self._answers():
                self._ready_s = time.monotonic()
                return

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=ANSWER_S)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == _OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
