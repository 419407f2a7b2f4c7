"""A tick file through the real chain: source process, server, arbiter process, clean log."""

from __future__ import annotations

import json
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from mdhub.host.stack import Host, HubPlan
from mdhub.market.products import exchange_of
from mdhub.runtime.heartbeat import Beat, decode_beat
from mdhub.streams.port import Entry, Log
from mdhub.streams.topology import CLEAN, RAW, REJECTED, Stream
from mdhub.wire.codec import decode_clean_tick, decode_raw_tick, decode_rejected_header
from mdhub.wire.ticks import Flag

__all__ = ["Fates", "through_the_chain"]

SOURCE: Final = "R"
POLL_S: Final = 0.05
PAGE: Final = 1_000
TIMEOUT_S: Final = 300.0


@dataclass
class Fates:
    """What became of the rows of one file. Keys: (instrument, verdict, reason)."""

    rows: int = 0
    malformed: int = 0
    duplicates: int = 0
    fates: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """Without duplicates: the log does not write them down, it counts them."""

    def of(self, verdict: str) -> int:
        return sum(count for key, count in self.fates.items() if key[1] == verdict)


def through_the_chain(file: Path) -> Fates:
    """Play a file as fast as it goes through one well-behaved source. Raises TimeoutError."""
    with tempfile.TemporaryDirectory(prefix="mdhub-rows-") as name:
        source = {"name": SOURCE, "recording": {"file": str(file.resolve()), "speed": 0}}
        plan = HubPlan(folder=Path(name) / "data", profile="fast", sources=(json.dumps(source),))
        with (Path(name) / "services.log").open("w") as services:
            return _hosted(Host(plan, stderr=services))


def _hosted(host: Host) -> Fates:
    try:
        host.start_server()
        host.start("arbiter")
        host.wait_leader()
        host.start("ingest")
        log = host.open_log()
        try:
            return _played(host, log)
        finally:
            log.close()
    finally:
        host.stop()


def _played(host: Host, log: Log) -> Fates:
    deadline_s = time.monotonic() + TIMEOUT_S
    source = _beat(host, log, f"ingest:{SOURCE}", deadline_s, lambda beat: beat.state == "ended")
    newest = log.entries(RAW, count=1, newest_first=True)[0][0]
    ended_ns = time.time_ns()
    while _number(log.positions(0).raw) < _number(newest):
        _wait(host, deadline_s)
    judged_ns = max(ended_ns, time.time_ns())
    arbiter = _beat(host, log, "arbiter:A", deadline_s, lambda beat: beat.ts_ns > judged_ns)
    fates = Fates(
        malformed=source.counters.get("malformed_rows", 0),
        duplicates=arbiter.counters.get(f"duplicate:{SOURCE}", 0),
    )
    fates.rows = fates.malformed + sum(1 for _, f in _all(log, RAW) if f[0] == b"t")
    for _, (_, _, kind, payload) in _all(log, CLEAN):
        if kind == b"t":
            tick = decode_clean_tick(payload)
            verdict = "settlement" if tick.flags & Flag.SETTLEMENT else "accept"
            fates.fates[tick.vt_symbol, verdict, ""] += 1
    for _, (_, header, _, payload) in _all(log, REJECTED):
        head, symbol = decode_rejected_header(header), decode_raw_tick(payload).symbol
        listed = exchange_of(symbol)
        fates.fates[f"{symbol}.{listed}" if listed else symbol, head.verdict, head.reason] += 1
    return fates


def _beat(
    host: Host, log: Log, name: str, deadline_s: float, wanted: Callable[[Beat], bool]
) -> Beat:
    while True:
        payload = log.beats().get(name)
        beat = None if payload is None else decode_beat(payload)
        if beat is not None and wanted(beat):
            return beat
        _wait(host, deadline_s)


def _wait(host: Host, deadline_s: float) -> None:
    if time.monotonic() > deadline_s:
        raise TimeoutError(f"the chain was not through after {TIMEOUT_S:g} s")
    host.keeper.converge()
    time.sleep(POLL_S)


def _all(log: Log, stream: Stream) -> Iterator[Entry]:
    first = b"-"
    while page := log.entries(stream, first=first, count=PAGE):
        yield from page
        first = b"(" + page[-1][0]


def _number(entry_id: bytes) -> tuple[int, int]:
    ms, seq = entry_id.split(b"-")
    return int(ms), int(seq)
