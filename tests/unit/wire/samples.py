"""One of every payload, its values all different, so that a swapped field shows."""

from __future__ import annotations

import msgspec

from mdhub.wire import (
    CleanHeader,
    CleanTick,
    Clock,
    Command,
    ConfigChange,
    Control,
    EndOfSessionMark,
    EndReply,
    EpochMark,
    ErrorReply,
    Event,
    FindReply,
    FindRequest,
    Heartbeat,
    HelloReply,
    HelloRequest,
    Lead,
    LiveHeader,
    LogLine,
    LostRange,
    Marker,
    MarketClock,
    MsgReply,
    PhaseMark,
    QualityMark,
    RawTick,
    RejectedHeader,
    ReplayRequest,
    ReplyHead,
    RequestHead,
    ShardInfo,
    SnapshotRequest,
    TailsReply,
    TailsRequest,
    encode,
)

SAMPLES: dict[str, msgspec.Struct] = {
    type(sample).__name__: sample
    for sample in (
        RawTick(
            1, "A", 1795140000000, 42, 1795140600512345678, "SR701C5800", "", "20261123",
            "20261120", "21:00:01", 500, 211.5, 1042, 2205570.0, 9120.0, 210.0, 214.5, 208.0,
            1.7976931348623157e308, None, 209.5, 209.0, 9001.0, 390.0, 0.5, 211.6,
            [(211.0, 3), (210.5, 8)], [(None, None)],
        ),
        CleanTick(
            1, "IF2612", "CFFEX", 20261123, 1795140600500000000, 1795140600512345678, "B", 5,
            3890.2, 25417, 29663511120.0, 183402.0, 3886.0, 3899.8, 3880.4, None, 3889.0, 3884.6,
            3885.2, 183110.0, 4273.6, 3496.8, 3890.1, [(3890.2, 7)], [(3890.6, 12), (None, None)],
        ),
        Control(1, "lead", "arbiter", 3, 9, 1795140600512345678, msgspec.Raw(encode([5, "x"]))),
        Clock(1795140600512345678),
        Lead(3, "d0c1", "1795140600513-65536", 183441, 1795136400000, 1795140600600000000),
        ConfigChange("market_clock", msgspec.Raw(encode([1, 2, 1.0]))),
        MarketClock(1510536600000000000, 1795140600512345678, 60.0, "run-7"),
        LostRange(17, 25, "overflow"),
        CleanHeader(1, 183441, None, 1795136400000, 1795140600513000000),
        Marker(1, "epoch", 1795140600512345678, msgspec.Raw(encode([6, 7, "d0c1"]))),
        EpochMark(1795136400000, 183440, "d0c1"),
        QualityMark("cu2610", "SHFE", "stale", "silent on all sources"),
        PhaseMark("SHFE", "cu", "night"),
        EndOfSessionMark(183441),
        RejectedHeader(1, "1795140600513-1", "reject", "volume_regress", "A"),
        LiveHeader(
            1, 2, 1795136400000, 183441, 25120, "1795140600513-65536", 1795140600513000000,
            1795140600513400000, 1,
        ),
        Heartbeat(1, "A", 5556, 183441, 1795140600590000000, 1510536600590000000, "ok"),
        Event(1, "e1", 5, "ingest", "source", "A", "warning", "c1", {"state": "down", "after": 3}),
        Command(1, "c1", 6, "console", "A", "restart", {"hard": True}, 1795140600590000000),
        LogLine(1, 7, "info", "arbiter", "leading", "c1", {"n": 4, "rate": 0.5}),
        RequestHead(1, 77, "anything"),
        HelloRequest(1, 78, digest="331f46490937dee0"),
        SnapshotRequest(1, 79, "snapshot", 2, ["IF*.CFFEX", "cu2610.SHFE"]),
        TailsRequest(1, 80, "tails", 2, 1795136400000, 183440, ["*"]),
        FindRequest(1, 81, "find", 2, "session"),
        ReplayRequest(1, 82, "replay", 2, 1795136400000, 183440, 1000, ["*"]),
        ReplyHead(1, 82, "end"),
        MsgReply(1, 82),
        ErrorReply(1, 82, "error", "malformed", "limit was 0, expected 1 to 5000"),
        HelloReply(
            1, 78, "ok", "331f46490937dee0", "B", [ShardInfo(2, [(5, 0), (6, 180000)], 7, 183441)]
        ),
        ShardInfo(2, [(5, 0), (6, 180000)], 7, 183441),
        TailsReply(1, 80, "ok", 183441, [("cu2610.SHFE", 25120, ""), ("IF2612.CFFEX", 3, "stale")]),
        FindReply(1, 81, "ok", 1795136400000, 183440),
        EndReply(1, 82, "end", 183441, 7, more=True, epoch=1795136400000),
    )
}  # fmt: skip
