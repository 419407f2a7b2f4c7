"""Composition root of the arbiter."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from pathlib import Path
from threading import Event
from typing import Any
from uuid import uuid4

from mdhub.calendar import BadCalendar, Calendar
from mdhub.market.errors import MarketError
from mdhub.runtime.backoff import Backoff
from mdhub.runtime.garbage import Garbage
from mdhub.runtime.logging import Logger, service_logger
from mdhub.runtime.outage import Outage
from mdhub.runtime.service import begin, redis_url
from mdhub.streams import open_log
from mdhub.streams.errors import Fenced, StreamsError, Superseded, TopologyError, Unusable
from mdhub.streams.open import check_shards
from mdhub.streams.port import Leadership, Log
from mdhub.streams.topology import EVENTS
from mdhub.wire.codec import encode
from mdhub.wire.entries import ContractRow
from mdhub.wire.ops import Event as OpsEvent
from mdhub.wire.ops import EventKind, Severity
from mdhub.wire.ticks import SCHEMA_VERSION
from mdhub.wire.topics import shard_of
from mdhub_arbiter.candidate import TAKEOVER_S, may_be_cut, take_leadership, wait_for_vacancy
from mdhub_arbiter.contracts import read_contracts
from mdhub_arbiter.leader import Leader
from mdhub_arbiter.recovery import Recovered, recover
from mdhub_arbiter.settings import (
    RULES_VERSION,
    Settings,
    SettingsError,
    Wanted,
    parse_settings,
)

__all__ = ["main"]

EXAMPLE = """Exit codes: 0 stopped, 1 failed, 2 wrong options, or the server, the log's shards or
rules, the contract table or the calendar cannot be used and waiting does not help.

