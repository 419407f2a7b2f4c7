"""A real server for tests: one per session, or one of its own for a test that kills it.

`MDHUB_TEST_SERVER` names another binary than the bundled one, e.g. Redis 7.0, the oldest served.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from mdhub.runtime.keeper import ChildSpec, Keeper
from mdhub.streams.client import Link
from mdhub.streams.server import EmbeddedServer, Profile, find_server, wait_ready


class TestServer:
    """Context manager: a running server in a folder of its own."""

    __test__ = False

    def __init__(self, profile: Profile = "fast", *settings: str, wait: bool = True) -> None:
        """`settings` are further arguments of the server, such as `--save`, `3600 1`."""
        self._settings = settings
        self._wait = wait
        self._folder = tempfile.TemporaryDirectory(prefix="mdhub-test-")
        named = os.environ.get("MDHUB_TEST_SERVER")
        binary = Path(named) if named else find_server()
        self.embedded = EmbeddedServer(binary, Path(self._folder.name), profile)
        self._keeper = Keeper()
        self._pid = 0

    @property
    def url(self) -> str:
        return self.embedded.url

    def __enter__(self) -> Self:
        self.embedded.prepare()
        command = [*self.embedded.command(), *self._settings]
        self._keeper.want(ChildSpec("server", lambda _start: command))
        self._keeper.converge()
        if self._wait:
            wait_ready(self.url)
        return self

    def signal(self, number: int) -> None:
        """Send a signal to the server process itself, not to the leash around it."""
        link = Link(self.url, name="mdhub-test") if not self._pid else None
        if link is not None:
            info: bytes = link.call("INFO", "server")
            link.close()
            self._pid = int(info.partition(b"process_id:")[2].split()[0])
        os.kill(self._pid, number)

    def kill_and_restart(self) -> None:
        """SIGKILL the server process and start another one on the same data."""
        self._pid = 0
        process = self._keeper.children["server"].process
        assert process is not None
        process.kill()
        process.wait()
        self._keeper.children["server"].process = None
        self._keeper.children["server"].next_start_s = 0.0
        self._keeper.converge()
        wait_ready(self.url)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._keeper.stop()
        self._folder.cleanup()
