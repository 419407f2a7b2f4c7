"""Send commands and wait for the one result of each. For services and the command line.

The arbiter leads each shard for itself, so a command to it names the shard: `arbiter:1`
(docs/decisions/018-a-command-names-its-shard.md).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from mdhub.streams.port import FIRST_ID, Log, Tail
from mdhub.streams.topology import COMMANDS, EVENTS
from mdhub.wire.codec import DecodeError, decode_event, encode
from mdhub.wire.entries import ContractRow
from mdhub.wire.ops import Command, Event, EventKind
from mdhub.wire.ticks import SCHEMA_VERSION
from mdhub.wire.topics import shard_of

__all__ = [
    "MAX_ROWS",
    "Answer",
    "Request",
    "arbiter_of",
    "ask",
    "contract_requests",
    "make_command",
    "source_target",
]

MAX_ROWS: Final = 500
"""Contracts in one command."""
_BLOCK_MS: Final = 200


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody shall do."""

    target: str
    """`arbiter:<shard>`, `ingest`, ..."""
    action: str
    args: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a request."""

    ok: bool
    result: Any
    """Facts; `error` (a sentence) where it was refused. As it came: judge before use."""


def arbiter_of(shard: int) -> str:
    """Target of a command to the leader of a shard."""
    return f"arbiter:{shard}"


def source_target(name: str) -> str:
    """Target of a command to the supervisor that runs a source."""
    return f"source:{name}"


def ask(
    log: Log,
    requests: Sequence[Request],
    *,
    issuer: str,
    timeout_s: float,
    going: Callable[[], bool] = lambda: True,
) -> list[Answer | None]:
    """Send commands, which expire with the timeout; the answer of each, in order, None = none.

    `going` is asked several times a second; False gives up. Raises StreamsError.
    """
    newest = log.entries(EVENTS, count=1, newest_first=True)
    tail = log.tail(EVENTS, after=newest[0][0] if newest else FIRST_ID)
    try:
        commands = [
            make_command(request, issuer=issuer, timeout_s=timeout_s) for request in requests
        ]
        for command in commands:
            log.append(COMMANDS, encode(command))
        wanted = {command.id for command in commands}
        found: dict[str, Answer] = {}
        deadline_s = time.monotonic() + timeout_s
        while found.keys() != wanted and time.monotonic() < deadline_s and going():
            found |= {name: answer for name, answer in _answers(tail) if name in wanted}
    finally:
        tail.close()
    return [found.get(command.id) for command in commands]


def contract_requests(rows: Sequence[ContractRow], shards: int) -> list[Request]:
    """Commands that hand in contracts: each row to the arbiter of its shard, in parts."""
    by_shard: dict[int, list[ContractRow]] = {}
    for row in rows:
        by_shard.setdefault(shard_of(row.symbol, shards), []).append(row)
    return [
        Request(arbiter_of(shard), "contracts", {"rows": held[start : start + MAX_ROWS]})
        for shard, held in sorted(by_shard.items())
        for start in range(0, len(held), MAX_ROWS)
    ]


def make_command(
    request: Request, *, issuer: str, timeout_s: float, command_id: str = ""
) -> Command:
    """Make the command of a request, sent now; without an id it gets one of its own."""
    now_ns = time.time_ns()
    expires_ns = now_ns + int(timeout_s * 1e9)
    return Command(
        SCHEMA_VERSION, command_id or uuid4().hex, now_ns, issuer, request.target, request.action,
        dict(request.args), expires_ns,
    )  # fmt: skip


def _answers(tail: Tail) -> Iterator[tuple[str, Answer]]:
    for _, fields in tail.read(block_ms=_BLOCK_MS, count=100):
        event = _event(fields)
        if event is not None and event.kind == EventKind.COMMAND_DONE:
            answer = Answer(event.body.get("ok") is True, event.body.get("result"))
            yield event.correlation_id, answer


def _event(fields: list[bytes]) -> Event | None:
    try:
        return decode_event(fields[1])
    except (DecodeError, IndexError):
        return None  # somebody else's broken event
