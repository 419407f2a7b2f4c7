"""A corpus on disk: the rows in order of arrival, the truth about each, the contract table."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from truth.anomalies import EXPECTED
from truth.feeds import Delivery, Feed, as_sent
from truth.outages import Outage
from truth.stream import Stream

__all__ = ["Corpus", "Label", "read_labels", "write_corpus"]

_BUFFER: Final = 1 << 20


class Corpus(NamedTuple):
    """Paths of one corpus and what it shows."""

    name: str
    stream: str
    rows: Path
    labels: Path
    contracts: Path
    outages: tuple[Outage, ...] = ()


class Label(NamedTuple):
    """The truth about one row; its number is its place in the file, from 1."""

    feed: int
    symbol: str
    exchange: str
    snapshot: int
    role: str
    kind: str
    """Kind of anomaly, `repush`, name of a trap or a hold, or empty."""
    expect: str
    """drop, hold, repair, or pass."""
    true_copy: bool
    """Whether the row says what the exchange said, however often it has said it."""
    day: int
    ts_ns: int
    arrive_ns: int
    nulls: str


def write_corpus(
    folder: Path,
    name: str,
    stream: Stream,
    deliveries: list[Delivery],
    feeds: tuple[Feed, ...],
    *,
    outages: list[Outage] | None = None,
) -> Corpus:
    """Write rows, labels and contracts; the names of the files begin with `name`."""
    base = f"{stream.name}-{name}"
    corpus = Corpus(
        name,
        stream.name,
        folder / f"{base}.csv",
        folder / f"{base}.labels.tsv",
        folder / f"{base}.contracts.csv",
        tuple(outages or ()),
    )
    with (
        corpus.rows.open("w", _BUFFER, encoding="utf-8") as rows,
        corpus.labels.open("w", _BUFFER, encoding="utf-8") as labels,
    ):
        rows.write(",".join((*stream.columns, "Source", "ReceiveTime")) + "\n")
        for delivery in deliveries:
            line = delivery.line
            if line is None:
                line = as_sent(stream, stream.facts[delivery.fact], feeds[delivery.feed])
            rows.write(f"{line},{feeds[delivery.feed].name},{delivery.arrive_ns}\n")
            labels.write(_label_line(stream, delivery))
    _write_contracts(corpus.contracts, stream)
    return corpus


def _label_line(stream: Stream, delivery: Delivery) -> str:
    fact = stream.facts[delivery.fact]
    expect = EXPECTED.get(delivery.kind, "pass")
    true_copy = "" if delivery.line is not None else "1"
    cells = (
        delivery.feed, fact.symbol, fact.exchange, fact.snapshot, fact.role, delivery.kind, expect,
        true_copy, fact.day, fact.ts_ns, delivery.arrive_ns, delivery.nulls,
    )  # fmt: skip
    return "\t".join(map(str, cells)) + "\n"


def _write_contracts(path: Path, stream: Stream) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        write = csv.writer(file).writerow
        write(
            "InstrumentID ExchangeID InstrumentName ProductID ProductClass VolumeMultiple PriceTick"
            " ExpireDate".split()
        )
        for c in stream.contracts.values():
            write([c.symbol, c.exchange, c.symbol, c.product, "", c.multiplier, c.tick, ""])


def read_labels(path: Path) -> Iterator[Label]:
    """Yield the labels in order of the rows."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            cells = line.rstrip("\n").split("\t")
            yield Label(
                int(cells[0]), cells[1], cells[2], int(cells[3]), cells[4], cells[5], cells[6],
                cells[7] == "1", int(cells[8]), int(cells[9]), int(cells[10]), cells[11],
            )  # fmt: skip
