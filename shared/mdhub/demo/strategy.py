"""The demo's strategy, a process of its own: follows the hub like any user's would.

`python -m mdhub.demo.strategy --out FILE tcp://127.0.0.1:5555`. It writes every tick to a file
for the checker and says once in half a second, as a JSON line on stdout, how it fares.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import mdhub
from mdhub.demo.receipts import ReceiptWriter
from mdhub.runtime.service import begin

__all__ = ["main"]

REPORT_EVERY_S: Final = 0.5
RECENT: Final = 2_000
"""Ticks whose latency the live picture shows; the final line takes all."""
WARM_UP_S: Final = 2.0
KEPT_LATENCIES: Final = 1 << 20
"""Bound of the latency sample; beyond it the oldest are overwritten."""


@dataclass(slots=True)
class _Fortunes:
    """What the strategy has seen so far."""

    received: int = 0
    replayed: int = 0
    wins: Counter[str] = field(default_factory=Counter)
    latencies_ns: array[int] = field(default_factory=lambda: array("q"))
    first_s: float | None = None
    measured: int = 0
    latest: dict[str, mdhub.Tick] = field(default_factory=dict)

    def add(self, delivery: mdhub.Delivery, now_ns: int, now_s: float) -> None:
        tick = delivery.tick
        if self.first_s is None:
            self.first_s = now_s
        self.received += 1
        self.replayed += delivery.replayed
        self.wins[tick.source] += 1
        self.latest[tick.vt_symbol] = tick
        if now_s - self.first_s >= WARM_UP_S:
            self._measure(now_ns - tick.recv_ns)

    def _measure(self, latency_ns: int) -> None:
        if len(self.latencies_ns) < KEPT_LATENCIES:
            self.latencies_ns.append(latency_ns)
        else:
            self.latencies_ns[self.measured % KEPT_LATENCIES] = latency_ns
        self.measured += 1

    def percentile_ms(self, share: float, *, recent: bool = False) -> float | None:
        """Latency callback -> strategy in ms; None before the warm-up is over."""
        if not self.latencies_ns:
            return None
        ordered = sorted(self.latencies_ns[-RECENT:] if recent else self.latencies_ns)
        return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))] / 1e6, 3)

    def line(self, hub: mdhub.Hub, *, final: bool) -> dict[str, Any]:
        statistics, recent = hub.statistics, not final
        return {
            "received": self.received,
            "replayed": self.replayed,
            "gaps": statistics.gaps,
            "unrecovered": statistics.unrecovered,
            "p50_ms": self.percentile_ms(0.5, recent=recent),
            "p99_ms": self.percentile_ms(0.99, recent=recent),
            "wins": dict(self.wins),
            "latest": {} if final else _latest_rows(self.latest),
            "final": final,
        }


def _latest_rows(latest: dict[str, mdhub.Tick]) -> dict[str, list[Any]]:
    ticks = tuple(latest.values())  # copied at once: the iterating thread adds to it
    newest = sorted(ticks, key=lambda t: -t.recv_ns)[:12]
    return {
        t.vt_symbol: [
            t.ts.strftime("%H:%M:%S.%f")[:-3],
            t.last,
            t.volume,
            t.bids[0][0] if t.bids else None,
            t.asks[0][0] if t.asks else None,
            t.source,
        ]
        for t in newest
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Follow everything until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m mdhub.demo.strategy", description=__doc__)
    parser.add_argument("endpoints", nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(argv)
    fortunes = _Fortunes()
    # The demo's publishers are plain, whatever keys the user's variables name for another hub.
    plain = mdhub.connect(*options.endpoints, server_key="", key="")
    with ReceiptWriter(options.out) as receipts, plain as hub:
        _end_with(begin(), hub)
        over = threading.Event()
        talk = threading.Thread(target=_talk, args=(fortunes, hub, receipts, over), daemon=True)
        talk.start()
        for delivery in hub.deliveries("*", start="live"):
            fortunes.add(delivery, time.time_ns(), time.monotonic())
            receipts.write(delivery.tick)
        over.set()
        talk.join()
        receipts.flush()
        _say(fortunes.line(hub, final=True))
    return 0


def _end_with(stop: threading.Event, hub: mdhub.Hub) -> None:
    def wait() -> None:
        stop.wait()
        hub.stop()

    threading.Thread(target=wait, daemon=True).start()


def _talk(
    fortunes: _Fortunes, hub: mdhub.Hub, receipts: ReceiptWriter, over: threading.Event
) -> None:
    while not over.is_set():
        receipts.flush()
        _say(fortunes.line(hub, final=False))
        over.wait(REPORT_EVERY_S)


def _say(words: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
