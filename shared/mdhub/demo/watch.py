"""What the demo reads from the hub's log: heartbeats and how far the clean log is."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TypeVar

from mdhub.host.stack import Host
from mdhub.runtime.heartbeat import Beat, decode_beat
from mdhub.streams.errors import StreamsError
from mdhub.streams.port import Log

__all__ = ["Watch"]

T = TypeVar("T")
SOURCES = ("A", "B")


class Watch:
    """Reads as the command line does; while the server is away it knows nothing."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._log: Log | None = None

    def beats(self) -> dict[str, Beat]:
        """Newest heartbeat of every service instance."""
        payloads = self._read(lambda log: log.beats(), dict[str, bytes]())
        return {name: decode_beat(payload) for name, payload in payloads.items()}

    def source_pid(self, source: str) -> int | None:
        """Process of a source that is at work."""
        beat = self.beats().get(f"ingest:{source}")
        return beat.pid if beat is not None and beat.state == "running" else None

    def sources_ended(self) -> bool:
        """Whether every source has come to the end of what it plays."""
        beats = self.beats()
        ended = [beats.get(f"ingest:{source}") for source in SOURCES]
        return all(beat is not None and beat.state == "ended" for beat in ended)

    def arbiter_counters(self) -> dict[str, int]:
        """Verdicts per source and reason, as the arbiter last said."""
        beats = self.beats()
        counters = [b.counters for name, b in beats.items() if name.startswith("arbiter:")]
        return counters[0] if counters else {}

    def n(self) -> int:
        """Newest n of the clean log; -1 if it cannot be read now."""
        return self._read(lambda log: log.positions(0).n, -1)

    def close(self) -> None:
        if self._log is not None:
            self._log.close()
            self._log = None

    def _read(self, read: Callable[[Log], T], nothing: T) -> T:
        try:
            if self._log is None:
                self._log = self._host.open_log()
            return read(self._log)
        except StreamsError:
            with contextlib.suppress(StreamsError):
                self.close()
            return nothing
