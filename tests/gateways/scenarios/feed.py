"""A made-up exchange that sends the same snapshots through several fronts, and remembers them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Self

from mdhub.wire.ticks import CHINA_TIME
from tests.gateways.front.front import Front
from tests.gateways.front.wire import Value, callback
from tests.gateways.scenarios.following import by_day

__all__ = ["Feed", "Generated"]

Generated = tuple[str, int, int]
"""A snapshot: symbol, exchange time in ns, volume."""
SLOT = timedelta(milliseconds=500)


class Feed:
    """Every half second one snapshot of each contract, from a thread, to every front that has it.

    A session gets it if it has subscribed to all of its front's contracts, as a broker would.
    """

    def __init__(self, begin: str, *, slots: int) -> None:
        self._moment = datetime.fromisoformat(begin).replace(tzinfo=CHINA_TIME)
        self._left = slots
        self._listings: list[tuple[Sequence[Front], list[tuple[str, bytes, float]]]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.sent: list[Generated] = []
        self.slots = 0

    def list(
        self, fronts: Sequence[Front], contracts: Iterable[Mapping[str, Value]], *, price: float
    ) -> None:
        """Send these contracts through these fronts, all at one price."""
        rows = []
        for contract in contracts:
            symbol, exchange = str(contract["InstrumentID"]), str(contract["ExchangeID"])
            money = price * float(str(contract["VolumeMultiple"]))
            rows.append((symbol, _begin(symbol, exchange, price), money))
        self._listings.append((fronts, rows))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Send no more; returns after the last slot is out."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        due_s = time.monotonic()
        while self._left and not self._stop.is_set():
            self._slot()
            self._left -= 1
            due_s += SLOT.total_seconds()
            self._stop.wait(max(0.0, due_s - time.monotonic()))

    def _slot(self) -> None:
        volume = 1_000 + self.slots
        ts_ns = round(self._moment.timestamp() * 1000) * 1_000_000
        clock = (
            f"\x01UpdateTime={self._moment:%H:%M:%S}"
            f"\x01UpdateMillisec={self._moment.microsecond // 1000}\x01Volume={volume}\x01Turnover="
        ).encode()
        for fronts, rows in self._listings:
            data = b"".join(
                begin + clock + repr(volume * money).encode() + b"\n" for _, begin, money in rows
            )
            for front in fronts:
                for session in front.sessions("md"):
                    if len(session.subscribed) >= len(rows):
                        session.send(data)
            self.sent += [(symbol, ts_ns, volume) for symbol, _, _ in rows]
        self.slots += 1
        self._moment += SLOT


def _begin(symbol: str, exchange: str, price: float) -> bytes:
    """Write what stays the same in a contract's snapshots; the line goes on."""
    ours: dict[str, Value] = {
        "ExchangeID": exchange if exchange in ("SSE", "SZSE") else "",
        **dict.fromkeys(("LastPrice", "OpenPrice", "HighestPrice", "LowestPrice"), price),
        **dict.fromkeys(("PreSettlementPrice", "PreClosePrice", "AveragePrice"), price),
        "UpperLimitPrice": 2 * price,
        "LowerLimitPrice": price / 2,
    }
    for level in range(1, 6):
        ours |= {f"BidPrice{level}": price - level / 10_000, f"BidVolume{level}": level}
        ours |= {f"AskPrice{level}": price + level / 10_000, f"AskVolume{level}": level}
    fields = by_day(symbol, **ours)
    for name in ("UpdateTime", "UpdateMillisec", "Volume", "Turnover"):
        del fields[name]
    return callback("OnRtnDepthMarketData", fields).rstrip(b"\n")
