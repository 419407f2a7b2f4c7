"""A real MariaDB for tests, in a folder of its own, for whoever runs the tests."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

import pymysql

from mdhub.host.ports import free_port_pair
from tests.support.wait import until

__all__ = ["MISSING", "MariaDB", "find_mariadb"]

MISSING = "no MariaDB here: apt-get install mariadb-server-core"
_MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
"""The files of a new server cost seconds on a disk."""
_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"


def find_mariadb() -> tuple[str, str] | None:
    """Paths of the server and of the program that makes its folder."""
    found = [shutil.which(name, path=_PATH) for name in ("mariadbd", "mariadb-install-db")]
    return (found[0], found[1]) if found[0] and found[1] else None


class MariaDB:
    """Context manager: a running server that listens on loopback and has an empty database."""

    def __init__(self) -> None:
        found = find_mariadb()
        assert found is not None
        self._server, self._installer = found
        self._folder = tempfile.TemporaryDirectory(prefix="mdhub-db-", dir=_MEMORY)
        self._port = free_port_pair()
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"mysql+pymysql://hub:s3cret-word@127.0.0.1:{self._port}/mdhub"

    def __enter__(self) -> Self:
        base = Path(self._folder.name)
        made = subprocess.run(
            [
                self._installer, "--no-defaults", f"--datadir={base / 'data'}", *self._as_root(),
                "--auth-root-authentication-method=normal", "--skip-test-db",
            ],
            capture_output=True, check=False, text=True,
        )  # fmt: skip
        assert made.returncode == 0, made.stdout[-2_000:] + made.stderr[-2_000:]
        self.start()
        self._ask("CREATE DATABASE mdhub")
        self._ask("CREATE USER 'hub'@'%' IDENTIFIED BY 's3cret-word'")
        self._ask("GRANT ALL ON mdhub.* TO 'hub'@'%'")
        return self

    def start(self) -> None:
        """Start the server and wait until it answers."""
        base = Path(self._folder.name)
        with (base / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    self._server, "--no-defaults", f"--datadir={base / 'data'}", *self._as_root(),
                    f"--socket={self._socket}", f"--pid-file={base / 'pid'}",
                    f"--port={self._port}",
                    "--bind-address=127.0.0.1", "--skip-name-resolve", "--innodb-log-file-size=8M",
                    "--innodb-buffer-pool-size=16M", "--innodb-flush-log-at-trx-commit=2",
                ],
                stdout=log, stderr=log,
            )  # fmt: skip
        until(self._answers, "MariaDB")

    def stop(self) -> None:
        """End the server at once, as a power cut would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def empty(self) -> None:
        """Forget everything."""
        self._ask("DROP DATABASE mdhub")
        self._ask("CREATE DATABASE mdhub")

    def _answers(self) -> bool:
        # Asked before pymysql, which leaves its socket open where nobody listens.
        with socket.socket(socket.AF_UNIX) as trial:
            if trial.connect_ex(str(self._socket)) != 0:
                return False
        self._ask("SELECT 1")
        return True

    def _ask(self, statement: str) -> None:
        connection = pymysql.connect(user="root", unix_socket=str(self._socket), autocommit=True)
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)

    @property
    def _socket(self) -> Path:
        return Path(self._folder.name) / "s"

    @staticmethod
    def _as_root() -> list[str]:
        return ["--user=root"] if os.geteuid() == 0 else []

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        self._folder.cleanup()
