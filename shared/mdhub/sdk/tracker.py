# HOT: `Tracker.offer` runs once per message.
"""Nothing lost, nothing twice, nothing out of order: the client's half of the promise. Pure.

Messages, heartbeats, replies and clock values go in; what is to be delivered and told comes out
of `take`, in order. `wanted` says which replay to ask for next; its messages come back through
`offer`, its end through `answered` or `failed`.

A client of everything follows n of each shard: it sees a hole when a later n comes, or when a
heartbeat names a later n. A filtered client follows k of each instrument, and asks about tails
so that a lost last message shows. Per shard, `verified_n` is an n up to which every instrument
without a hole is known to be complete: replays need not begin before it.

Bounds: 200,000 waiting messages; beyond, open holes are given up and reported (`overflow`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from mdhub.sdk.causes import Causes
from mdhub.sdk.events import Cause, EpochChange, Gap, Message, Outcome, Position, Statistics
from mdhub.sdk.lane import UNKNOWN, Lane, Output
from mdhub.sdk.wants import Limits, Tails, Want

__all__ = ["Limits", "Output", "Tails", "Tracker", "Want"]

BEHIND_NS: Final = 2_000_000_000
_CHECK_EVERY: Final = 256
"""Counting what waits costs a look at every hole: done for one message in so many."""


@dataclass(slots=True)
class _Shard:
    number: int
    epoch: int
    cuts: list[tuple[int, int]]
    verified_n: int
    lanes: dict[str, Lane] = field(default_factory=dict)
    holes: dict[str, Lane] = field(default_factory=dict)
    asked: Want | None = None
    asked_names: frozenset[str] = frozenset()
    retry_ns: int = 0
    progress_ns: int = 0
    tails: Tails | None = None
    seen_epoch: int = 0
    """Newest epoch heard of; 0 = none that counts."""
    seen_ns: int = 0
    """When last."""
    behind_ns: int = 0
    """Since when only an epoch before ours is heard of; 0 = not so."""
    fallen: bool = False


class Tracker:
    """State of one stream of messages over all shards."""

    def __init__(
        self,
        *,
        everything: bool,
        limits: Limits | None = None,
        statistics: Statistics | None = None,
    ) -> None:
        self.statistics = statistics or Statistics()
        self.causes = Causes()
        """Tell it what is seen of connections and of the strategy; epochs are seen here."""
        self._everything = everything
        self._limits = limits or Limits()
        self._shards: dict[int, _Shard] = {}
        self._out: list[Output] = []
        self._until_check = 0

    # Joining

    def join(
        self,
        shard: int,
        *,
        epoch: int,
        n: int,
        known: Iterable[tuple[str, int]] = (),
        known_n: int = 0,
    ) -> None:
        """Begin a shard behind `n`.

        `known` = instruments and their newest k, as of some n from `n` to `known_n`.
        """
        state = _Shard(shard, epoch, [(epoch, n)], n)
        if self._everything:
            state.lanes[""] = self._lane(shard, "", last=n, floor_n=n)
        for name, k in known:
            lane = state.lanes[name] = self._lane(shard, name, last=k, floor_n=n)
            lane.last_n = max(n, known_n)
        self._shards[shard] = state

    def joined(self, shard: int) -> bool:
        """Whether `join` was called for a shard."""
        return shard in self._shards

    # What comes in

    def offer(self, message: Message, *, now_ns: int, want: Want | None = None) -> None:
        """Take in a message of a joined shard; `want`: the replay that it belongs to."""
        self.statistics.received += 1
        header = message.header
        shard = self._shards[header.shard]
        if header.epoch != shard.epoch and not self._belongs(shard, message, now_ns):
            self.statistics.stale += 1
            return
        number = header.n if self._everything else header.k
        if number is None:
            return
        name = "" if self._everything else message.name
        lane = shard.lanes.get(name) or self._new_lane(shard, name)
        if number == lane.last + 1 and lane.known == lane.last:
            lane.last = lane.known = number
            lane.last_n = lane.known_n = header.n or 0
            self._out.append(message)
            return
        complete = want is not None and want is shard.asked and name in shard.asked_names
        self._offer_slowly(shard, lane, number, message, complete=complete, now_ns=now_ns)

    def heard(self, shard: int, *, epoch: int, n: int, now_ns: int, well: bool = True) -> None:
        """Take in a heartbeat: its publisher has sent everything up to n.

        `well`: it follows the log in force. If all that do stay in an epoch before ours, ours was
        cut off and the one after it is earlier: server clocks differ, or one was set back.
        """
        state = self._shards[shard]
        if epoch >= state.epoch or not state.behind_ns:
            state.behind_ns = now_ns if epoch < state.epoch and well else 0
        elif well and now_ns - state.behind_ns > BEHIND_NS:
            state.fallen = True
        if epoch > state.epoch:
            self._see(state, epoch, now_ns)
        if well and epoch < state.seen_epoch and now_ns - state.seen_ns > BEHIND_NS:
            state.seen_epoch = 0  # it was cut off before we turned to it: nobody is in it any more
        if epoch != state.epoch:
            return
        if self._everything:
            self._know(state, state.lanes[""], n, n, now_ns=now_ns)
        elif state.tails is not None and n >= state.tails.last_n:
            self._apply_tails(state, state.tails, now_ns=now_ns)

    def tails(self, shard: int, tails: Tails) -> None:
        """Take in an answer to `tails`.

        It may be ahead of the live messages under way to us, so it waits for a heartbeat that has
        come as far: that one came behind them.
        """
        state = self._shards[shard]
        if tails.epoch == state.epoch and tails.first_n >= state.verified_n:
            state.tails = tails

    def epochs(self, shard: int, epochs: list[tuple[int, int]], *, now_ns: int) -> bool:
        """Take in the list of `hello`, asked for because `new_epoch`; False if it is older."""
        state = self._shards[shard]
        if state.fallen and self._fall_back(state, epochs, now_ns=now_ns):
            return True
        newer = [(epoch, resume_n) for epoch, resume_n in epochs if epoch > state.epoch]
        if not newer:
            return False
        listed = any(epoch == state.epoch for epoch, _ in epochs)
        if listed or epochs[0][1] == 0:
            self._cut(state, newer, min(n for _, n in newer), now_ns=now_ns)
        else:
            self._rebase(state, newer)
        return True

    # What goes out

    def take(self) -> list[Output]:
        """Fetch what is to be delivered and told, in order."""
        out, self._out = self._out, []
        return out

    def wanted(self, now_ns: int) -> Want | None:
        """Tell the next replay to ask for, and take it as asked."""
        for shard in self._shards.values():
            due = shard.asked is None and now_ns >= shard.retry_ns
            if shard.holes and due and shard.seen_epoch <= shard.epoch:
                lanes = list(shard.holes.values())[: self._limits.names_per_want]
                names = tuple(lane.name for lane in lanes)
                after_n = min(lane.settled_n for lane in lanes)
                patterns = ("*",) if self._everything else names
                shard.asked = Want(shard.number, shard.epoch, after_n, patterns)
                shard.asked_names = frozenset(names)
                return shard.asked
        return None

    def answered(self, want: Want, *, epoch: int, scanned_n: int, more: bool, now_ns: int) -> bool:
        """Take in the end of a replay whose messages were all offered before.

        False if it filled nothing of a hole that another publisher may fill: this one is behind.
        """
        shard = self._shards[want.shard]
        self.causes.now_ns = now_ns
        if epoch > shard.epoch:
            self._see(shard, epoch, now_ns)
        if want is not shard.asked:
            return True
        shard.asked = None
        progress = scanned_n > want.after_n
        if progress:
            shard.progress_ns = now_ns
        for name in shard.asked_names:
            lane = shard.lanes[name]
            lane.settle(scanned_n, more=more, epoch=shard.epoch, out=self._out)
            self._file(shard, lane, now_ns=now_ns)
        if more or shard.asked_names.isdisjoint(shard.holes):
            return True
        limits = self._limits
        shard.retry_ns = now_ns + (limits.go_on_ns if progress else limits.retry_ns)
        return progress

    def failed(self, want: Want, *, now_ns: int) -> None:
        """Take in that a replay got no answer, or an error: it will be wanted again."""
        shard = self._shards[want.shard]
        if want is shard.asked:
            shard.asked = None
            shard.retry_ns = now_ns + self._limits.retry_ns

    def tails_wanted(self, shard: int) -> tuple[int, int] | None:
        """Tell `(epoch, since_n)` to ask about; None if an answer is being waited with."""
        state = self._shards[shard]
        if self._everything or state.tails is not None:
            return None
        return (state.epoch, state.verified_n)

    def new_epoch(self, shard: int) -> bool:
        """Whether the hub has another epoch than ours: ask `hello` how ours led there."""
        state = self._shards[shard]
        return state.fallen or state.seen_epoch > state.epoch

    def tick(self, *, now_ns: int, reachable: bool) -> None:
        """Let time pass: holes that nobody fills are given up, while somebody could."""
        self.causes.now_ns = now_ns
        for shard in self._shards.values():
            if not shard.holes:
                continue
            if not reachable:
                shard.progress_ns = now_ns
            elif now_ns - shard.progress_ns > self._limits.patience_ns:
                self._give_up(shard, Outcome.TIMEOUT)

    @property
    def waiting(self) -> int:
        """Number of messages held back behind holes."""
        return sum(len(lane.waiting) for s in self._shards.values() for lane in s.holes.values())

    def _offer_slowly(
        self,
        shard: _Shard,
        lane: Lane,
        number: int,
        message: Message,
        *,
        complete: bool,
        now_ns: int,
    ) -> None:
        if lane.whole:
            lane.floor_n = max(lane.floor_n, shard.verified_n if not lane.by_n else 0)
        self.causes.now_ns = now_ns
        before = len(self._out)
        if not lane.offer(number, message, self._out, complete=complete):
            self.statistics.duplicates += 1
        if len(self._out) > before:
            shard.progress_ns = now_ns
        self._file(shard, lane, now_ns=now_ns)
        self._until_check -= 1
        if self._until_check <= 0:
            self._until_check = min(_CHECK_EVERY, self._limits.waiting)
            if self.waiting > self._limits.waiting:
                self._give_up(shard, Outcome.OVERFLOW)

    def _new_lane(self, shard: _Shard, name: str) -> Lane:
        lane = self._lane(shard.number, name, last=UNKNOWN, floor_n=shard.verified_n)
        shard.lanes[name] = lane
        return lane

    def _lane(self, shard: int, name: str, *, last: int, floor_n: int) -> Lane:
        return Lane(shard=shard, name=name, last=last, floor_n=floor_n, causes=self.causes)

    def _file(self, shard: _Shard, lane: Lane, *, now_ns: int) -> None:
        """Keep the list of lanes with a hole right."""
        if lane.whole:
            shard.holes.pop(lane.name, None)
        elif lane.name not in shard.holes:
            if not shard.holes:
                shard.progress_ns = now_ns
            lane.noticed_ns = now_ns
            shard.holes[lane.name] = lane

    def _know(self, shard: _Shard, lane: Lane, number: int, n: int, *, now_ns: int) -> None:
        if lane.whole and not lane.by_n:
            lane.floor_n = max(lane.floor_n, shard.verified_n)
        lane.know(number, n)
        self._file(shard, lane, now_ns=now_ns)

    def _apply_tails(self, shard: _Shard, tails: Tails, *, now_ns: int) -> None:
        for name, k, _quality in tails.rows:
            lane = shard.lanes.get(name) or self._new_lane(shard, name)
            self._know(shard, lane, k, tails.last_n, now_ns=now_ns)
        shard.verified_n = max(shard.verified_n, tails.first_n)
        shard.tails = None

    def _belongs(self, shard: _Shard, message: Message, now_ns: int) -> bool:
        """Decide on a message of another epoch.

        One of a newer epoch must wait for `hello`: its marker tells of one cut, and there may
        have been others between. What is turned away here is a hole later, and replayed.
        """
        header = message.header
        if header.epoch < shard.epoch:
            n = header.n or 0
            return all(n <= resume_n for epoch, resume_n in shard.cuts if epoch > header.epoch)
        self._see(shard, header.epoch, now_ns)
        return False

    def _see(self, shard: _Shard, epoch: int, now_ns: int) -> None:
        """Note a newer epoch; a replay that spans it will have been taken in with holes."""
        self.causes.saw(Cause.EPOCH, now_ns)
        if epoch >= shard.seen_epoch:
            shard.seen_epoch, shard.seen_ns = epoch, now_ns
        shard.asked = None

    def _cut(
        self, shard: _Shard, newer: list[tuple[int, int]], resume_n: int, *, now_ns: int
    ) -> None:
        """Go on in another epoch behind `resume_n`; `newer`: the cuts that led there."""
        newest_n = _newest_n(shard)
        withdrawn = newest_n if newest_n > resume_n else None
        before = shard.epoch
        self._turn_to(shard, newer)
        self._out.append(EpochChange(shard.number, before, shard.epoch, resume_n, withdrawn))
        # A hole may look whole once what showed it is withdrawn, and yet miss an older entry.
        holes = [lane.settled_n for lane in shard.holes.values()]
        shard.verified_n = min([shard.verified_n, resume_n, *holes])
        for lane in shard.lanes.values():
            lane.cut(resume_n, shard.epoch)
            self._file(shard, lane, now_ns=now_ns)

    def _fall_back(self, shard: _Shard, epochs: list[tuple[int, int]], *, now_ns: int) -> bool:
        """Go back to where our history and the hub's part; False if ours is not cut off."""
        shard.fallen, shard.behind_ns = False, 0
        if not epochs or epochs[-1][0] >= shard.epoch:
            return False
        listed = {epoch for epoch, _ in epochs}
        common = max((epoch for epoch, _ in shard.cuts if epoch in listed), default=0)
        theirs = [cut for cut in epochs if cut[0] > common]
        ours = [cut for cut in shard.cuts if cut[0] > common]
        shard.cuts = [cut for cut in shard.cuts if cut[0] <= common]
        shard.seen_epoch = 0
        self._cut(shard, theirs, min(n for _, n in [*ours, *theirs]), now_ns=now_ns)
        return True

    def _rebase(self, shard: _Shard, newer: list[tuple[int, int]]) -> None:
        """Start where the newest epoch did: the hub no longer knows how ours led there."""
        epoch, resume_n = newer[-1]
        start = Position(shard.number, shard.epoch, n=_newest_n(shard) + 1)
        end = Position(shard.number, epoch, n=resume_n)
        self._out.append(Gap(start, end, Cause.EPOCH, Outcome.UNAVAILABLE))
        self._turn_to(shard, newer)
        shard.verified_n = resume_n
        for lane in shard.lanes.values():
            lane.restart(resume_n)
        shard.holes.clear()

    def _turn_to(self, shard: _Shard, newer: list[tuple[int, int]]) -> None:
        shard.cuts += newer
        shard.epoch = shard.cuts[-1][0]
        shard.asked = None
        shard.tails = None
        shard.retry_ns = 0

    def _give_up(self, shard: _Shard, outcome: Outcome) -> None:
        for lane in list(shard.holes.values()):
            lane.give_up(outcome, shard.epoch, self._out)
        shard.holes.clear()


def _newest_n(shard: _Shard) -> int:
    return max((lane.last_n for lane in shard.lanes.values()), default=0)
