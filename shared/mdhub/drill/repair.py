"""What several rows look up in log and receipts."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from mdhub.drill.receipts import read_receipts
from mdhub.drill.rig import Rig, RigError
from mdhub.drill.view import entries
from mdhub.streams.port import Log
from mdhub.streams.topology import RAW
from mdhub.wire.codec import decode_control
from mdhub.wire.entries import ControlKind

__all__ = ["caught_up_s", "zombie_writes"]

FRESH_NS: Final = 100_000_000
ARBITER: Final = "arbiter"


def caught_up_s(receipts: Path, resumed_ns: int) -> float | None:
    """Seconds from a moment (monotonic) until the client got a tick younger than 0.1 s."""
    ahead_ns = time.time_ns() - time.monotonic_ns()
    for receipt in read_receipts(receipts):
        if receipt.is_tick and receipt.at_ns >= resumed_ns:
            age_ns = receipt.at_ns + ahead_ns - receipt.tick().recv_ns
            if age_ns < FRESH_NS:
                return (receipt.at_ns - resumed_ns) / 1e9
    return None


def zombie_writes(rig: Rig) -> int:
    """Entries that an arbiter appended to raw after another one had taken over.

    What it might have written to clean is found by the comparison with f(raw).
    """

    def count(log: Log) -> int:
        newest = written = 0
        for _, fields in entries(log, RAW):
            if fields[0] == b"c":
                control = decode_control(fields[1])
                if control.kind == ControlKind.LEAD:
                    newest = max(newest, control.session)
                elif control.writer == ARBITER and control.session < newest:
                    written += 1
        return written

    found = rig.ask(count, -1)
    if found < 0:
        raise RigError("raw could not be read to look for a zombie's writes")
    return found
