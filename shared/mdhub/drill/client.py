"""The drill's strategy, a process of its own: records what the SDK delivers and what it tells.

`python -m mdhub.drill.client --out FILE tcp://127.0.0.1:5555 tcp://127.0.0.1:5565`. Ten times a
second it says on stdout, as a JSON line, how far it is.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import mdhub
from mdhub.drill.receipts import ReceiptWriter
from mdhub.runtime.service import begin
from mdhub.sdk.events import EpochChange, Position, SchemaMismatch, Stall

__all__ = ["main"]

SAY_EVERY_S: Final = 0.1


class _Told:
    """Writes down what the SDK tells beside the ticks."""

    def __init__(self, receipts: ReceiptWriter) -> None:
        self._receipts = receipts

    def attach(self, hub: mdhub.Hub) -> None:
        hub.on_gap = self._gap
        hub.on_epoch = self._epoch
        hub.on_stall = self._stall
        hub.on_schema = self._schema

    def _gap(self, start: Position, end: Position, cause: str, recovered: bool) -> None:  # noqa: FBT001 - the SDK's signature
        self._receipts.notice(
            told="gap", first=start.n, last=end.n, cause=cause, recovered=recovered,
            n=start.n or 0, epoch=start.epoch,
        )  # fmt: skip

    def _epoch(self, change: EpochChange) -> None:
        self._receipts.notice(
            told="epoch", n=change.resume_after_n, epoch=change.epoch,
            old_epoch=change.old_epoch, withdrawn_to_n=change.withdrawn_to_n,
        )  # fmt: skip

    def _stall(self, stall: Stall) -> None:
        self._receipts.notice(told="stall", stalled=stall.stalled, cause=stall.cause)

    def _schema(self, mismatch: SchemaMismatch) -> None:
        self._receipts.notice(told="schema", words=str(mismatch))


class _Progress:
    def __init__(self) -> None:
        self.received = 0
        self.n = 0
        self.recv_ns = 0

    def line(self, hub: mdhub.Hub, *, final: bool) -> dict[str, Any]:
        """`age_s`: how old the newest tick is, from its arrival at the hub."""
        statistics = hub.statistics
        return {
            "received": self.received,
            "n": self.n,
            "age_s": (time.time_ns() - self.recv_ns) / 1e9 if self.recv_ns else None,
            "gaps": statistics.gaps,
            "unrecovered": statistics.unrecovered,
            "final": final,
        }


def main(argv: Sequence[str] | None = None) -> int:
    """Record until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m mdhub.drill.client", description=__doc__)
    parser.add_argument("endpoints", nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--delay-ms", type=float, default=0.0, help="time spent on each tick")
    options = parser.parse_args(argv)
    receipts, progress, over = ReceiptWriter(options.out), _Progress(), threading.Event()
    stop = begin()
    with mdhub.connect(*options.endpoints) as hub:
        _Told(receipts).attach(hub)
        threading.Thread(target=_end_with, args=(stop, hub), daemon=True).start()
        talk = threading.Thread(target=_talk, args=(progress, hub, receipts, over), daemon=True)
        talk.start()
        for delivery in hub.deliveries("*", start="live"):
            receipts.tick(
                delivery.tick, n=delivery.n, epoch=delivery.epoch, replayed=delivery.replayed
            )
            progress.received += 1
            progress.n, progress.recv_ns = delivery.n, delivery.tick.recv_ns
            if options.delay_ms:
                stop.wait(options.delay_ms / 1_000)
        over.set()
        talk.join()
        receipts.close()
        _say(progress.line(hub, final=True))
    return 0


def _end_with(stop: threading.Event, hub: mdhub.Hub) -> None:
    stop.wait()
    hub.stop()


def _talk(
    progress: _Progress, hub: mdhub.Hub, receipts: ReceiptWriter, over: threading.Event
) -> None:
    while not over.is_set():
        receipts.flush()
        _say(progress.line(hub, final=False))
        over.wait(SAY_EVERY_S)


def _say(words: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
