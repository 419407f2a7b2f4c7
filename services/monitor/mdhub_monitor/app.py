"""Composition root of the monitor."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from threading import Event
from typing import Any, Final
from uuid import uuid4

from mdhub.runtime.backoff import Backoff
from mdhub.runtime.heartbeat import ENDED, beat_payload
from mdhub.runtime.logging import Logger, service_logger
from mdhub.runtime.outage import Outage
from mdhub.runtime.service import begin, redis_url
from mdhub.streams import open_log
from mdhub.streams.errors import StreamsError, TopologyError, Unusable
from mdhub.streams.port import FIRST_ID, Log
from mdhub.streams.topology import EVENTS, RAW
from mdhub.wire.codec import encode
from mdhub.wire.ops import Event as OpsEvent
from mdhub.wire.ops import EventKind, Severity
from mdhub.wire.ticks import SCHEMA_VERSION
from mdhub_monitor.probes import read_beats, read_sources
from mdhub_monitor.rules import BEAT_LIMIT_NS, BeatFact, Finding, ServiceWatch, SourceRates

__all__ = ["main"]

REPORT_EVERY_S: Final = 1.0
MS_NS: Final = 1_000_000
_BLOCK_MS: Final = 200


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mdhub run monitor",
        description="Watch services and sources; write heartbeats and rates into events.",
        epilog="exit codes: 0 stopped, 1 cannot work with this server; "
        "example: MDHUB_REDIS_URL=redis://127.0.0.1:6379 mdhub run monitor",
    )
    parser.add_argument("--id", default="A", help="name of this instance (default A)")
    parser.add_argument("--prefix", default="mdhub:", help="key prefix of the hub")
    parser.add_argument("--shards", type=int, default=1, help="number of shards (default 1)")
    parser.add_argument(
        "--silent-ms",
        type=int,
        default=BEAT_LIMIT_NS // MS_NS,
        help="a service whose heartbeat is older is down (default %(default)s)",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Watch until SIGTERM. Exit codes: 0 stopped, 1 failed, 2 the server cannot be used at all."""
    options = _parser().parse_args(argv)
    stop = begin()
    logger = service_logger("monitor", options.id)
    watch, backoff = ServiceWatch(options.silent_ms * MS_NS), Backoff(first_s=0.1, ceiling_s=1.0)
    outage, used = Outage(logger), False
    while not stop.is_set():
        try:
            log = open_log(redis_url(), service="monitor", prefix=options.prefix)
            try:
                log.check_writable()
                used = True
                backoff.reset()
                report = partial(_report, log, options.id, watch, logger, outage)
                _watch(log, options, stop, report)
            finally:
                log.close()
        except StreamsError as error:
            if isinstance(error, TopologyError) or (isinstance(error, Unusable) and not used):
                logger.error("stopped", reason=str(error))
                return error.exit_code
            outage.away(error)
            watch.excuse(time.time_ns())
            stop.wait(backoff.next_s())
    return 0


def _watch(
    log: Log, options: argparse.Namespace, stop: Event, report: Callable[[SourceRates], None]
) -> None:
    newest = [log.entries(RAW, shard=x, count=1, newest_first=True) for x in range(options.shards)]
    tails = [
        log.tail(RAW, shard=x, after=entries[0][0] if entries else FIRST_ID)
        for x, entries in enumerate(newest)
    ]
    rates = SourceRates()
    due_s = 0.0
    try:
        while not stop.is_set():
            for tail in tails:
                read_sources(tail, rates, block_ms=_BLOCK_MS // len(tails))
            if time.monotonic() >= due_s:
                due_s = time.monotonic() + REPORT_EVERY_S
                report(rates)
                for shard, tail in enumerate(tails):
                    log.set_cursor(shard, RAW, reader=f"monitor:{options.id}", cursor=tail.cursor)
        instance = f"monitor:{options.id}"
        log.beat(instance, beat_payload("monitor", instance, ENDED, {}))
    finally:
        for tail in tails:
            tail.close()


def _report(
    log: Log,
    instance_id: str,
    watch: ServiceWatch,
    logger: Logger,
    outage: Outage,
    rates: SourceRates,
) -> None:
    now_ns = time.time_ns()
    beats = read_beats(log)
    for finding in watch.look(beats, now_ns):
        logger.info("service", subject=finding.subject, change=finding.change)
        log.append(EVENTS, _service_event(finding, now_ns))
    for instance, beat in beats.items():
        log.append(EVENTS, _event(EventKind.HEARTBEAT, instance, _beat_body(beat), now_ns))
    for source, rate in rates.take(time.monotonic_ns()).items():
        body = {"ticks_per_s": round(rate, 1)}
        log.append(EVENTS, _event(EventKind.SOURCE_RATE, source, body, now_ns))
    instance = f"monitor:{instance_id}"
    log.beat(instance, beat_payload("monitor", instance, "watching", outage.counters()))
    outage.back()


def _service_event(finding: Finding, now_ns: int) -> bytes:
    severity = Severity.ERROR if finding.change == "down" else Severity.INFO
    body = {"change": finding.change, **finding.detail}
    return _event(EventKind.SERVICE, finding.subject, body, now_ns, severity=severity)


def _beat_body(beat: BeatFact) -> dict[str, Any]:
    return {
        "service": beat.service,
        "pid": beat.pid,
        "state": beat.state,
        "ts_ns": beat.ts_ns,
        "counters": dict(beat.counters),
    }


def _event(
    kind: str, subject: str, body: Mapping[str, Any], now_ns: int, *, severity: str = Severity.INFO
) -> bytes:
    return encode(
        OpsEvent(
            SCHEMA_VERSION, uuid4().hex, now_ns, "monitor", kind, subject, severity, "", dict(body)
        )
    )
