"""Codes of a second factor that change every 30 s (RFC 6238: SHA-1, six digits). Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
from typing import Final
from urllib.parse import quote

__all__ = ["STEP_S", "code_at", "enrolment_uri", "matching_step", "secret_text"]

STEP_S: Final = 30
DIGITS: Final = 6
SECRET_BYTES: Final = 20


def secret_text(secret: bytes) -> str:
    """Write a secret as apps read it."""
    return base64.b32encode(secret).decode().rstrip("=")


def code_at(secret: str, step: int) -> str:
    """Return the code of one step of 30 s since 1970."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.new(key, struct.pack(">Q", step), hashlib.sha1).digest()
    start = digest[-1] & 15
    number = int.from_bytes(digest[start : start + 4]) & 0x7FFF_FFFF
    return f"{number % 10**DIGITS:0{DIGITS}d}"


def matching_step(secret: str, code: str, *, now_s: int, after: int) -> int | None:
    """Return the step a code belongs to: this one or a neighbour, and later than `after`.

    `after` is the step of the last code that was taken: none is taken twice.
    """
    steps = (now_s // STEP_S + offset for offset in (0, -1, 1))
    return next(
        (
            step
            for step in steps
            if step > after and hmac.compare_digest(code_at(secret, step).encode(), code.encode())
        ),
        None,
    )


def enrolment_uri(secret: str, *, name: str) -> str:
    """Return what an app makes an entry of."""
    return f"otpauth://totp/mdhub:{quote(name)}?secret={secret}&issuer=mdhub"
