"""Streams to browser tabs: one task each, woken together. For one event loop."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Final

from mdhub.wire.errors import MdhubError
from mdhub_console.live.frames import Frames, Tab

__all__ = ["MAX_TABS", "Streams", "TooManyTabs"]

MAX_TABS: Final = 256
PULSE_S: Final = 0.1
RENEW_S: Final = 0.25
IDLE_BEAT_S: Final = 5.0
ALIVE_S: Final = 10.0
"""Then, at the next idle beat, a tab hears that it is not forgotten: proxies cut what is silent."""
LONGEST_S: Final = 300.0
"""Then a tab is sent away; it comes back by itself, and who it is gets asked again."""
HELLO: Final = b"retry: 1000\n\n"
ALIVE: Final = b"event: beat\ndata: {}\n\n"
"""An event, since browsers tell no script of a comment."""


class TooManyTabs(MdhubError):
    """No more tabs are served now."""


class Streams:
    """Begin with `run`, feed with `changed`."""

    def __init__(
        self,
        frames: Frames,
        *,
        version: Callable[[], int],
        topics: Callable[[set[str]], None] = lambda _: None,
        most: int = MAX_TABS,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._frames = frames
        self._version = version
        self._tell_topics = topics
        self._most = most
        self._monotonic_s = monotonic_s
        self._topics: Counter[str] = Counter()
        self._visits: Counter[str] = Counter()
        self._over: set[str] = set()
        self._beat = asyncio.Event()
        self._closing = False
        self.tabs = 0
        self.refused = 0

    def admit(
        self, tab: Tab, cursors: Mapping[str, bytes], *, recent: int, visit: str = ""
    ) -> AsyncIterator[bytes]:
        """Return the endless stream of a tab, until `end` names its visit. Raises TooManyTabs."""
        if self.tabs >= self._most or self._closing:
            self.refused += 1
            raise TooManyTabs(f"{self.tabs} tabs are open, {self._most} are served: close some")
        self._frames.enter(tab, cursors, recent=recent)
        return self._stream(tab, visit)

    @property
    def visits(self) -> frozenset[str]:
        """Visits that have tabs now, as `admit` was told them."""
        return frozenset(self._visits)

    def end(self, visits: Iterable[str]) -> None:
        """End the streams of these visits."""
        gone = self._visits.keys() & set(visits)
        if gone:
            self._over |= gone
            self._wake()

    async def run(self) -> None:
        """Wake tabs when something is new, until cancelled."""
        seen, renewed, renewed_s, beaten_s, pending = -1, -1, 0.0, 0.0, 0
        while not self._closing:
            await asyncio.sleep(PULSE_S)
            now_s, version = self._monotonic_s(), self._version()
            if version != renewed and now_s - renewed_s >= RENEW_S:
                self._frames.renew(set(self._topics))
                renewed, renewed_s = version, now_s
            # What came is sent now or, where a topic's turn has not come, within the next pulses.
            pending = 4 if version != seen or renewed_s == now_s else pending - 1
            seen = version
            if pending > 0 or now_s - beaten_s >= IDLE_BEAT_S:
                beaten_s = now_s
                self._wake()

    def close(self) -> None:
        """End every stream."""
        self._closing = True
        self._wake()

    def _wake(self) -> None:
        beat, self._beat = self._beat, asyncio.Event()
        beat.set()

    async def _stream(self, tab: Tab, visit: str) -> AsyncIterator[bytes]:
        self.tabs += 1
        self._topics.update(tab.topics)
        self._tell_topics(set(self._topics))
        self._visits[visit] += 1
        began_s = said_s = self._monotonic_s()
        try:
            self._frames.renew(set(tab.topics))
            yield HELLO + b"".join(self._frames.due(tab, began_s))
            while not self._closing and said_s - began_s < LONGEST_S:
                await (asyncio.sleep(PULSE_S) if self._frames.waits(tab) else self._beat.wait())
                if visit in self._over:
                    return
                now_s = self._monotonic_s()
                chunk = b"".join(self._frames.due(tab, now_s))
                if not chunk and now_s - said_s >= ALIVE_S:
                    chunk = ALIVE
                if chunk:
                    said_s = now_s
                    yield chunk
        finally:
            self.tabs -= 1
            self._topics -= Counter(tab.topics)
            self._frames.forget(set(tab.topics) - self._topics.keys())
            self._tell_topics(set(self._topics))
            self._visits -= Counter([visit])
            if visit not in self._visits:
                self._over.discard(visit)
