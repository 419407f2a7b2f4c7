"""Free ports on loopback."""

from __future__ import annotations

import contextlib
import socket
from random import Random
from typing import Final

from mdhub.runtime.errors import ServiceError

__all__ = ["free_port_pair"]

BELOW_EPHEMERAL: Final = (15_000, 30_000)
"""Where no client connection is given a port by chance (Linux starts at 32,768)."""


def free_port_pair() -> int:
    """A port that is free together with the one above it (live stream, requests)."""
    random = Random()
    for _ in range(200):
        port = random.randrange(*BELOW_EPHEMERAL)
        with socket.socket() as first, socket.socket() as second, contextlib.suppress(OSError):
            first.bind(("127.0.0.1", port))
            second.bind(("127.0.0.1", port + 1))
            return port
    raise ServiceError("no two neighbouring free ports were found on 127.0.0.1")
