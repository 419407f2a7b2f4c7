"""Pure: messages on their way to the channels. No clock of its own, no threads, no I/O.

Each channel gets messages in order, one at a time, within the limits of its robot. A message that
a channel refuses is tried again with growing pauses for up to an hour; beyond `MAX_WAITING` the
oldest that is no error is dropped. Nothing goes without a word: every end of a message is a `Fate`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final, NamedTuple

from mdhub.health.alerts import ChannelFacts, Message, Parcel
from mdhub.runtime.backoff import Backoff
from mdhub.wire.ops import Severity

__all__ = ["LIMITS", "MAX_WAITING", "Fate", "Outcome", "Post"]

MAX_WAITING: Final = 100
"""Messages that wait for one channel."""
GIVE_UP_S: Final = 3_600.0
HANG_S: Final = 30.0
PAUSES_S: Final = (2.0, 120.0)
PENALTY_S: Final = 600.0
"""DingTalk shuts a robot out for ten minutes when it sent too much."""

_ROBOT: Final = ((18, 60.0),)
"""Of 20 a minute: their minute is not ours."""
LIMITS: Final[Mapping[str, tuple[tuple[int, float], ...]]] = {
    "dingtalk": _ROBOT,
    "wecombot": _ROBOT,
    "feishu": ((90, 60.0), (4, 1.0)),
    "lark": ((90, 60.0), (4, 1.0)),
}
"""Kind of channel -> (messages, seconds), both of which hold."""
OTHERS: Final = ((60, 60.0),)


class Outcome(NamedTuple):
    """What one attempt came to."""

    ok: bool
    problem: str = ""
    """Without secrets."""
    throttled: bool = False
    """Whether the other side said that it was too much."""
    took_ms: int = 0


class Fate(NamedTuple):
    """What became of a message at a channel, for an event."""

    channel: str
    message: Message
    change: str
    """`sent`, `failing` (first attempt), `gave_up`, `dropped`, `hangs`."""
    attempts: int = 0
    problem: str = ""
    took_ms: int = 0


@dataclass(slots=True)
class _Waiting:
    message: Message
    since_s: float
    once: bool
    attempts: int = 0


@dataclass(slots=True)
class _Lane:
    """One channel."""

    kind: str
    backoff: Backoff
    waiting: deque[_Waiting] = field(default_factory=deque)
    in_flight_s: float | None = None
    hang_said: bool = False
    not_before_s: float = 0.0
    tried_s: deque[float] = field(default_factory=deque)
    sent: int = 0
    failed: int = 0
    lost: int = 0
    problem: str = ""

    def may_try(self, now_s: float) -> bool:
        if self.in_flight_s is not None or not self.waiting or now_s < self.not_before_s:
            return False
        limits = LIMITS.get(self.kind, OTHERS)
        return all(sum(at > now_s - span for at in self.tried_s) < most for most, span in limits)


class Post:
    """Messages per channel. `now_s` is of a clock that does not step."""

    def __init__(self, kinds: Mapping[str, str], random: Random | None = None) -> None:
        first_s, ceiling_s = PAUSES_S
        self._lanes = {
            name: _Lane(kind, Backoff(first_s=first_s, ceiling_s=ceiling_s, random=random))
            for name, kind in kinds.items()
        }

    @property
    def channels(self) -> list[str]:
        return list(self._lanes)

    def put(
        self,
        message: Message,
        now_s: float,
        *,
        channels: Sequence[str] | None = None,
        once: bool = False,
    ) -> list[Fate]:
        """Hand in a message for all channels, or for some; `once` = one attempt each."""
        fates = []
        for name in self._lanes if channels is None else channels:
            lane = self._lanes.get(name)
            if lane is None:
                continue  # a channel of an earlier configuration
            if once:  # somebody waits for it
                lane.waiting.insert(lane.in_flight_s is not None, _Waiting(message, now_s, once))
                lane.not_before_s = 0.0
            else:
                lane.waiting.append(_Waiting(message, now_s, once))
            if len(lane.waiting) > MAX_WAITING:
                fates.append(self._drop(name, lane))
        return fates

    def due(self, now_s: float) -> list[tuple[str, Message]]:
        """What is to be sent now; each is in flight until `done`."""
        found = []
        for name, lane in self._lanes.items():
            if lane.may_try(now_s):
                lane.in_flight_s = now_s
                lane.tried_s.append(now_s)
                while lane.tried_s[0] < now_s - max(s for _, s in (*OTHERS, *_ROBOT)):
                    lane.tried_s.popleft()
                found.append((name, lane.waiting[0].message))
        return found

    def done(self, channel: str, outcome: Outcome, now_s: float) -> Fate | None:
        """Take the result of what is in flight; None = it will be tried again."""
        lane = self._lanes[channel]
        waiting = lane.waiting[0]
        lane.in_flight_s, lane.hang_said = None, False
        waiting.attempts += 1
        if outcome.ok:
            lane.sent += 1
            lane.problem = ""
            lane.backoff.reset()
            return self._end(channel, "sent", outcome)
        lane.failed += 1
        lane.problem = outcome.problem
        pause_s = PENALTY_S if outcome.throttled else lane.backoff.next_s()
        lane.not_before_s = 0.0 if waiting.once else now_s + pause_s
        if waiting.once or now_s - waiting.since_s > GIVE_UP_S:
            lane.lost += 1
            return self._end(channel, "gave_up", outcome)
        if waiting.attempts == 1:
            return Fate(channel, waiting.message, "failing", 1, outcome.problem, outcome.took_ms)
        return None

    def hanging(self, now_s: float) -> list[Fate]:
        """Channels that have not come back from an attempt; each is named once."""
        found = []
        for name, lane in self._lanes.items():
            if lane.in_flight_s is not None and now_s - lane.in_flight_s > HANG_S:
                lane.problem = f"no end of an attempt after {HANG_S:g} s"
                if not lane.hang_said:
                    lane.hang_said = True
                    message = lane.waiting[0].message
                    found.append(Fate(name, message, "hangs", problem=lane.problem))
        return found

    def parcels(self) -> list[Parcel]:
        """What a restart has to send; tests are not among it."""
        by_id: dict[str, tuple[Message, list[str]]] = {}
        for name, lane in self._lanes.items():
            for waiting in lane.waiting:
                if not waiting.once:
                    entry = by_id.setdefault(waiting.message.id, (waiting.message, []))
                    entry[1].append(name)
        return [Parcel(message=message, channels=names) for message, names in by_id.values()]

    def adopt(self, parcels: Sequence[Parcel], now_s: float) -> list[Fate]:
        """Go on with what an earlier run could not send."""
        fates = []
        for parcel in parcels[:MAX_WAITING]:
            fates += self.put(parcel.message, now_s, channels=parcel.channels)
        return fates

    def facts(self) -> list[ChannelFacts]:
        """How each channel is."""
        return [
            ChannelFacts(
                name=name, kind=lane.kind, sent=lane.sent, failed=lane.failed, lost=lane.lost,
                waiting=len(lane.waiting), problem=lane.problem,
            )
            for name, lane in self._lanes.items()
        ]  # fmt: skip

    def _drop(self, channel: str, lane: _Lane) -> Fate:
        """Make room: the oldest that is no error, else the oldest; never what is in flight."""
        first = 0 if lane.in_flight_s is None else 1
        places = range(first, len(lane.waiting))
        light = (i for i in places if lane.waiting[i].message.severity != Severity.ERROR)
        place = next(light, first)
        dropped = lane.waiting[place]
        del lane.waiting[place]
        lane.lost += 1
        problem = f"{MAX_WAITING} messages wait already"
        return Fate(channel, dropped.message, "dropped", dropped.attempts, problem)

    def _end(self, channel: str, change: str, outcome: Outcome) -> Fate:
        ended = self._lanes[channel].waiting.popleft()
        return Fate(
            channel, ended.message, change, ended.attempts, outcome.problem, outcome.took_ms
        )
