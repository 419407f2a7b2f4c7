"""Carries out orders: verdicts into raw, restarts as commands. Level-triggered.

What the arbiters say is in force is compared with what shall be; the difference is written, again
after three seconds if it did not help. So neither a restart of the monitor nor a lost write leaves
a verdict behind.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Final
from uuid import uuid4

from mdhub.streams.errors import NoLeader
from mdhub.streams.port import Log
from mdhub.streams.topology import COMMANDS
from mdhub.wire.codec import control, encode
from mdhub.wire.entries import ControlKind, SourceVerdict
from mdhub.wire.ops import Command
from mdhub.wire.ticks import SCHEMA_VERSION

__all__ = ["Hands", "in_force"]

WRITER: Final = "monitor"
AGAIN_NS: Final = 3_000_000_000
EXPIRES_NS: Final = 30_000_000_000


def in_force(counters: Mapping[str, int]) -> set[str]:
    """Sources that are down for the leader whose counters these are."""
    return {name.partition(":")[2] for name, value in counters.items()
            if name.startswith("down:") and value}  # fmt: skip


class Hands:
    """One per connection: `raw_append` takes a session's entries in order."""

    def __init__(self, log: Log, *, instance: str) -> None:
        self._log = log
        self._instance = instance
        self._session = time.time_ns() // 1_000_000
        self._seqs: dict[int, int] = {}
        self._said_ns: dict[tuple[int, str, str], int] = {}

    def restart(self, source: str, reason: str, now_ns: int) -> str:
        """Ask for a new process of a source; return the command's id."""
        command = Command(
            SCHEMA_VERSION, uuid4().hex, now_ns, self._instance, f"source:{source}", "restart",
            {"reason": reason}, now_ns + EXPIRES_NS,
        )  # fmt: skip
        self._log.append(COMMANDS, encode(command))
        return command.id

    def say(self, shard: int, down: Mapping[str, str], now: Sequence[str], now_ns: int) -> int:
        """Bring the verdicts in force (`now`) to `down`; return how many were written."""
        wanted = [(name, "down", reason) for name, reason in down.items() if name not in now]
        wanted += [(name, "up", "well again") for name in now if name not in down]
        written = 0
        for name, verdict, reason in wanted:
            last_ns = self._said_ns.get((shard, name, verdict))
            if last_ns is None or now_ns - last_ns >= AGAIN_NS:
                self._said_ns[shard, name, verdict] = now_ns
                written += self._write(shard, SourceVerdict(name, verdict, reason), now_ns)
        return written

    def _write(self, shard: int, verdict: SourceVerdict, now_ns: int) -> int:
        seq = self._seqs.get(shard, 0) + 1
        payload = control(ControlKind.VERDICT, WRITER, self._session, seq, now_ns, verdict)
        try:
            self._log.raw_append(
                shard, writer=WRITER, session=self._session, first_seq=seq, kinds="c",
                payloads=[payload],
            )  # fmt: skip
        except NoLeader:
            return 0  # nobody leads yet: said again at the next look
        self._seqs[shard] = seq
        return 1
