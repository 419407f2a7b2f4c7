"""A made-up log for the pages of contracts: thousands of names, two minutes of one of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, cast

import msgspec
from msgspec.structs import replace

from mdhub.streams.ids import clean_id
from mdhub.streams.memory import MemoryServer
from mdhub.streams.port import FIRST_ID, Manifest, Positions
from mdhub.streams.topology import CLEAN, RAW, REJECTED
from mdhub.wire.codec import encode
from mdhub.wire.entries import (
    CleanHeader,
    ContractRow,
    Marker,
    MarkerKind,
    QualityMark,
    RejectedHeader,
    Verdict,
)
from mdhub.wire.ticks import CleanTick, RawTick
from mdhub_console.pages.formats import clock
from tests.support.console_scene import NOW_NS
from tests.unit.wire.samples import SAMPLES

__all__ = ["SYMBOL", "Market", "scene"]

SYMBOL: Final = "rb2701"
SOURCES: Final = ("CTP-A", "CTP-B", "SOPT-1")
_HALF_S: Final = 500_000_000
_NO_VALUE: Final = 1.7976931348623157e308
_RAW: Final = cast("RawTick", SAMPLES["RawTick"])
_CLEAN: Final = cast("CleanTick", SAMPLES["CleanTick"])


class Market:
    """A log in memory whose time is set by hand."""

    def __init__(self, now_ns: int = NOW_NS) -> None:
        self.now_ns = now_ns
        self.server = MemoryServer(lambda: self.now_ns)
        self.n = 0

    def raw(self, tick: RawTick, *, decide: bool = True) -> bytes:
        """A source delivers; `decide`: the arbiter has come so far."""
        with self.server.lock:
            entry_id = self.server.add(RAW, 0, [b"t", encode(tick)])
        if decide:
            held = self.server.shard(0)
            held.positions = Positions(raw=entry_id, clean=held.positions.clean, n=self.n)
        return entry_id

    def accept(self, raw_id: bytes, tick: CleanTick) -> bytes:
        """The arbiter makes a clean tick of it."""
        return self._clean(clean_id(raw_id, 0), b"t", encode(tick))

    def quality(self, raw_id: bytes, quality: str, cause: str = "") -> None:
        """The arbiter says how far the contract can be trusted."""
        mark = encode(QualityMark(SYMBOL, "SHFE", quality, cause))
        marker = Marker(1, MarkerKind.QUALITY, self.now_ns, msgspec.Raw(mark))
        self._clean(clean_id(raw_id, 1), b"m", encode(marker))

    def refuse(self, raw_id: bytes, tick: RawTick, verdict: Verdict, reason: str) -> None:
        """The arbiter does not believe it."""
        header = encode(RejectedHeader(1, raw_id.decode(), verdict, reason, tick.source))
        with self.server.lock:
            self.server.add(REJECTED, 0, [b"h", header, b"t", encode(tick)], clean_id(raw_id, 0))

    def snapshot(self, lasts: Sequence[tuple[bytes, CleanTick]]) -> None:
        """The arbiter saves its newest clean ticks."""
        raw_id = b"%d-9" % (self.now_ns // 1_000_000)
        rows = [(at, encode(CleanHeader(1, 1, 1, 5, 0)), encode(tick)) for at, tick in lasts]
        held = self.server.shard(0)
        held.chunks[raw_id, "last-0"] = encode(rows)
        held.manifests.insert(0, Manifest(raw_id, self.n, "", 1, 1, self.now_ns))

    def _clean(self, entry_id: bytes, name: bytes, payload: bytes) -> bytes:
        self.n += 1
        header = encode(CleanHeader(1, self.n, self.n, 5, self.now_ns))
        with self.server.lock:
            self.server.add(CLEAN, 0, [b"h", header, name, payload], entry_id)
        return entry_id


def scene(*, contracts: int = 5_200, seconds: int = 120) -> Market:
    """A contract traded by three sources until NOW_NS, among thousands that are known."""
    market = Market(NOW_NS - seconds * 2 * _HALF_S)
    raw_id = FIRST_ID
    for step in range(seconds * 2):
        market.now_ns += _HALF_S
        raw_id = _step(market, step)
    market.now_ns = NOW_NS
    market.quality(raw_id, "")
    names = list(_names(contracts))
    market.snapshot([(b"1-0", _last(name, at)) for at, name in enumerate(names)])
    log = market.server.log("arbiter")
    log.save_contracts({row.symbol: encode(row) for row in (_row(name) for name in names)})
    return market


def tick_of(source: str, step: int, now_ns: int, **facts: Any) -> RawTick:
    """One copy of a snapshot."""
    last = round(3_512 + 9 * math.sin(step / 23) + 3 * math.sin(step / 5))
    book = {
        "bids": [(float(last - level), 40 + 17 * level) for level in range(1, 6)],
        "asks": [(float(last + level), 31 + 23 * level) for level in range(1, 6)],
    }
    given = {
        "source": source, "seq": step + 1, "recv_ns": now_ns, "symbol": SYMBOL, "exchange": "",
        "trading_day": "20261120", "action_day": "20261120", "update_time": clock(now_ns),
        "update_ms": 500 * (step % 2), "last": float(last), "volume": 812_000 + 7 * step,
        "turnover": 28_517_440_000.0 + 245_000 * step, "open_interest": 1_642_118.0,
        "open": 3_498.0, "high": 3_526.0, "low": 3_491.0, "close": _NO_VALUE,
        "settlement": _NO_VALUE, "pre_close": 3_503.0, "pre_settlement": 3_499.0,
        "pre_open_interest": 1_630_004.0, "limit_up": 3_778.0, "limit_down": 3_219.0,
        "average": 35_120.5, **book, **facts,
    }  # fmt: skip
    return replace(_RAW, **given)


def clean_of(tick: RawTick) -> CleanTick:
    """The clean tick of it."""
    facts = {
        name: getattr(tick, name)
        for name in CleanTick.__struct_fields__
        if name not in {"v", "exchange", "trading_day", "ts_ns", "flags", "close", "settlement"}
    }
    return replace(
        _CLEAN, **facts, exchange="SHFE", trading_day=20261120, ts_ns=tick.recv_ns - 40_000_000,
        flags=0, close=None, settlement=None,
    )  # fmt: skip


def _step(market: Market, step: int) -> bytes:
    """One snapshot: somebody is first, the others are duplicates, now and then one is wrong."""
    order = SOURCES if step % 5 else (SOURCES[1], SOURCES[0], SOURCES[2])
    raw_id = FIRST_ID
    for place, source in enumerate(order):
        late_ns = place * 3_000_000
        tick = tick_of(source, step, market.now_ns + late_ns)
        wrong = place == 1 and step % 37 == 17
        held = place == 2 and step % 61 == 58
        if wrong:
            tick = replace(tick, last=700.0, volume=tick.volume and tick.volume + 3)
        if held:
            tick = replace(tick, last=(tick.last or 0) + 0.3)
        raw_id = market.raw(tick)
        if place == 0:
            market.accept(raw_id, clean_of(tick))
        elif wrong:
            market.refuse(raw_id, tick, Verdict.REJECT, "conflict")
        elif held:
            market.refuse(raw_id, tick, Verdict.HOLD, "off_grid")
        elif place == 2 and step % 29 == 3:
            market.refuse(raw_id, tick, Verdict.LATE, "late")
    if step == 12:
        market.quality(raw_id, "single_source", "only CTP-A for 30 s")
    return raw_id


def _names(count: int) -> Sequence[tuple[str, str, str, str]]:
    """Symbol, exchange, product, class."""
    futures = [
        (f"{product}27{month:02}", exchange, product, "1")
        for product, exchange in (
            ("rb", "SHFE"), ("cu", "SHFE"), ("au", "SHFE"), ("sc", "INE"), ("m", "DCE"),
            ("i", "DCE"), ("IF", "CFFEX"), ("lc", "GFEX"),
        )
        for month in range(1, 13)
    ]  # fmt: skip
    options = [
        (f"cu27{month:02}{right}{strike}", "SHFE", "cu_o", "2")
        for month in range(1, 13)
        for right in "CP"
        for strike in range(60_000, 120_000, 250)
    ]
    return [*futures, *options][:count]


def _last(name: tuple[str, str, str, str], at: int) -> CleanTick:
    base = 3_499.0 if name[2] == "rb" else 100.0 + 13 * (at % 977)
    return replace(
        _CLEAN, symbol=name[0], exchange=name[1], trading_day=20261120, flags=0,
        ts_ns=NOW_NS - (at % 90) * 1_000_000_000, last=base + at % 7 - 3,
        pre_settlement=base, volume=(at * 7_919) % 900_001, open_interest=float(at * 31 % 200_003),
    )  # fmt: skip


def _row(name: tuple[str, str, str, str]) -> ContractRow:
    symbol, exchange, product, kind = name
    return ContractRow(symbol, exchange, product, kind, 10.0, 1.0, 20270115)