Example: MDHUB_REDIS_URL=redis://127.0.0.1:6379 mdhub run arbiter --contracts contracts.csv
"""
NOT_DURABLE = (
    "profile single was asked for, but the server does not say appendonly yes and appendfsync "
    "always: after a restart of it ticks may be withdrawn, in a new epoch; configure the server so "
    "(and allow CONFIG GET), or choose --profile fast"
)


class WrongRules(Unusable):
    """The log is decided by rules that this version does not know."""

    def __init__(self, message: str) -> None:
        super().__init__("rules", message)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mdhub run arbiter",
        description="Decide which raw ticks are true and new; write the clean log.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--shard", type=int, default=0, help="shard to decide (default 0)")
    parser.add_argument("--shards", type=int, help="number of shards (default: as the log has)")
    parser.add_argument("--id", default="A", help="name of this instance (default A)")
    parser.add_argument("--prefix", default="mdhub:", help="key prefix of the hub")
    parser.add_argument(
        "--profile",
        choices=["single", "fast"],
        default="single",
        help="durability of the server: single = nothing acknowledged is ever lost (checked)",
    )
    parser.add_argument(
        "--takeover-ms",
        type=int,
        default=os.environ.get("MDHUB_ARBITER__TAKEOVER_MS", str(int(TAKEOVER_S * 1000))),
        help="a leader whose beat stands still for so long is replaced (default %(default)s)",
    )
    parser.add_argument(
        "--rules",
        type=_settings,
        default=os.environ.get("MDHUB_ARBITER__RULES", "{}"),
        help='settings of the rules as JSON, such as {"modes": {"SHFE": "priority"}}',
    )
    parser.add_argument(
        "--contracts",
        type=_contracts,
        default=os.environ.get("MDHUB_ARBITER__CONTRACTS", ""),
        help="contract table, CSV with CTP columns (default: what the hub learned before)",
    )
    parser.add_argument(
        "--calendar",
        type=_calendar,
        default=os.environ.get("MDHUB_CALENDAR__OVERRIDE", ""),
        help="override file on top of mdhub's trading calendar (see mdhub calendar --help)",
    )
    parser.set_defaults(idle=bool)
    return parser


def _settings(text: str) -> Settings:
    try:
        return parse_settings(text)
    except SettingsError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _contracts(text: str) -> list[ContractRow]:
    try:
        return read_contracts(Path(text)) if text else []
    except (MarketError, OSError) as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _calendar(text: str) -> Calendar:
    try:
        return Calendar.load(Path(text) if text else None)
    except BadCalendar as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def main(argv: Sequence[str] | None = None) -> int:
    """Run an arbiter until SIGTERM.

    Exit codes: 0 stopped, 1 failed, 2 the server cannot be used and waiting does not help, or it
    has other shards or newer rules, or the contract table or the calendar's override file cannot
    be read.
    """
    options = _parser().parse_args(argv)
    stop = begin()
    logger = service_logger("arbiter", options.id)
    options.idle = Garbage().idle
    backoff = Backoff(first_s=0.02, ceiling_s=0.5)
    outage, used = Outage(logger), Event()
    while not stop.is_set():
        started_s = time.monotonic()
        try:
            _lead_once(options, stop, logger, outage, used)
        except StreamsError as error:
            if isinstance(error, TopologyError) or (
                isinstance(error, Unusable) and not used.is_set()
            ):
                logger.error("stopped", reason=str(error))
                return error.exit_code
            # Forget everything; the next turn recovers from the log.
            outage.away(error)
            if time.monotonic() - started_s > 1.0 or isinstance(error, Fenced | Superseded):
                backoff.reset()
            stop.wait(backoff.next_s())
    return 0


def _lead_once(
    options: argparse.Namespace, stop: Event, logger: Logger, outage: Outage, used: Event
) -> None:
    """Lead until something is wrong; `used` is set once this process has led."""
    log = open_log(redis_url(), service="arbiter", prefix=options.prefix)
    try:
        check_shards(log, _shards(log, options))
        log.check_writable()
        _lead(log, options, stop, logger, outage, used=used)
    finally:
        log.close()


def _shards(log: Log, options: argparse.Namespace) -> int:
    """Number of shards that this arbiter was started for."""
    given: int | None = options.shards
    shards = log.claim_shards(1) if given is None else given
    shard: int = options.shard
    return max(shards, shard + 1)


def _lead(
    log: Log,
    options: argparse.Namespace,
    stop: Event,
    logger: Logger,
    outage: Outage,
    *,
    used: Event,
) -> None:
    seen = wait_for_vacancy(log, options.shard, stop, takeover_s=options.takeover_ms / 1000)
    if seen is None:
        return
    recovered = recover(log, options.shard)
    if recovered.state.policy.rules > RULES_VERSION:
        raise WrongRules(
            f"the log is decided by version {recovered.state.policy.rules} of the rules, this "
            f"mdhub knows {RULES_VERSION}: upgrade it on this host"
        )
    durable = options.profile == "single" and log.durable()
    wall_ns = time.time_ns()
    leadership = take_leadership(
        log,
        options.shard,
        seen=seen,
        at=recovered.at,
        wall_ns=wall_ns,
        cut=may_be_cut(log, seen, agrees=recovered.agrees, durable=durable),
    )
    if leadership is None:
        return
    used.set()
    outage.back()
    _say_leading(logger, options, leadership, recovered)
    broken_promise = options.profile == "single" and not durable
    if broken_promise:
        logger.error("not_durable", reason=NOT_DURABLE)
    log.append(
        EVENTS, _leadership_event(options, leadership, recovered, broken_promise=broken_promise)
    )
    leader = Leader(
        log,
        shard=options.shard,
        instance=f"arbiter:{options.id}",
        leadership=leadership,
        recovered=recovered,
        since_ns=wall_ns,
        wanted=Wanted(options.rules, _of_shard(options, log.shards() or 1), options.calendar),
        outages=outage.counters,
        idle=options.idle,
    )
    leader.run(stop)


def _of_shard(options: argparse.Namespace, shards: int) -> list[ContractRow]:
    rows: list[ContractRow] = options.contracts
    return [row for row in rows if shard_of(row.symbol, shards) == options.shard]


def _say_leading(
    logger: Logger, options: argparse.Namespace, leadership: Leadership, recovered: Recovered
) -> None:
    logger.info(
        "leading",
        shard=options.shard,
        token=leadership.token,
        epoch=leadership.epoch,
        n=recovered.at.n,
        snapshot=recovered.from_snapshot.decode(),
        folded=recovered.folded,
        agrees=recovered.agrees,
        calendar=options.calendar.digest,
    )
    if recovered.damaged:
        logger.error("damaged_snapshots", snapshots=b" ".join(recovered.damaged).decode())


def _leadership_event(
    options: argparse.Namespace,
    leadership: Leadership,
    recovered: Recovered,
    *,
    broken_promise: bool,
) -> bytes:
    """A take-over is an event; what does not agree or hold is somebody's business now."""
    well = recovered.agrees and not broken_promise and not recovered.damaged
    severity = Severity.INFO if well else Severity.ERROR
    body: dict[str, Any] = {
        "shard": options.shard,
        "token": leadership.token,
        "epoch": leadership.epoch,
        "incarnation": leadership.incarnation,
        "n": recovered.at.n,
        "snapshot": recovered.from_snapshot.decode(),
        "folded": recovered.folded,
        "agrees": recovered.agrees,
    }
    if recovered.damaged:
        body["damaged_snapshots"] = [raw.decode() for raw in recovered.damaged]
    if broken_promise:
        body["not_durable"] = NOT_DURABLE
    return encode(
        OpsEvent(
            SCHEMA_VERSION,
            uuid4().hex,
            time.time_ns(),
            "arbiter",
            EventKind.LEADERSHIP,
            f"arbiter:{options.id}",
            severity,
            "",
            body,
        )
    )
