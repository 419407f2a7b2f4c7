"""Who may connect: a folder with one public key file (`NAME.key`) for each client."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from mdhub.runtime.errors import ServiceError
from mdhub.runtime.logging import Logger
from mdhub.sdk.errors import BadKey
from mdhub.sdk.keys import read_public

__all__ = ["AllowList"]

LOOK_NS: Final = 500_000_000
"""Between two looks: a change is in force within a second."""
MAX_CLIENTS: Final = 10_000

Stamp = tuple[tuple[str, int, int], ...]


class AllowList:
    """Public keys (Z85) of the folder, with names. Raises ServiceError if it cannot be read.

    Later the list of before stays in force while the folder cannot be read: no client is thrown
    out because of a disk. A file that holds no key allows nobody, and is told once.
    """

    def __init__(self, folder: Path, *, logger: Logger) -> None:
        self.names: dict[str, str] = {}
        self.bad_files = 0
        self._folder = folder
        self._logger = logger
        self._next_ns = 0
        self._stamp: Stamp = ()
        self._unread = ""
        try:
            self._read(self._look())
        except OSError as error:
            raise ServiceError(
                f"folder {folder} with the clients' public keys cannot be read: {error.strerror}. "
                "`mdhub keys new NAME` makes a key and allows it"
            ) from error

    def changed(self, now_ns: int) -> bool:
        """Look if it is time to; whether somebody was allowed or revoked."""
        if now_ns < self._next_ns:
            return False
        self._next_ns = now_ns + LOOK_NS
        try:
            stamp = self._look()
        except OSError as error:
            self._say_unread(str(error.strerror))
            return False
        self._unread = ""
        if stamp == self._stamp:
            return False
        before = self.names
        self._read(stamp)
        return self.names != before

    def _look(self) -> Stamp:
        stamps = []
        for path in self._folder.glob("[!.]*.key"):
            state = path.stat()
            stamps.append((path.name, state.st_mtime_ns, state.st_size))
        if not stamps:
            next(self._folder.iterdir(), None)  # glob is silent about a folder that is not there
        return tuple(sorted(stamps)[:MAX_CLIENTS])

    def _read(self, stamp: Stamp) -> None:
        names: dict[str, str] = {}
        self.bad_files = 0
        for name, _, _ in stamp:
            path = self._folder / name
            try:
                names[read_public(path)] = path.stem
            except BadKey as error:
                self.bad_files += 1
                self._logger.warning("key_file_ignored", reason=str(error))
        self._stamp, self.names = stamp, names
        self._logger.info("clients_allowed", clients=len(names), bad_files=self.bad_files)

    def _say_unread(self, reason: str) -> None:
        if reason != self._unread:
            self._unread = reason
            self._logger.warning(
                "clients_unread", folder=str(self._folder), reason=reason,
                means="the list read before stays in force",
            )  # fmt: skip
