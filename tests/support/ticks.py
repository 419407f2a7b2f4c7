"""A small made-up recording: a night and a morning of four exchanges."""

from __future__ import annotations

from pathlib import Path

__all__ = ["ROWS", "made_up_recording"]

HEADER = (
    "TradingDay,ActionDay,InstrumentID,ExchangeID,UpdateTime,UpdateMillisec,LastPrice,Volume,"
    "OpenInterest,UpperLimitPrice,BidPrice1,BidVolume1,AskPrice1,AskVolume1"
)
CONTRACTS = (("rb1801", "SHFE"), ("i1801", "DCE"), ("MA801", "CZCE"), ("ag1712", "SHFE"))
AFTER_MIDNIGHT = (("ag1712", "SHFE"), ("au1712", "SHFE"))
SESSIONS = (
    ("20171110", 21 * 3600, 100, CONTRACTS),
    ("20171111", 3600, 900, AFTER_MIDNIGHT),
    ("20171113", 9 * 3600 + 300, 1700, CONTRACTS),
)
SECONDS = 60
ROWS = sum(len(contracts) for *_, contracts in SESSIONS) * SECONDS * 2


def made_up_recording(folder: Path) -> Path:
    """Write it: trading day 2017-11-13, two snapshots a second of each contract, ROWS rows."""
    rows = [
        f"20171113,{day},{symbol},{exchange},{_time(second + begin)},"
        f"{0 if exchange == 'CZCE' else 500 * half},{400 + second % 7},"
        f"{volume + 2 * second + half},5,500,"
        f"{399 + second % 7},{second + 1},{401 + second % 7},{half + 1}"
        for day, begin, volume, contracts in SESSIONS
        for second in range(SECONDS)
        for half in range(2)
        for symbol, exchange in contracts
    ]
    path = folder / "made-up.csv"
    path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    return path


def _time(second: int) -> str:
    return f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
