"""One thread that reads the log for the whole console and feeds the view.

Streams with cursors of its own, health and heartbeats once a second. A server that goes away is
waited for; then it goes on behind its cursors, and what was trimmed meanwhile it names.
"""

from __future__ import annotations

import selectors
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, Protocol

from mdhub.runtime.backoff import Backoff
from mdhub.runtime.clock import SYSTEM, Clock
from mdhub.runtime.outage import Outage
from mdhub.runtime.threads import name_thread
from mdhub.streams.errors import StreamsError
from mdhub.streams.ids import id_less
from mdhub.streams.port import FIRST_ID, Log, Tail
from mdhub_console.live.fill import Followed, fill, followed, look, take
from mdhub_console.live.view import Bounds, Connection, Hole, View

__all__ = ["Tailer"]

BLOCK_MS: Final = 500
READ_COUNT: Final = 500
LOOK_EVERY_S: Final = 1.0
FIRST_PAUSE_S: Final = 0.1
LONGEST_PAUSE_S: Final = 2.0


class _Says(Protocol):
    def info(self, event: str, /, **fields: Any) -> None: ...
    def warning(self, event: str, /, **fields: Any) -> None: ...


class Tailer:
    """Feeds a view until stopped; `changed` is called after whatever is new, from its thread."""

    def __init__(
        self,
        open_log: Callable[[], Log],
        view: View,
        *,
        logger: _Says,
        changed: Callable[[], None] = lambda: None,
        bounds: Bounds | None = None,
        clock: Clock = SYSTEM,
    ) -> None:
        self._open = open_log
        self._view = view
        self._changed = changed
        self._bounds = bounds or Bounds()
        self._clock = clock
        self._outage = Outage(logger)
        self._backoff = Backoff(first_s=FIRST_PAUSE_S, ceiling_s=LONGEST_PAUSE_S)
        self._stop = threading.Event()
        self._cursors: dict[Followed, bytes] = {}
        """Empty until the view was filled once."""
        self._look_s = 0.0
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin; once."""
        self._thread = threading.Thread(target=self._run, name="console-tail", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End within a second."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def counters(self) -> dict[str, int]:
        """Of outages and holes, for the heartbeat."""
        facts = {"holes": len(self._view.holes), "unreadable": self._view.unreadable}
        return facts | self._outage.counters()

    def _run(self) -> None:
        name_thread("console-tail")
        while not self._stop.is_set():
            try:
                self._attend()
            except Exception as error:  # noqa: BLE001 - a reader that ends shows the past for ever
                self._outage.away(error)
                words = error.sentence if isinstance(error, StreamsError) else repr(error)[:200]
                self._tell(Connection(live=False, since_ns=self._clock.wall_ns(), sentence=words))
                self._stop.wait(self._backoff.next_s())

    def _attend(self) -> None:
        """Read until something breaks."""
        log = self._open()
        tails: dict[Followed, Tail] = {}
        with selectors.DefaultSelector() as ready:
            try:
                self._begin(log)
                for at in followed(self._view.shards):
                    after = self._cursors.setdefault(at, FIRST_ID)
                    tails[at] = log.tail(at[0], shard=at[1], after=after)
                    ready.register(tails[at].fileno(), selectors.EVENT_READ, at)
                while not self._stop.is_set():
                    self._read(log, tails, ready)
                    self._look(log)
            finally:
                for tail in tails.values():
                    with suppress(StreamsError, OSError):
                        tail.close()
                log.close()

    def _begin(self, log: Log) -> None:
        """Fill the view, or find out what was trimmed behind the cursors."""
        shards = log.shards()
        if shards:
            self._view.grow(shards)
        look(self._view, log, self._clock.wall_ns())
        self._look_s = self._clock.monotonic_s()
        if self._cursors:
            for at in self._cursors:
                self._check_hole(log, at)
        else:
            self._cursors = fill(self._view, log, self._bounds)
        self._outage.back()
        self._backoff.reset()
        self._tell(Connection(live=True, since_ns=self._clock.wall_ns(), sentence=""))

    def _read(self, log: Log, tails: dict[Followed, Tail], ready: selectors.BaseSelector) -> None:
        for tail in tails.values():
            tail.ask(block_ms=BLOCK_MS, count=READ_COUNT)
        news = False
        for key, _ in ready.select(BLOCK_MS / 1000):
            at: Followed = key.data
            entries = tails[at].take()
            if not entries:
                continue
            if len(entries) == READ_COUNT:
                self._check_hole(log, at, entries[0][0])  # slow readers are overtaken by trimming
            take(self._view, *at, entries)
            self._cursors[at] = entries[-1][0]
            news = True
        if news:
            self._changed()

    def _look(self, log: Log) -> None:
        now_s = self._clock.monotonic_s()
        if now_s - self._look_s >= LOOK_EVERY_S:
            self._look_s = now_s
            look(self._view, log, self._clock.wall_ns())
            self._changed()

    def _check_hole(self, log: Log, at: Followed, came: bytes | None = None) -> None:
        """Say so if entries between our cursor and what `came` may be gone: the oldest are ours."""
        (stream, shard), cursor = at, self._cursors[at]
        oldest = log.entries(stream, shard=shard, count=1)
        if cursor == FIRST_ID or not oldest:
            return
        left = oldest[0][0]
        if id_less(cursor, left) if came is None else not id_less(left, came):
            name = f"{stream.name}:{shard}" if stream.sharded else stream.name
            before = (came or left).decode()
            now_ns = self._clock.wall_ns()
            self._view.missed(Hole(stream=name, after=cursor.decode(), before=before, ts_ns=now_ns))

    def _tell(self, connection: Connection) -> None:
        self._view.connected(connection)
        self._changed()
