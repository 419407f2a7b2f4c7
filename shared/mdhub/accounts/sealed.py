"""The text form of a sealed secret: `sealed:v1:<key id>:<data key>:<secret>`.

Data key and secret are each a nonce of 12 bytes, the ciphertext and its tag of 16 bytes, in
base64 (URL alphabet, no padding). Pure: it knows no key.
"""

from __future__ import annotations

import base64
import re
from typing import Final, NamedTuple

from mdhub.accounts.errors import SealBroken

__all__ = ["KEY_ID", "NONCE_BYTES", "Sealed", "is_sealed", "key_of", "read_sealed", "write_sealed"]

PREFIX: Final = "sealed:"
VERSION: Final = "v1"
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
DATA_KEY_BYTES: Final = NONCE_BYTES + 32 + TAG_BYTES
TEXT_MAX: Final = 8_192
KEY_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")
_BASE64: Final = re.compile(r"[A-Za-z0-9_-]+")


class Sealed(NamedTuple):
    """The parts of a sealed secret."""

    key_id: str
    data_key: bytes
    """Nonce and ciphertext of the key that opens the secret; the master key opens it."""
    secret: bytes
    """Nonce and ciphertext of the value as JSON."""


def is_sealed(value: object) -> bool:
    """Whether a setting claims to be sealed; whether it can be opened is another question."""
    return isinstance(value, str) and value.startswith(PREFIX)


def key_of(value: object) -> str:
    """Return the id of the master key of a sealed setting; empty = it is not sealed.

    Raises SealBroken if it claims to be sealed and has another form.
    """
    return read_sealed(str(value)).key_id if is_sealed(value) else ""


def write_sealed(sealed: Sealed) -> str:
    """Return the text form."""
    parts = (_to_text(sealed.data_key), _to_text(sealed.secret))
    return f"{PREFIX}{VERSION}:{sealed.key_id}:{':'.join(parts)}"


def read_sealed(text: str) -> Sealed:
    """Return the parts. Raises SealBroken for whatever `write_sealed` did not write."""
    if len(text) > TEXT_MAX:
        raise SealBroken(f"a sealed text has {len(text)} characters, expected up to {TEXT_MAX}")
    prefix, _, rest = text.partition(":")
    parts = rest.split(":")
    if f"{prefix}:" != PREFIX or len(parts) != len(("version", "key", "data key", "secret")):
        raise SealBroken("a sealed text has another form, expected sealed:v1:<key id>:<...>:<...>")
    version, key_id, data_key, secret = parts
    if version != VERSION:
        raise SealBroken(f"a sealed text is of another version than {VERSION}: update this mdhub")
    if not KEY_ID.fullmatch(key_id):
        raise SealBroken("a sealed text names no key id")
    sealed = Sealed(key_id, _to_bytes(data_key), _to_bytes(secret))
    if len(sealed.data_key) != DATA_KEY_BYTES or len(sealed.secret) <= NONCE_BYTES + TAG_BYTES:
        raise SealBroken("a sealed text is too short or too long in one of its parts")
    return sealed


def _to_text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _to_bytes(text: str) -> bytes:
    if not _BASE64.fullmatch(text) or len(text) % 4 == 1:
        raise SealBroken("a sealed text is not base64 where it should be")
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if _to_text(data) != text:  # unused bits are set: somebody has altered it
        raise SealBroken("a sealed text is not base64 where it should be")
    return data
