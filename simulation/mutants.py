"""One rule of the hub broken at a time; the simulation must notice each.

A mutant is a context manager that replaces a function of the real code, or of the server. Its
`seeds` say how many it may take to be caught; the rare ones are why a night has thousands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, Final, NamedTuple
from unittest.mock import patch

import mdhub_arbiter.leader
import mdhub_arbiter.retention
import mdhub_arbiter.standby
import mdhub_publisher.source
from mdhub.sdk.tracker import Tracker
from mdhub.streams.memory import MemoryLog
from mdhub.streams.port import WriterPosition
from mdhub.streams.topology import CLEAN, RAW, Stream
from mdhub.streams.trim import plan_trim
from mdhub_arbiter import control
from mdhub_arbiter.beat import Beat
from mdhub_arbiter.decide import Clean, decide
from mdhub_arbiter.snapshots import Snapshotter
from mdhub_arbiter.state import State
from mdhub_arbiter.vacancy import Vacancy
from mdhub_ingest.writer import RawWriter
from mdhub_publisher.source import Source
from simulation import arbiters
from simulation.server import SimServer
from simulation.world import START_WALL_NS, World

__all__ = ["MUTANTS", "Mutant"]

Broken = Callable[[], AbstractContextManager[object]]


class Mutant(NamedTuple):
    """A broken rule."""

    name: str
    breaks: str
    apply: Broken
    seeds: int


def _replaced(*targets: tuple[Any, str, Any]) -> Broken:
    @contextmanager
    def apply() -> Iterator[None]:
        with ExitStack() as stack:
            for target, name, new in targets:
                stack.enter_context(patch.object(target, name, new))
            yield

    return apply


def _always(value: object) -> Callable[..., Any]:
    return lambda *_args, **_kwargs: value


# Arbiter

_begin = Snapshotter.begin


def _begin_ahead(self: Snapshotter, state: State, *, raw: bytes, wall_ns: int) -> None:
    newest = self._log.entries(RAW, shard=0, count=1, newest_first=True)
    _begin(self, state, raw=newest[0][0] if newest else raw, wall_ns=wall_ns)


_set_log_time = control._set_log_time


def _wall_time(state: State, _wall_ns: int) -> None:
    process = World.newest.running
    _set_log_time(state, process.host.wall_ns() if process is not None else START_WALL_NS)


def _skewed(state: State, entry_id: bytes, fields: list[bytes]) -> list[Any]:
    """Decide as another version would: some contract's ticks are other bytes."""
    outputs = decide(state, entry_id, fields)
    process = World.newest.running
    if process is not None and process.name.endswith("B"):
        return [
            Clean(out.about, out.field, out.n, out.k, out.epoch, out.payload + b"\xc0")
            if isinstance(out, Clean) and b"m2701" in out.payload
            else out
            for out in outputs
        ]
    return list(outputs)


def _impatient(
    self: Vacancy, leader: Any, incarnation: str, *, asked_ns: int, answered_ns: int
) -> bool:
    """Count from the first look on, whatever came between: also one's own failing reads."""
    if leader != self._seen or not self._looked_ns:
        self._looked_ns = asked_ns
    self._seen = leader
    if leader.token == 0 or leader.incarnation != incarnation or leader.resigned:
        return True
    return answered_ns - self._looked_ns >= self._takeover_ns


_plan_trim = plan_trim


def _plan_past(**facts: Any) -> Any:
    return _plan_trim(**{**facts, "hard": None})


# Log


def _check_led_only(self: MemoryLog, held: Any, token: int) -> None:
    """Compare no token."""


def _unchecked(self: MemoryLog, held: Any, batch: Any) -> None:
    """Check the fence, and not where the log is."""
    self._check_fence(held, batch.token)


_add = SimServer.add


def _add_anyhow(
    self: SimServer, stream: Stream, shard: int, fields: list[bytes], entry_id: bytes = b""
) -> bytes:
    return _add(self, stream, shard, fields, b"" if stream is CLEAN else entry_id)


def _unled(self: MemoryLog, shard: int, writer: str, session: int, *_: int) -> int:
    at = self._server.shard(shard).writers.get(writer, WriterPosition())
    return at.seq if session == at.session else 0


def _append_again(  # noqa: PLR0913 - the port's own signature
    self: MemoryLog,
    shard: int,
    *,
    writer: str,
    session: int,
    first_seq: int,
    kinds: str,
    payloads: Any,
    lost: int = 0,
) -> int:
    """Append whatever comes, as XADD does."""
    held = self._held(shard)
    if not held.led:
        self._check_raw(shard, writer, session, first_seq, lost)
    for kind, payload in zip(kinds, payloads, strict=True):
        self._server.add(RAW, shard, [kind.encode(), payload])
    have: int = first_seq + lost + len(payloads) - 1 - (lost > 0)
    held.writers[writer] = WriterPosition(session, have)
    return have


