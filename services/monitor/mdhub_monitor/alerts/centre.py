"""The alerting without its log: policy, post and the threads of the channels.

It goes on while the server is away, since that is what somebody must be told of.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, MutableMapping
from queue import Empty, SimpleQueue
from typing import Any, Final
from uuid import uuid4

from mdhub.health.alerts import AlertBook, ChannelFacts, Message
from mdhub.runtime.errors import ServiceError
from mdhub.runtime.logging import Logger
from mdhub.runtime.secret import is_reference, resolve
from mdhub.runtime.threads import name_thread
from mdhub.wire.codec import encode
from mdhub.wire.ops import Event, EventKind, Severity
from mdhub.wire.ticks import SCHEMA_VERSION
from mdhub_monitor.alerts.channels import Channel, kind_of, open_channel
from mdhub_monitor.alerts.policy import Policy
from mdhub_monitor.alerts.post import Fate, Outcome, Post
from mdhub_monitor.alerts.settings import AlertSettings
from mdhub_monitor.alerts.signals import ErrorLines
from mdhub_monitor.alerts.text import write

__all__ = ["Centre", "open_channels"]

MAX_EVENTS: Final = 500
"""Events that wait for a server that is away."""
MAX_KEYS: Final = 20
SERVICE: Final = "monitor"

Opened = dict[str, tuple[str, Channel | None]]
"""Name -> kind, and the channel unless its address is of no use."""


def open_channels(
    settings: AlertSettings, environment: MutableMapping[str, str], logger: Logger
) -> Opened:
    """Follow the references to the addresses and open each; what is of no use is said."""
    opened: Opened = {}
    for name, reference in settings.channels.items():
        kind = "unknown"
        try:
            address = reference
            if is_reference(reference):
                address = str(resolve({name: reference}, environment)[name])
            kind = kind_of(address)
            opened[name] = kind, open_channel(address)
        except ServiceError as error:
            logger.warning("alert_channel_unusable", channel=name, kind=kind, reason=str(error))
            opened[name] = kind, None
    return opened


class Centre:
    """Belongs to one thread; the channels have threads of their own."""

    def __init__(self, settings: AlertSettings, opened: Opened, logger: Logger) -> None:
        self.policy = Policy(settings)
        self.errors = ErrorLines()
        self.events: deque[bytes] = deque()
        """To be appended to `events` when the server is there."""
        self._settings = settings
        self._logger = logger
        self._opened = opened
        working = {name: kind for name, (kind, channel) in opened.items() if channel is not None}
        self._post = Post(working)
        self._results: SimpleQueue[tuple[str, Outcome]] = SimpleQueue()
        self._lanes: dict[str, SimpleQueue[Message]] = {
            name: self._start(name, channel)
            for name, (_, channel) in opened.items()
            if channel is not None
        }
        self._watchers: list[Callable[[Fate], None]] = []
        self._lost_events = 0
        self.dirty = False
        """Whether messages have moved since they were last saved."""

    @property
    def channels(self) -> list[str]:
        """Those that can be used."""
        return self._post.channels

    def on_fate(self, watcher: Callable[[Fate], None]) -> None:
        """Let somebody know what becomes of each message."""
        self._watchers.append(watcher)

    def collect(self, now_ns: int) -> None:
        """Take what the channels have done, and what is to be told now."""
        now_s = time.monotonic()
        while True:
            try:
                channel, outcome = self._results.get_nowait()
            except Empty:
                break
            self.dirty = True
            fate = self._post.done(channel, outcome, now_s)
            self._said([fate] if fate is not None else [], now_ns)
        for key in self.errors.calm(now_ns):
            self.policy.ended(key, said_ns=now_ns, now_ns=now_ns)
        message = self.policy.flush(now_ns)
        if message is not None:
            self.put(message, now_ns)
        self._said(self._post.hanging(now_s), now_ns)

    def put(self, message: Message, now_ns: int, *, once: bool = False) -> None:
        """Hand a message to all channels."""
        self.dirty = True
        self._said(self._post.put(message, time.monotonic(), once=once), now_ns)

    def dispatch(self) -> None:
        """Give the channels what they may send now; after it was saved."""
        for channel, message in self._post.due(time.monotonic()):
            self._lanes[channel].put(message)

    def book(self, now_ns: int) -> AlertBook:
        """What has to be remembered, but for the positions in the streams."""
        book = self.policy.book()
        return AlertBook(
            ts_ns=now_ns,
            alerts=book.alerts,
            ended=book.ended,
            silences=book.silences,
            parcels=self._post.parcels(),
            channels=self.facts(),
        )

    def adopt(self, book: AlertBook, now_ns: int) -> None:
        """Go on where an earlier run was."""
        self.policy.adopt(book)
        self.errors.adopt((a.finding for a in self.policy.lasting("error_logged")), now_ns)
        self._said(self._post.adopt(book.parcels, time.monotonic()), now_ns)

    def facts(self) -> list[ChannelFacts]:
        """All channels, also those that are of no use."""
        useless = [
            ChannelFacts(name=name, kind=kind, problem="its address is of no use, see the log")
            for name, (kind, channel) in self._opened.items()
            if channel is None
        ]
        return [*self._post.facts(), *useless]

    def counters(self) -> dict[str, int]:
        """For the heartbeat."""
        counts = dict(self.policy.counters)
        for facts in self._post.facts():
            for what in ("sent", "failed", "lost", "waiting"):
                count = getattr(facts, what)
                if count:
                    counts[f"alert_{what}:{facts.name}"] = count
        return counts | ({"alert_events_lost": self._lost_events} if self._lost_events else {})

    def _start(self, name: str, channel: Channel) -> SimpleQueue[Message]:
        lane: SimpleQueue[Message] = SimpleQueue()

        def run() -> None:
            name_thread(f"alert-{name}")
            while True:
                message = lane.get()
                letter = write(message, self._settings, limit_bytes=channel.limit_bytes)
                self._results.put((name, channel.send(letter)))

        # A channel that hangs must not keep the process from ending: what it had is sent again.
        threading.Thread(target=run, name=f"alert-{name}", daemon=True).start()
        return lane

    def _said(self, fates: list[Fate], now_ns: int) -> None:
        for fate in fates:
            if fate.change != "sent":
                event = "alert_" + fate.change
                self._logger.warning(
                    event,
                    channel=fate.channel,
                    attempts=fate.attempts,
                    reason=fate.problem,
                )
            if len(self.events) >= MAX_EVENTS:
                self.events.popleft()
                self._lost_events += 1
            self.events.append(_event(fate, now_ns))
            for watcher in self._watchers:
                watcher(fate)


def _event(fate: Fate, now_ns: int) -> bytes:
    severity = Severity.INFO if fate.change == "sent" else Severity.WARNING
    items = fate.message.items[:MAX_KEYS]
    body: Mapping[str, Any] = {
        "change": fate.change,
        "message": fate.message.id,
        "severity": fate.message.severity,
        "told": [[item.change, item.finding.key] for item in items],
        "attempts": fate.attempts,
        "took_ms": fate.took_ms,
        "problem": fate.problem,
    }
    event = Event(
        SCHEMA_VERSION, uuid4().hex, now_ns, SERVICE, EventKind.ALERT, fate.channel, severity,
        fate.message.id, dict(body),
    )  # fmt: skip
    return encode(event)
