# HOT: the loop of the leader. Reads raw, folds, commits; between commits only short, due work.
"""The leader of a shard: raw -> decide -> clean, in commits through the fenced function.

One loop, in this order: 1. read raw from the own cursor, 2. fold, 3. commit outputs and the new
position in one step, 4. every 100 ms: clock entry, commands, a step of trimming, and when due the
beginning of a snapshot and the heartbeat, 5. a slice of the snapshot under way.
The reply to a commit is read by the next call: the server writes while raw is read and folded.
Any error leaves the loop: all state is forgotten and start-up recovers it from the log.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from threading import Event
from typing import Any, Final

import msgspec

from mdhub.calendar import Calendar
from mdhub.runtime.clock import SYSTEM, AnchoredClock, Clock
from mdhub.runtime.heartbeat import BEAT_EVERY_S, ENDED, LEADING, beat_payload
from mdhub.runtime.metrics import Board
from mdhub.streams.errors import StreamsError
from mdhub.streams.ids import clean_id, id_parts
from mdhub.streams.port import (
    CleanBatch,
    CleanOut,
    Entry,
    Leadership,
    Log,
    Positions,
    RejectedOut,
    Tail,
)
from mdhub.streams.topology import EVENTS, RAW
from mdhub.wire.codec import control, encode
from mdhub.wire.entries import CleanHeader, ControlKind
from mdhub.wire.entries import Clock as ClockEntry
from mdhub.wire.ops import Command
from mdhub.wire.ticks import SCHEMA_VERSION
from mdhub_arbiter.candidate import WRITER
from mdhub_arbiter.commands import Commands
from mdhub_arbiter.contracts import (
    Table,
    cache_contracts,
    cached_contracts,
    drop_expired,
    table_event,
)
from mdhub_arbiter.decide import decide
from mdhub_arbiter.handover import Handover
from mdhub_arbiter.horizon import HorizonWatch
from mdhub_arbiter.outputs import Clean
from mdhub_arbiter.recovery import Recovered, digest_text
from mdhub_arbiter.retention import Retention
from mdhub_arbiter.settings import Wanted, missing
from mdhub_arbiter.snapshots import Snapshotter
from mdhub_arbiter.state import State

__all__ = ["Leader"]

CLOCK_EVERY_S: Final = 0.1
MS_NS: Final = 1_000_000
SNAPSHOT_EVERY_S: Final = 10.0
FIRST_SNAPSHOT_S: Final = 0.5
MANY_FOLDED: Final = 5_000
"""After a start-up that folded so much the first snapshot comes soon: of leaders that die
one after the other, each would have more to fold than the one before."""
READ_COUNT: Final = 128
"""Entries per commit: what comes in a burst is passed on in parts, so the first need not wait for
the last to be decided; a commit of this size costs 0.5 us more per entry than one of 1,000."""


@dataclass(slots=True)
class _Due:
    clock_s: float = 0.0
    beat_s: float = 0.0
    snapshot_s: float = 0.0


class Leader:
    """Leads one shard until stopped or until something is wrong."""

    def __init__(  # noqa: PLR0913 - what a leader is made of
        self,
        log: Log,
        *,
        shard: int,
        instance: str,
        leadership: Leadership,
        recovered: Recovered,
        since_ns: int,
        wanted: Wanted,
        outages: Callable[[], dict[str, int]] = dict,
        idle: Callable[[], object] = bool,
        clock: Clock = SYSTEM,
        each_round: Callable[[], object] = bool,
        told: Callable[[Command, bool], object] = lambda _command, _ok: None,
        board: Board | None = None,
    ) -> None:
        """`each_round` is called whenever the loop comes round; what it raises ends the lead.

        `told` hears of each command that was answered.
        """
        self._log = log
        self._shard = shard
        self._instance = instance
        self._token = leadership.token
        self._state: State = recovered.state
        self._at: Positions = recovered.at
        self._folded = recovered.at.raw
        """Newest raw entry in the state: ahead of the commit while there were only duplicates."""
        self._monotonic_s = clock.monotonic_s
        self._wall_ns = clock.wall_ns
        # Log time goes on, also on a host whose clock is behind that of the former leader.
        self._clock = AnchoredClock(
            wall=clock.wall_ns,
            monotonic=clock.monotonic_ns,
            at_least_ns=recovered.state.log_ns,
        )
        self._seq = 1  # the lead entry
        first_s = FIRST_SNAPSHOT_S if recovered.folded > MANY_FOLDED else SNAPSHOT_EVERY_S
        self._due = _Due(snapshot_s=clock.monotonic_s() + first_s)
        self._snapshotter = Snapshotter(
            log, shard=shard, token=self._token, monotonic_s=clock.monotonic_s
        )
        self._retention = Retention(log, shard=shard, token=self._token, clock=clock)
        self._handover = Handover(log, shard=shard, instance=instance, token=self._token)
        self._commands = Commands(log, shard=shard, handover=self._handover, told=told)
        self._outages = outages
        self._since_ns = since_ns
        """Log time of the own lead entry: the state is the leader's own once it got there."""
        self._read = 0
        self._commits = 0
        self._board = board or Board(instance)
        self._idle = idle
        self._each_round = each_round
        self._wanted: Wanted | None = wanted
        self._horizon = HorizonWatch(instance)

    def run(self, stop: Event) -> bool:
        """Lead until `stop` is set, or a command hands the shard over; True = it did.

        Raises StreamsError when leadership or the server is gone.
        """
        tail = self.begin()
        try:
            while not (stop.is_set() or self._handover.announced):
                self.turn(tail, block_ms=self._patience_ms())
            self._resign()
        finally:
            tail.close()
            self._commands.close()
        return self._handover.announced

    def begin(self) -> Tail:
        """Open the own cursor; write what must stand in raw before any tick."""
        tail = self._log.tail(RAW, shard=self._shard, after=self._folded)
        self._write_calendar()
        return tail

    def turn(self, tail: Tail, *, block_ms: int) -> None:
        """Come round once: all of the loop in the module's docstring."""
        self._each_round()
        self._board.round()
        if not self.step(tail, block_ms=block_ms):
            self._idle()
        if self._monotonic_s() >= self._due.clock_s:
            self._every_clock()
        if self._snapshotter.busy:
            self._snapshotter.step()

    def step(self, tail: Tail, *, block_ms: int) -> bool:
        """Read, fold and commit once; False if nothing came.

        Raises Fenced, PositionMoved, also those of the commit before.
        """
        entries = tail.read(block_ms=block_ms, count=READ_COUNT)
        if not entries:
            return False
        clean, rejected = self._fold(entries)
        if len(entries) == READ_COUNT:
            # More waits: the server answers before it writes, and writes while we fold.
            tail.ask(block_ms=block_ms, count=READ_COUNT)
        # Duplicates alone move nothing that anybody waits for; clock entries are committed always.
        if clean or rejected or any(fields[0] != b"t" for _, fields in entries):
            self._commit(clean, rejected)
        return True

    def _patience_ms(self) -> int:
        return max(1, int((self._due.clock_s - self._monotonic_s()) * 1000))

    def _fold(self, entries: list[Entry]) -> tuple[list[CleanOut], list[RejectedOut]]:
        state = self._state
        clean: list[CleanOut] = []
        rejected: list[RejectedOut] = []
        arb_ns = self._wall_ns()
        for entry_id, fields in entries:
            for j, out in enumerate(decide(state, entry_id, fields)):
                if isinstance(out, Clean):
                    header = encode(CleanHeader(SCHEMA_VERSION, out.n, out.k, out.epoch, arb_ns))
                    clean.append((clean_id(entry_id, j), header, out.field, out.payload))
                else:
                    rejected.append((clean_id(entry_id, j), out.header, out.payload))
        self._folded = entries[-1][0]
        self._read += len(entries)
        return clean, rejected

    def _commit(self, clean: list[CleanOut], rejected: list[RejectedOut]) -> None:
        """Write outputs and how far the state is."""
        state = self._state
        position = Positions(
            raw=self._folded,
            clean=clean[-1][0] if clean else self._at.clean,
            n=state.n,
            log_ns=state.log_ns,
            market_ns=state.market_ns,
            digest=digest_text(state.digest),
        )
        batch = CleanBatch(self._token, self._at.raw, position, clean, rejected)
        self._log.clean_append(self._shard, batch, wait=False)
        self._at = position
        self._commits += 1

    def _every_clock(self) -> None:
        now_s = self._monotonic_s()
        self._due.clock_s = now_s + CLOCK_EVERY_S
        self._clock.reanchor()
        wall_ns = self._clock.now_ns()
        self._append(ControlKind.CLOCK, ClockEntry(wall_ns))
        if self._state.log_ns >= self._since_ns:
            # Not earlier: a setting of the former leader may still wait to be folded.
            self._settle()
            for kind, body in self._commands.due(self._state, wall_ns):
                self._append(kind, body)
            self._commands.answer(wall_ns)
            self._watch_horizon(wall_ns)
        self._retention.step(now_s)
        if now_s >= self._due.snapshot_s and not self._snapshotter.busy:
            self._due.snapshot_s = now_s + SNAPSHOT_EVERY_S
            if self._folded != self._at.raw:
                self._commit([], [])  # a snapshot is of a committed position
            self._snapshotter.begin(self._state, raw=self._at.raw, wall_ns=wall_ns)
        if now_s >= self._due.beat_s:
            self._due.beat_s = now_s + BEAT_EVERY_S
            self._log.beat(self._instance, self._beat())

    def _settle(self) -> None:
        """Put the settings this leader was given into the log, once."""
        if self._wanted is not None:
            # The former leader's calendar may have been folded last.
            self._write_calendar()
            table = self._table(self._wanted)
            new = 0
            for kind, body in missing(self._state, self._wanted._replace(contracts=table.rows)):
                self._append(kind, body)
                new += len(body) if kind == ControlKind.CONTRACTS else 0
            self._wanted = None
            self._say_table(table, new)

    def _table(self, wanted: Wanted) -> Table:
        """The contracts given, or what the hub was given before."""
        if wanted.contracts:
            return Table(wanted.contracts, "file")
        shards = self._log.shards() or self._shard + 1
        return cached_contracts(self._log, shard=self._shard, shards=shards)

    def _say_table(self, table: Table, new: int) -> None:
        if not table.origin:
            return
        if table.origin == "file":
            cache_contracts(self._log, table.rows)
        drop_expired(self._log, self._state.market_ns)
        event = table_event(
            table, shard=self._shard, new=new, instance=self._instance,
            wall_ns=self._clock.now_ns(),
        )  # fmt: skip
        self._log.append(EVENTS, event)

    def _write_calendar(self) -> None:
        """Put the calendar wanted into raw, all parts in one step, if another one is in force.

        Before anything else, so that ticks of a new log find it.
        """
        calendar = self._wanted and self._wanted.calendar
        if calendar is not None and calendar.digest != self._in_force.digest:
            self._append(ControlKind.CALENDAR, *map(msgspec.Raw, calendar.parts))

    def _watch_horizon(self, wall_ns: int) -> None:
        state = self._state
        event = self._horizon.due(self._in_force, state.market_clock, state.market_ns, wall_ns)
        if event is not None and self._shard == 0:
            self._log.append(EVENTS, event)

    @property
    def _in_force(self) -> Calendar:
        return self._state.days.calendar

    def _append(self, kind: str, *bodies: Any) -> None:
        """Append control entries of one kind to raw in one step."""
        first_seq = self._seq + 1
        self._seq += len(bodies)
        now_ns = self._clock.now_ns()
        self._log.raw_append(
            self._shard,
            writer=WRITER,
            session=self._token,
            first_seq=first_seq,
            kinds="c" * len(bodies),
            payloads=[
                control(kind, WRITER, self._token, seq, now_ns, body)
                for seq, body in enumerate(bodies, start=first_seq)
            ],
        )

    def _beat(self, state: str = LEADING) -> bytes:
        said = {"shard": self._shard, "token": self._token}
        said |= counters(self._state, self._read) | self._commands.counters() | self._outages()
        said |= self._progress()
        self._board.say(state, said)
        return beat_payload("arbiter", self._instance, state, said)

    def _progress(self) -> dict[str, int]:
        """How far it is, and how far its snapshots are."""
        lag_ms = self._wall_ns() // MS_NS - id_parts(self._folded)[0]
        taken = self._snapshotter
        return {
            "commits": self._commits,
            "lag_ms": max(0, lag_ms),
            "snapshots": taken.completed,
            "snapshot_age_ms": int((self._monotonic_s() - taken.completed_s) * 1000),
        }

    def _resign(self) -> None:
        """Resign: nobody needs to wait. Who ends says so in a last heartbeat, not to be missed."""
        with suppress(StreamsError):
            self._log.resign(self._shard, token=self._token)
            if not self._handover.announced:
                self._log.beat(self._instance, self._beat(ENDED))


def counters(state: State, read: int) -> dict[str, int]:
    """What an arbiter says of itself in its heartbeat."""
    found = {"n": state.n, "read": read, "instruments": len(state.instruments)}
    found |= {"default_hours": state.default_hours}
    policy = state.policy
    found |= {f"muted:{name}": 1 for name in sorted(policy.muted)}
    found |= {f"down:{name}": 1 for name in sorted(policy.down)}
    if state.active is not None and "priority" in policy.modes.values():
        found[f"active:{state.active}"] = 1
    for name, source in sorted(state.sources.items()):
        found |= {
            f"accepted:{name}": source.accepted,
            f"duplicate:{name}": source.duplicate,
            f"late:{name}": source.late,
            f"rejected:{name}": source.rejected,
            f"held:{name}": source.held,
            f"lost:{name}": source.lost,
            f"clock_faults:{name}": source.clock_faults,
        }
    return found | {f"reason:{reason}": count for reason, count in sorted(state.reasons.items())}
