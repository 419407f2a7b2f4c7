"""A made-up hub with rows to read: log lines, events with their orders, refused ticks."""

from __future__ import annotations

import random
from typing import Any, Final, cast

from msgspec.structs import replace

from mdhub.runtime.clock import Clock
from mdhub.streams.ids import clean_id
from mdhub.streams.memory import MemoryServer
from mdhub.streams.port import FIRST_ID, CleanBatch, LeadRequest, Log, Positions
from mdhub.streams.topology import COMMANDS, EVENTS, LOGS, RAW
from mdhub.wire.codec import encode
from mdhub.wire.entries import CleanHeader, RejectedHeader, Verdict
from mdhub.wire.ops import Command, Event, LogLine
from mdhub.wire.ticks import CleanTick, RawTick
from mdhub_console.live.fill import fill
from mdhub_console.live.service import Live
from mdhub_console.live.view import Bounds
from mdhub_console.parts import Parts
from mdhub_console.server.logs import LogPool
from tests.support.console import make_parts
from tests.support.console_scene import NOW_NS, SECOND, Still, live_of, troubled
from tests.unit.wire.samples import SAMPLES

__all__ = ["CORRELATION", "records_parts", "records_server"]

CORRELATION: Final = "c-restart-1"
_RAW: Final = cast("RawTick", SAMPLES["RawTick"])
_CLEAN: Final = cast("CleanTick", SAMPLES["CleanTick"])
_SAID: Final[tuple[tuple[str, str, str, dict[str, Any]], ...]] = (
    ("info", "ingest:CTP-A", "subscribed", {"contracts": 500, "confirmed": 498}),
    ("debug", "publisher:A", "client_behind", {"client": "strategy-7", "behind_ms": 12}),
    ("info", "arbiter:0-1", "snapshot", {"n": 18_442_910, "instruments": 13_122, "took_ms": 84.2}),
    (
        "warning",
        "ingest:CTP-B",
        "login_refused",
        {"side": "md", "code": 7, "says": "not initialised yet"},
    ),
    ("info", "monitor:A", "finding", {"change": "began", "key": "source_silent:CTP-B", "done": ""}),
    (
        "error",
        "ingest:CTP-B",
        "child_replaced",
        {"old_pid": 4121, "new_pid": 5310, "why": "silent for 8 s"},
    ),
)
_REFUSED: Final[tuple[tuple[str, str, str, dict[str, Any]], ...]] = (
    ("reject", "above_limit", "CTP-B", {"last": 4012.0, "limit_up": 4010.0}),
    ("hold", "crossed_book", "CTP-A", {"bids": [(4001.0, 3)], "asks": [(4000.0, 5)]}),
    ("late", "late", "CTP-B", {"update_time": "10:48:12"}),
    ("reject", "conflict", "CTP-B", {"volume": 813}),
    ("reject", "volume_regress", "SOPT-1", {"volume": 640}),
)


def records_server(*, lines: int = 240) -> MemoryServer:
    """Log lines over the last minutes, a restart that was ordered, a failover, refused ticks."""
    at = [NOW_NS - 900 * SECOND]
    server = MemoryServer(wall_ns=lambda: at[0])
    log = server.log("arbiter")
    _happen(server, at)
    _refuse(log, at)
    dice = random.Random(7)
    for number in range(lines):
        at[0] = NOW_NS - (lines - number) * SECOND // 4
        level, service, event, fields = dice.choice(_SAID)
        mine = CORRELATION if event == "child_replaced" else ""
        line = LogLine(1, at[0], level, service, event, mine, {"at": number, **fields})
        log.append(LOGS, encode(line))
    return server


def records_parts(
    *, lines: int = 240, kind: type[Live] = Still, clock: Clock | None = None, **others: Any
) -> Parts:
    """A console over it that has read it and, of the kind `Still`, runs nothing."""
    server = records_server(lines=lines)
    live = live_of(troubled(), kind=kind, clock=clock)
    view = live.view
    for name in ("events", "logs"):
        view.windows[name] = type(view.windows[name])(most=50_000, most_bytes=48 << 20)
    fill(view, server.log("console"), Bounds())
    return make_parts(live=live, log=LogPool(lambda: server.log("console")), **others)


