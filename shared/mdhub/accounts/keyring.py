"""Master keys: read from a file that only its owner reads, or from a variable.

One key a line (in a variable: separated by commas), `<key id>:<32 bytes in base64>`. The first one
seals, all of them open. Empty lines and lines that begin with # say nothing.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from mdhub.accounts.errors import AccountsError, SealBroken
from mdhub.accounts.sealed import KEY_ID
from mdhub.runtime.secret import ENV, FILE

__all__ = [
    "BadKeys",
    "Keyring",
    "add_key",
    "new_keyring",
    "parse_keyring",
    "read_keyring",
    "write_keyring",
]

KEY_BYTES: Final = 32
KEYS_MAX: Final = 16
FILE_MAX: Final = 16_384
_PRIVATE: Final = stat.S_IRWXG | stat.S_IRWXO


class BadKeys(AccountsError):
    """There are no master keys where they should be; the message shows none."""

    exit_code = 2


class Keyring:
    """Master keys by id; the first one is active. Printing it shows ids only."""

    __slots__ = ("_keys",)

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        """Raises BadKeys unless there are 1 to 16 of 32 bytes each."""
        if not 0 < len(keys) <= KEYS_MAX:
            raise BadKeys(f"found {len(keys)} master keys, expected 1 to {KEYS_MAX}")
        wrong = [each for each, key in keys.items() if len(key) != KEY_BYTES]
        if wrong or not all(KEY_ID.fullmatch(each) for each in keys):
            raise BadKeys("a master key is wrong, expected <id>:<32 bytes in base64>")
        self._keys = dict(keys)

    @property
    def active(self) -> str:
        """Id of the key that seals."""
        return next(iter(self._keys))

    @property
    def ids(self) -> tuple[str, ...]:
        """All of them, the active one first."""
        return tuple(self._keys)

    def key(self, key_id: str) -> bytes:
        """Return a key. Raises SealBroken if it is not here."""
        if key_id not in self._keys:
            raise SealBroken(
                f"it was sealed with master key {key_id}, which is not here (there are "
                f"{', '.join(self._keys)}): put that key back into the key file"
            )
        return self._keys[key_id]

    def with_new(self) -> Keyring:
        """Return a keyring in which a new random key is active."""
        return Keyring({_new_id(): secrets.token_bytes(KEY_BYTES), **self._keys})

    def only_active(self) -> Keyring:
        """Return a keyring without the other keys."""
        return Keyring({self.active: self._keys[self.active]})

    def secret_text(self) -> str:
        """Return all keys as text, to hand them to a child through a pipe: never show it."""
        return "".join(
            f"{key_id}:{base64.b64encode(key).decode()}\n" for key_id, key in self._keys.items()
        )

    def __repr__(self) -> str:
        return f"Keyring({', '.join(self._keys)})"

    def __reduce__(self) -> str:
        raise TypeError("a keyring is not for copying: use secret_text()")


def new_keyring() -> Keyring:
    """Return a keyring of one random key."""
    return Keyring({_new_id(): secrets.token_bytes(KEY_BYTES)})


def parse_keyring(text: str) -> Keyring:
    """Read what `secret_text` wrote, lines or commas. Raises BadKeys, which quotes nothing."""
    keys: dict[str, bytes] = {}
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
    entries = (entry.strip() for line in lines for entry in line.split(","))
    for entry in filter(None, entries):
        key_id, _, encoded = entry.partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if key_id in keys:
            raise BadKeys("two master keys have the same id")
        keys[key_id] = key
    return Keyring(keys)


def read_keyring(reference: str, environment: Mapping[str, str]) -> Keyring:
    """Read master keys from `env:NAME`, `file:/path` or a path.

    Raises BadKeys: nothing there, wrong form, or others than the owner may read the file.
    """
    if reference.startswith(ENV):
        name = reference.removeprefix(ENV)
        if not environment.get(name):
            raise BadKeys(f"variable {name} is not set, expected master keys in it")
        return parse_keyring(environment[name])
    file = Path(reference.removeprefix(FILE)).expanduser()
    try:
        return parse_keyring(_private_text(file))
    except BadKeys as error:
        raise BadKeys(f"key file {file}: {error}") from None


def add_key(file: Path) -> Keyring:
    """Put a new active key into a key file, which is made if missing. Raises BadKeys.

    The file is replaced as a whole: whoever reads it meanwhile sees the old or the new one.
    """
    file = file.expanduser()
    keyring = read_keyring(str(file), {}).with_new() if file.exists() else new_keyring()
    write_keyring(file, keyring)
    return keyring


def write_keyring(file: Path, keyring: Keyring) -> None:
    """Write a key file, mode 0600; one that is there keeps its owner. Raises BadKeys."""
    beside = file.with_name(f"{file.name}.{secrets.token_hex(4)}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as opened:
            opened.write("# Master keys of mdhub's accounts: the first one seals, all open.\n")
            opened.write(keyring.secret_text())
            opened.flush()
            os.fsync(opened.fileno())
            if file.exists() and (owner := file.stat()).st_uid != os.geteuid():
                os.fchown(opened.fileno(), owner.st_uid, owner.st_gid)
        beside.replace(file)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise BadKeys(f"key file {file} cannot be written: {error.strerror}") from error


def _private_text(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            state = os.fstat(opened.fileno())
            if not stat.S_ISREG(state.st_mode) or state.st_mode & _PRIVATE:
                raise BadKeys(
                    f"its mode is {stat.S_IMODE(state.st_mode):04o}, expected a file that only its "
                    "owner reads: chmod 600"
                )
            return opened.read(FILE_MAX).decode("ascii")
    except OSError as error:
        raise BadKeys(
            f"it cannot be read: {error.strerror}; mdhub accounts new-key makes one"
        ) from None
    except UnicodeDecodeError:
        raise BadKeys("it is no text") from None


def _new_id() -> str:
    return f"k{secrets.token_hex(4)}"
