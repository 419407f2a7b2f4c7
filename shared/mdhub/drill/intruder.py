"""A writer of a drill's own: appends to raw whatever a row wants there, as a gateway could."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self

from mdhub.drill.rig import Rig
from mdhub.streams import open_log
from mdhub.streams.port import Entry
from mdhub.streams.topology import RAW
from mdhub.wire.codec import decode_raw_tick
from mdhub.wire.ticks import RawTick

__all__ = ["Intruder", "arbiter_counters", "starts"]

TIMEOUT_S: Final = 3.0


class Intruder:
    """Context manager. What it appends is numbered like any source's."""

    def __init__(self, rig: Rig, name: str) -> None:
        self.name: Final = name
        self.session: Final = time.time_ns() // 1_000_000
        self.written = 0
        self._rig = rig

    def __enter__(self) -> Self:
        rig = self._rig
        self._log = open_log(
            rig.host.url, service="ingest", prefix=rig.plan.prefix, timeout_s=TIMEOUT_S
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._log.close()

    def append(self, kinds: str, payloads: Sequence[bytes]) -> None:
        """Append entries, a letter of `kinds` each: `t`, `c`, or one that means nothing."""
        self._log.raw_append(
            0, writer=self.name, session=self.session, first_seq=self.written + 1,
            kinds=kinds, payloads=payloads,
        )  # fmt: skip
        self.written += len(payloads)

    def newest(self, count: int) -> list[RawTick]:
        """Ticks that sources other than this one wrote last, newest first."""
        entries: list[Entry] = self._log.entries(RAW, count=count, newest_first=True)
        ticks = (_tick(fields) for _, fields in entries)
        return [tick for tick in ticks if tick is not None and tick.source != self.name]


def _tick(fields: list[bytes]) -> RawTick | None:
    try:
        return decode_raw_tick(fields[1]) if fields[0] == b"t" else None
    except ValueError:
        return None


def arbiter_counters(rig: Rig) -> dict[str, int]:
    """What the leader counts, as of its newest heartbeat; empty while there is none."""
    beat = rig.beats().get(rig.crew.instance(rig.leader()))
    return {} if beat is None else dict(beat.counters)


def starts(rig: Rig) -> dict[str, int]:
    """How often each child was started."""
    return {name: state.starts for name, state in rig.crew.children.items()}
