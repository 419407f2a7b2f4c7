"""Receipts, clean entries and evidence as a run would leave them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mdhub.demo.checker import Report
from mdhub.drill.evidence import CleanFacts, Evidence, Silence, Verified
from mdhub.drill.port import Fault
from mdhub.drill.receipts import Kind, Receipt
from mdhub.market.snapshot import Snapshot
from mdhub.market.synthetic import SyntheticMarket
from mdhub.streams.port import Entry
from mdhub.wire.codec import encode
from mdhub.wire.entries import CleanHeader
from mdhub.wire.ticks import CleanTick

__all__ = ["clean_entry", "evidence", "made", "notice", "receipt", "tick_of"]

GOOD = Report(made=10, received=10, lost=0, duplicated=0, out_of_order=0, false=0, examples={})


def made(count: int, ticks_per_s: float = 200.0) -> list[Snapshot]:
    """The first snapshots of a market, repeats left out."""
    found: list[Snapshot] = []
    for snapshot in SyntheticMarket(seed=3, ticks_per_s=ticks_per_s).snapshots():
        if not snapshot.repeat:
            found.append(snapshot)
        if len(found) == count:
            break
    return found


def tick_of(snapshot: Snapshot) -> CleanTick:
    """A clean tick by which a snapshot is recognised; the rest of it is made up."""
    rest: dict[str, Any] = dict.fromkeys(CleanTick.__struct_fields__[8:-2], 1.0)
    return CleanTick(
        v=1, symbol=snapshot.symbol, exchange="X", trading_day=snapshot.day,
        ts_ns=snapshot.exchange_ns, recv_ns=0, source="A", flags=0, bids=[], asks=[],
        **{**rest, "volume": snapshot.volume},
    )  # fmt: skip


def receipt(tick: CleanTick, n: int, at_ns: int = 0) -> Receipt:
    return Receipt(Kind.LIVE, at_ns, n, 1, encode(tick))


def notice(payload: bytes, n: int = 0) -> Receipt:
    return Receipt(Kind.NOTICE, 0, n, 2, payload)


def clean_entry(tick: CleanTick, n: int) -> Entry:
    header = encode(CleanHeader(1, n, n, 1, 0))
    return b"%d-0" % n, [b"h", header, b"t", encode(tick)]


def evidence(
    *,
    market: Report = GOOD,
    clean: CleanFacts | None = None,
    verified: bool = True,
    samples_s: tuple[float, ...] = (0.1,),
    mismatches: int = 0,
) -> Evidence:
    """What a run without fault leaves, but for what is given."""
    return Evidence(
        folder=Path(),
        faults=[Fault("kill", 0)],
        clients={"client": Path()},
        events=[],
        market={"client": market},
        clean={"client": clean or CleanFacts(entries=10)},
        verified=Verified(equal=verified, raw=20, words="" if verified else "clean 5-0 differs"),
        silence=Silence(samples_s=samples_s),
        mismatches=mismatches,
    )