def _happen(server: MemoryServer, at: list[int]) -> None:
    log = server.log("monitor")

    def event(ago_s: float, kind: str, subject: str, severity: str, /, **body: Any) -> None:
        at[0] = NOW_NS - int(ago_s * SECOND)
        correlation = body.pop("correlation", "")
        said = Event(1, f"e{ago_s}", at[0], body.pop("by", "monitor:A"), kind, subject, severity,
                     correlation, body)  # fmt: skip
        log.append(EVENTS, encode(said))

    event(86_000, "leadership", "arbiter:0-1", "info", change="took_over", epoch=2, by="arbiter")
    event(6_500, "session", "futures", "info", change="opened", session="day", by="ingest")
    event(5_000, "checklist", "futures", "info", ok=True, by="ingest")
    event(3_600, "leadership", "arbiter:0-2", "warning", change="took_over", epoch=3, by="arbiter")
    event(900, "finding", "source_silent:CTP-B", "error", change="began", rule="source_silent",
          subject="CTP-B", facts={"age_ms": 8_200}, done="restarted")  # fmt: skip
    at[0] = NOW_NS - 880 * SECOND
    order = Command(1, CORRELATION, at[0], "ops", "source:CTP-B", "restart", {"reason": "silent"},
                    at[0] + 10 * SECOND)  # fmt: skip
    log.append(COMMANDS, encode(order))
    event(879, "source", "CTP-B", "warning", change="replaced", old_pid=4121, new_pid=5310,
          correlation=CORRELATION, by="ingest:CTP-B")  # fmt: skip
    event(877, "command.done", "CTP-B", "info", ok=True, result={"pid": 5310},
          correlation=CORRELATION, by="ingest")  # fmt: skip
    event(870, "finding", "source_silent:CTP-B", "info", change="ended", rule="source_silent",
          subject="CTP-B", facts={}, done="")  # fmt: skip
    event(600, "audit", "source.mute", "info", who="operator", action="source.mute",
          target="CTP-B", result="ok", by="console:A")  # fmt: skip


def _refuse(log: Log, at: list[int]) -> None:
    token = log.take(0, LeadRequest(0, FIRST_ID, 5, b"lead")).token
    dice = random.Random(3)
    clean, rejected, n = [], [], 0
    good = replace(_RAW, symbol="rb2701", exchange="SHFE", source="CTP-A", trading_day="20261120",
                   action_day="20261120", update_time="10:48:30", update_ms=500, last=4000.0,
                   volume=812, limit_up=4010.0, limit_down=3190.0)  # fmt: skip
    for number in range(240):
        at[0] = NOW_NS - (240 - number) * 3 * SECOND
        fine_one = number % 4 == 0
        verdict, reason, source, change = _REFUSED[dice.randrange(len(_REFUSED))]
        tick = replace(good, **change, source=source) if not fine_one else good
        tick = replace(tick, seq=number + 1, recv_ns=at[0])
        place = log.writer_position(0, tick.source)
        log.raw_append(0, writer=tick.source, session=1, first_seq=place.seq + 1, kinds="t",
                       payloads=[encode(tick)])  # fmt: skip
        raw_id = log.entries(RAW, count=1, newest_first=True)[0][0]
        if fine_one:
            n += 1
            head = encode(CleanHeader(1, n, n, 3, at[0]))
            clean.append((clean_id(raw_id, 0), head, b"t", encode(_accepted(tick, at[0]))))
        else:
            told = RejectedHeader(1, raw_id.decode(), Verdict(verdict), reason, source)
            rejected.append((clean_id(raw_id, 0), encode(told), encode(tick)))
    done = Positions(raw=raw_id, clean=clean[-1][0], n=n)
    log.clean_append(0, CleanBatch(token, FIRST_ID, done, clean=clean, rejected=rejected))


def _accepted(tick: RawTick, now_ns: int) -> CleanTick:
    return replace(
        _CLEAN, symbol="rb2701", exchange="SHFE", trading_day=20261120, ts_ns=now_ns,
        recv_ns=now_ns, source=tick.source, flags=0, last=tick.last, volume=tick.volume,
        limit_up=tick.limit_up, limit_down=tick.limit_down,
    )  # fmt: skip
