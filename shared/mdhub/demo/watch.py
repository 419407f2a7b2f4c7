"""What the demo reads from the hub's log: heartbeats and how far the clean log is."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from mdhub.host.stack import Host
from mdhub.runtime.heartbeat import Beat, decode_beat, leading
from mdhub.streams.errors import StreamsError
from mdhub.streams.port import Log

__all__ = ["MISDEEDS", "SourceLife", "Watch"]

T = TypeVar("T")
SOURCES: Final = ("A", "B")
MISDEEDS: Final = (
    "lost", "corrupted", "delayed", "reordered", "repeated",
    "frozen", "stuck", "disconnected", "withheld", "pushed_again", "hung",
)  # fmt: skip


class SourceLife:
    """One source over all its processes, whose counters begin anew with each."""

    def __init__(self) -> None:
        self.restarts = 0
        self._pid: int | None = None
        self._ended: Counter[str] = Counter()
        self._current: Mapping[str, int] = {}

    def note(self, beat: Beat) -> None:
        """Take a heartbeat; another process than before is a restart."""
        if self._pid is not None and beat.pid != self._pid:
            self.restarts += 1
            self._ended.update(self._current)
        self._pid, self._current = beat.pid, beat.counters

    def broke(self) -> dict[str, int]:
        """How the source misbehaved so far; what a killed process did last is not known."""
        return {kind: self._ended[kind] + self._current.get(kind, 0) for kind in MISDEEDS}


class Watch:
    """Reads as the command line does; while the server is away it knows nothing."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._log: Log | None = None
        self._since_ns = time.time_ns()
        self.lives: Final = {source: SourceLife() for source in SOURCES}

    def beats(self) -> dict[str, Beat]:
        """Newest heartbeat of every service instance."""
        payloads = self._read(lambda log: log.beats(), dict[str, bytes]())
        beats = {name: decode_beat(payload) for name, payload in payloads.items()}
        for source, life in self.lives.items():
            beat = beats.get(f"ingest:{source}")
            if beat is not None and beat.ts_ns >= self._since_ns:
                life.note(beat)
        return beats

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
        said = [(b.state, b.counters) for name, b in beats.items() if name.startswith("arbiter:")]
        return next((dict(counters) for counters in leading(said)), {})

    def server(self) -> str:
        """Kind of server, such as `valkey`; empty if it cannot be asked now."""
        return self._read(lambda log: log.server_facts().version.partition(" ")[0], "")

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