def _from_memory(self: RawWriter, _log: Any, shard: int) -> int:
    """Do not ask the log what it has."""
    return self._outboxes[shard]._acknowledged


def _any_life(self: SimServer, log: Any, name: str, act: Callable[[], Any]) -> Any:
    log.life = log._incarnation = self.incarnation
    return _execute(self, log, name, act)


_execute = SimServer.execute

# Publisher

_check_history = Source._check_history


def _keep_ghosts(self: Source, log: Any, shard: Any, positions: Any) -> None:
    if not shard.incarnation:
        _check_history(self, log, shard, positions)


def _tail_at_poll(shard: Any, _before: Any, positions: Any, _lead_resumes_n: int) -> int:
    return int(min(shard.n, positions.n))


# Client

_cut = Tracker._cut


def _cut_nothing(
    self: Tracker, shard: Any, newer: list[tuple[int, int]], _resume_n: int, *, now_ns: int
) -> None:
    _cut(self, shard, [(epoch, 1 << 40) for epoch, _ in newer], 1 << 40, now_ns=now_ns)


MUTANTS: Final = (
    Mutant(
        "snapshot_ahead_of_position",
        "a snapshot is named after an entry that is not in it",
        _replaced((Snapshotter, "begin", _begin_ahead)),
        200,
    ),
    Mutant(
        "wall_clock",
        "log time is the clock of who reads, not the entry's",
        _replaced((control, "_set_log_time", _wall_time)),
        50,
    ),
    Mutant(
        "no_fence",
        "the functions compare no token",
        _replaced((MemoryLog, "_check_fence", _check_led_only)),
        400,
    ),
    Mutant(
        "ghost_cursor",
        "a publisher keeps its cursor over a cut",
        _replaced((Source, "_check_history", _keep_ghosts)),
        400,
    ),
    Mutant(
        "xadd_star",
        "the server chooses the ids of clean",
        _replaced((SimServer, "add", _add_anyhow)),
        20,
    ),
    Mutant(
        "append_before_leadership",
        "raw takes entries before the new life's leadership entry",
        _replaced((MemoryLog, "_check_raw", _unled)),
        400,
    ),
    Mutant(
        "no_incarnation_check",
        "connections come back by themselves, to whichever server is there",
        _replaced((SimServer, "execute", _any_life)),
        400,
    ),
    Mutant(
        "tail_at_poll",
        "a publisher takes what still stands from the tail it finds",
        _replaced((mdhub_publisher.source, "_stands_n", _tail_at_poll)),
        4_000,
    ),
    Mutant(
        "retry_of_unknown_append",
        "an append without reply is repeated, and not compared with what is there",
        _replaced((MemoryLog, "raw_append", _append_again), (RawWriter, "_ask", _from_memory)),
        100,
    ),
    Mutant(
        "no_hold",
        "a publisher goes on before the new leader has spoken",
        _replaced((mdhub_publisher.source, "_leader_has_spoken", _always(value=True))),
        1_000,
    ),
    Mutant(
        "resume_after_ignored",
        "a client withdraws nothing at an epoch",
        _replaced((Tracker, "_cut", _cut_nothing)),
        200,
    ),
    Mutant(
        "impatient_standby",
        "a standby counts on while its own reads hang",
        _replaced((Vacancy, "look", _impatient)),
        400,
    ),
    Mutant(
        "beat_from_compute",
        "only the busy loop raises the beat",
        _replaced((Beat, "step", _always(value=True))),
        400,
    ),
    Mutant(
        "trim_past_snapshot",
        "raw is trimmed by time alone",
        _replaced((mdhub_arbiter.retention, "plan_trim", _plan_past)),
        400,
    ),
    Mutant(
        "version_skew_without_fence",
        "two versions of the rules, no fence",
        _replaced(
            (MemoryLog, "_check_fence", _check_led_only),
            (mdhub_arbiter.leader, "decide", _skewed),
            (mdhub_arbiter.standby, "decide", _skewed),
        ),
        50,
    ),
    Mutant(
        "position_not_compared",
        "a commit is taken wherever the log is",
        _replaced(
            (MemoryLog, "_check_clean", _unchecked), (MemoryLog, "_check_fence", _check_led_only)
        ),
        400,
    ),
    Mutant(
        "silent_cut",
        "no epoch opens where the log was cut back",
        _replaced((arbiters, "may_be_cut", _always(value=False))),
        200,
    ),
)
