"""Write a synthetic market as a recording, for loads that the simulated source has no knob for."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path

from bench.load import SEED, Load
from mdhub.market.snapshot import Snapshot
from mdhub.market.synthetic import SyntheticMarket
from mdhub.wire.ticks import CHINA_TIME

AMOUNTS = {
    "Turnover": "turnover",
    "OpenInterest": "open_interest",
    "OpenPrice": "open",
    "HighestPrice": "high",
    "LowestPrice": "low",
    "PreClosePrice": "pre_close",
    "PreSettlementPrice": "pre_settlement",
    "PreOpenInterest": "pre_open_interest",
    "UpperLimitPrice": "limit_up",
    "LowerLimitPrice": "limit_down",
    "AveragePrice": "average",
}
HEADER = [
    "TradingDay", "ActionDay", "InstrumentID", "ExchangeID", "UpdateTime", "UpdateMillisec",
    "LastPrice", "Volume", *AMOUNTS, "BidPrice1", "BidVolume1", "AskPrice1", "AskVolume1",
]  # fmt: skip


def write_recording(path: Path, load: Load, *, market_s: float) -> None:
    """Write the first `market_s` seconds of a market of `load.contracts` contracts."""
    market = SyntheticMarket(seed=SEED, ticks_per_s=load.ticks_per_s, contracts=load.contracts)
    until_ns = market.start_ns + int(market_s * 1e9)
    write_rows(path, takewhile(lambda snapshot: snapshot.made_ns < until_ns, market.snapshots()))


def write_rows(path: Path, snapshots: Iterable[Snapshot]) -> None:
    """Write snapshots with true dates and level 1, as recordings have them."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows(_row(snapshot) for snapshot in snapshots)


def _row(snapshot: Snapshot) -> list[object]:
    moment = datetime.fromtimestamp(snapshot.exchange_ns // 1_000_000_000, UTC)
    return [
        snapshot.day, f"{moment.astimezone(CHINA_TIME):%Y%m%d}", snapshot.symbol,
        snapshot.true_exchange, snapshot.update_time, snapshot.update_ms, snapshot.last,
        snapshot.volume, *(getattr(snapshot, field) for field in AMOUNTS.values()),
        *(snapshot.bids[0] if snapshot.bids else ("", "")),
        *(snapshot.asks[0] if snapshot.asks else ("", "")),
    ]  # fmt: skip
