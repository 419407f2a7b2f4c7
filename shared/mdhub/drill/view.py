# HOT: once per recorded tick and clean entry of a run of minutes.
"""What a client has in the end (withdrawn ticks taken back), against the clean log, byte for byte.

The order of n is judged here; whether the ticks are those of the market, by the demo's checker.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from typing import Final

from mdhub.drill.evidence import CleanFacts
from mdhub.drill.receipts import Receipt
from mdhub.streams.port import Entry, Log
from mdhub.streams.topology import Stream
from mdhub.wire.codec import decode_clean_header, decode_clean_tick, encode
from mdhub.wire.ticks import CleanTick

__all__ = ["View", "compare", "entries", "standing"]

PAGE: Final = 1_000
EXAMPLES_KEPT: Final = 10


class View:
    """Ticks that still stand: their n and a digest of their bytes, in order of receipt."""

    def __init__(self, receipts: Iterable[Receipt]) -> None:
        self.ns = array("q")
        self.digests = array("q")
        for receipt in receipts:
            if receipt.is_tick:
                self.ns.append(receipt.n)
                self.digests.append(hash(receipt.payload))
            elif receipt.notice()["told"] == "epoch":
                self._withdraw(receipt.n)

    def _withdraw(self, resume_after_n: int) -> None:
        while self.ns and self.ns[-1] > resume_after_n:
            self.ns.pop()
            self.digests.pop()


def standing(receipts: Iterable[Receipt]) -> Iterator[CleanTick]:
    """Ticks that were not withdrawn, in order of receipt."""
    kept: list[Receipt] = []
    for receipt in receipts:
        if receipt.is_tick:
            kept.append(receipt)
        elif receipt.notice()["told"] == "epoch":
            while kept and kept[-1].n > receipt.n:
                kept.pop()
    return (receipt.tick() for receipt in kept)


def entries(log: Log, stream: Stream) -> Iterator[Entry]:
    """All that a stream has, in order."""
    first = b"-"
    while page := log.entries(stream, first=first, count=PAGE):
        yield from page
        first = b"(" + page[-1][0]


def compare(clean: Iterable[Entry], view: View) -> CleanFacts:
    """Compare one client's view with the clean log, from the client's first tick on."""
    doubled, disordered = _order(view.ns)
    got = dict(zip(view.ns, view.digests, strict=True))
    begin = view.ns[0] if view.ns else None
    read = breaks = unseen = same = trimmed = 0
    before: int | None = None
    examples: list[str] = []
    for entry_id, fields in clean:
        read += 1
        n = decode_clean_header(fields[1]).n
        if before is not None and n != before + 1:
            breaks += 1
            examples.append(f"clean {entry_id.decode()}: n {n} follows n {before}")
        if before is None:
            trimmed = sum(got_n < n for got_n in got)
        before = n
        if fields[2] != b"t" or begin is None or n < begin:
            continue
        if n not in got:
            unseen += 1
            examples.append(f"clean n {n} was not received")
        elif got[n] == hash(encode(decode_clean_tick(fields[3]))):
            same += 1
        else:
            examples.append(f"n {n} was received with other bytes than clean has")
    return CleanFacts(
        entries=read,
        breaks=breaks,
        unseen=unseen,
        phantom=len(got) - same - trimmed,
        doubled=doubled,
        disordered=disordered,
        examples=tuple(examples[:EXAMPLES_KEPT]),
    )


def _order(ns: Iterable[int]) -> tuple[int, int]:
    """How many came again, and how many came after a higher n."""
    seen: set[int] = set()
    highest = -1
    doubled = disordered = 0
    for n in ns:
        if n in seen:
            doubled += 1
        elif n < highest:
            disordered += 1
        seen.add(n)
        highest = max(highest, n)
    return doubled, disordered
