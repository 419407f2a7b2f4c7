"""CURVE keys: pairs, the files that hold them, and which of them a client uses.

Files are ZeroMQ certificates (`zmq.auth`, CZMQ's zcert): public-key and secret-key in Z85. The
secret half is in no error, repr, log line or command line; its file is for its owner only (0600).
"""

from __future__ import annotations

import hashlib
import os
import re
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import zmq
from zmq.utils import z85

from mdhub.sdk.errors import BadKey

__all__ = [
    "CLIENT_KEY_VARIABLE",
    "SERVER_KEY_VARIABLE",
    "ClientKeys",
    "KeyPair",
    "client_keys",
    "fingerprint",
    "new_pair",
    "read_pair",
    "read_public",
    "write_pair",
    "write_public",
]

SERVER_KEY_VARIABLE: Final = "MDHUB_SERVER_KEY"
"""File with the publishers' public key."""
CLIENT_KEY_VARIABLE: Final = "MDHUB_CLIENT_KEY"
"""File with the client's own pair."""
MAX_BYTES: Final = 16_384
_KEY: Final = re.compile(r"[0-9a-zA-Z.\-:+=^!/*?&<>()\[\]{}@%$#]{40}")
_LINE: Final = re.compile(r'\s*(public|secret)-key\s*=\s*"([^"]*)"\s*')
_OTHERS: Final = 0o077


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A public key and its secret; both 40 characters of Z85."""

    public: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ClientKeys:
    """What a client needs: the publishers' public key, and a pair of its own."""

    server: str
    pair: KeyPair

    def put_on(self, socket: zmq.Socket[bytes]) -> None:
        """Let a socket speak CURVE; to be done before it connects."""
        socket.setsockopt(zmq.CURVE_SERVERKEY, self.server.encode())
        socket.setsockopt(zmq.CURVE_PUBLICKEY, self.pair.public.encode())
        socket.setsockopt(zmq.CURVE_SECRETKEY, self.pair.secret.encode())


def fingerprint(public: str) -> str:
    """Short name of a public key, to compare by eye: 12 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(public.encode()).hexdigest()[:12]


def new_pair() -> KeyPair:
    """Make a pair. Raises BadKey if this ZeroMQ was built without CURVE."""
    _check_curve()
    public, secret = zmq.curve_keypair()
    return KeyPair(public.decode(), secret.decode())


def client_keys(
    server_key: str | Path | None = None, key: str | Path | KeyPair | None = None
) -> ClientKeys | None:
    """Keys of a connection: what is given, else what the two variables name, else None (plain).

    `server_key`: the key itself or a file; `key`: a file or a pair. Raises BadKey.
    """
    if server_key is None and key is None:
        server_key = os.environ.get(SERVER_KEY_VARIABLE) or None
        key = os.environ.get(CLIENT_KEY_VARIABLE) or None
    if not server_key and not key:
        return None
    if not server_key or not key:
        missing, given = ("key", "server_key") if server_key else ("server_key", "key")
        raise BadKey(
            f"only {given} was given, expected {missing} too: a connection with keys needs the "
            f"publishers' public key (server_key or {SERVER_KEY_VARIABLE}) and a pair of the "
            f"client's own (key or {CLIENT_KEY_VARIABLE})"
        )
    _check_curve()
    known = isinstance(server_key, str) and _KEY.fullmatch(server_key)
    server = str(server_key) if known else read_public(Path(server_key))
    return ClientKeys(server, key if isinstance(key, KeyPair) else read_pair(Path(key)))


def read_public(path: Path) -> str:
    """Read the public key of a key file. Raises BadKey."""
    keys = _read(path)
    if "public" not in keys:
        raise BadKey(f"key file {path} has no public-key; make keys with `mdhub keys`")
    return keys["public"]


def read_pair(path: Path) -> KeyPair:
    """Read a pair from a file that only its owner may read. Raises BadKey."""
    keys = _read(path)
    if "secret" not in keys:
        raise BadKey(
            f"key file {path} has no secret-key, expected a file that ends with .key_secret "
            "(`mdhub keys new` and `mdhub keys server` make one)"
        )
    mode = path.stat().st_mode & 0o777
    if os.name == "posix" and mode & _OTHERS:
        raise BadKey(
            f"key file {path} has mode {mode:04o}, expected 0600: others may read the secret; "
            f"chmod 600 {path} (and make a new one if somebody did)"
        )
    public = zmq.curve_public(keys["secret"].encode()).decode()
    if keys.get("public", public) != public:
        raise BadKey(f"key file {path}: the public key does not belong to the secret one")
    return KeyPair(public, keys["secret"])


def write_pair(path: Path, pair: KeyPair, *, name: str) -> None:
    """Write a new file for its owner only. Raises BadKey if there is one."""
    text = f"#   Secret key of {name}: for its owner only, never in mail or a repository.\n"
    _write_new(path, text + _certificate(name, pair.public, pair.secret), mode=0o600)


def write_public(path: Path, public: str, *, name: str) -> None:
    """Write a new file that everybody may read. Raises BadKey if there is one."""
    text = f"#   Public key of {name}: may be handed on.\n"
    _write_new(path, text + _certificate(name, public), mode=0o644)


def _certificate(name: str, public: str, secret: str = "") -> str:
    lines = ["metadata", f'    name = "{name}"', "curve", f'    public-key = "{public}"']
    if secret:
        lines.append(f'    secret-key = "{secret}"')
    return "\n".join([*lines, ""])


def _write_new(path: Path, text: str, *, mode: int) -> None:
    """Appear whole or not at all, so that a publisher never reads half a file."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                os.fchmod(file.fileno(), mode)
            os.link(draft, path)
        finally:
            draft.unlink(missing_ok=True)
    except FileExistsError:
        raise BadKey(f"key file {path} is there already: choose another name or folder") from None
    except OSError as error:
        raise BadKey(f"key file {path} cannot be written: {error.strerror}") from None


def _read(path: Path) -> dict[str, str]:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "this is no name of a file"
        raise BadKey(f"key file {path} cannot be read: {reason}") from None
    try:
        text = data.decode()
    except UnicodeDecodeError:
        # Not chained: that error quotes the bytes.
        raise BadKey(f"key file {path} is not UTF-8 text; `mdhub keys` makes key files") from None
    if len(data) > MAX_BYTES:
        raise BadKey(f"key file {path} is larger than {MAX_BYTES} bytes: it is no key file")
    return _parsed(path, text)


def _parsed(path: Path, text: str) -> dict[str, str]:
    keys: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        found = _LINE.fullmatch(line)
        if found is None:
            continue
        half, key = found.groups()
        if half in keys:
            raise BadKey(f"key file {path}, line {number}: a second {half}-key")
        if not _is_key(key):
            raise BadKey(
                f"key file {path}, line {number}: the {half}-key is not 40 characters of Z85"
            )
        keys[half] = key
    return keys


def _is_key(text: str) -> bool:
    if not _KEY.fullmatch(text):
        return False
    try:
        z85.decode(text)
    except (ValueError, struct.error):  # five characters may spell more than 32 bits
        return False
    return True


def _check_curve() -> None:
    if not zmq.has("curve"):
        raise BadKey("this ZeroMQ was built without CURVE: install the pyzmq wheel of PyPI")
