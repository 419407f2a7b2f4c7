"""Clients that were made for another contract: one event each, so that operators see them."""

from __future__ import annotations

from typing import Final

from mdhub import __version__
from mdhub.wire.digest import schema_digest
from mdhub.wire.requests import HelloRequest
from mdhub.wire.ticks import SCHEMA_VERSION
from mdhub_publisher.notices import Notices

__all__ = ["Mismatches"]

MAX_CHARS: Final = 64
"""Of a client's name and digest in an event: they are the client's words."""


class Mismatches:
    """Told every `hello`; a client is the same by address, name and digest."""

    def __init__(self, publisher_id: str, *, notices: Notices) -> None:
        self.notices = notices
        self._publisher_id = publisher_id

    def greeted(self, hello: HelloRequest, address: str) -> None:
        """Compare digests; a client that tells none, or ours, is none of our business."""
        if hello.digest in {"", schema_digest()}:
            return
        client, digest = hello.client[:MAX_CHARS], hello.digest[:MAX_CHARS]
        body = {
            "publisher": self._publisher_id,
            "address": address,
            "client": client,
            "client_digest": digest,
            "client_v": hello.v,
            "digest": schema_digest(),
            "v": SCHEMA_VERSION,
            "release": __version__,
        }
        subject = f"{client or 'client'} at {address or 'unknown address'}"
        self.notices.tell((address, client, digest), subject, body)
