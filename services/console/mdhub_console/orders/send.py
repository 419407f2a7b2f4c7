"""Sends orders: one command, or one for each shard, under one id. Follows nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import uuid4

import msgspec

from mdhub.streams.asking import Request, arbiter_of, make_command
from mdhub.streams.port import Log
from mdhub.streams.topology import COMMANDS
from mdhub.wire.codec import encode
from mdhub_console.live.commands import part_id
from mdhub_console.live.view import View

__all__ = ["PATH", "TEST_S", "TIMEOUT_S", "Sent", "of_each_shard", "send"]

TIMEOUT_S: Final = 10.0
"""Then a command has expired, and nobody carries it out."""
TEST_S: Final = 45.0
"""The same for the test of a connection: its result takes up to 40 s."""
PATH: Final = "/api/commands/"


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """What was sent; the result is to be found at `location`."""

    command_id: str
    location: str
    expires_ns: int


def of_each_shard(log: Log, action: str, args: dict[str, Any]) -> list[Request]:
    """The same request to the leader of each shard."""
    return [Request(arbiter_of(shard), action, args) for shard in range(log.shards() or 1)]


def send(
    log: Log,
    view: View,
    requests: Sequence[Request],
    *,
    issuer: str,
    timeout_s: float = TIMEOUT_S,
) -> Sent:
    """Append the commands and show them at once, before the tail has read them.

    Raises StreamsError; then some of them may be on their way.
    """
    order = uuid4().hex
    expires_ns = 0
    for number, request in enumerate(requests):
        name = part_id(order, number, len(requests))
        command = make_command(request, issuer=issuer, timeout_s=timeout_s, command_id=name)
        log.append(COMMANDS, encode(command))
        view.take_commands([command])
        expires_ns = max(expires_ns, command.expires_ns)
    return Sent(command_id=order, location=f"{PATH}{order}", expires_ns=expires_ns)
