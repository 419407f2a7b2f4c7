"""Composition root of the arbiter."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event

from mdhub.calendar import BadCalendar, Calendar
from mdhub.market.errors import MarketError
from mdhub.runtime.backoff import Backoff
from mdhub.runtime.garbage import Garbage
from mdhub.runtime.heartbeat import BEAT_EVERY_S
from mdhub.runtime.log_shipping import shipped
from mdhub.runtime.logging import Logger, service_logger
from mdhub.runtime.metrics import Board, add_metrics_option, serve_metrics
from mdhub.runtime.outage import Outage
from mdhub.runtime.service import begin, redis_url
from mdhub.streams import open_log
from mdhub.streams.errors import Fenced, NotReady, StreamsError, Superseded, TopologyError, Unusable
from mdhub.streams.open import check_shards
from mdhub.streams.port import Log
from mdhub.streams.topology import LOGS
from mdhub.wire.entries import ContractRow
from mdhub.wire.topics import shard_of
from mdhub_arbiter.announce import Announcer, Taken
from mdhub_arbiter.beat import Beat, beating
from mdhub_arbiter.candidate import may_be_cut, take_leadership
from mdhub_arbiter.contracts import read_contracts
from mdhub_arbiter.handover import StandBack
from mdhub_arbiter.leader import Leader
from mdhub_arbiter.retention import Retention
from mdhub_arbiter.settings import (
    RULES_VERSION,
    Settings,
    SettingsError,
    Wanted,
    parse_settings,
)
from mdhub_arbiter.standby import Standby
from mdhub_arbiter.state import State
from mdhub_arbiter.vacancy import LOOK_EVERY_S, TAKEOVER_S

__all__ = ["main"]

EXAMPLE = """Exit codes: 0 stopped, 1 failed, 2 wrong options, or the server, the log's shards or
rules, the contract table or the calendar cannot be used and waiting does not help.

Example: MDHUB_REDIS_URL=redis://127.0.0.1:6379 mdhub run arbiter --contracts contracts.csv
"""


class WrongRules(Unusable):
    """The log is decided by rules that this version does not know."""

    def __init__(self, message: str) -> None:
        super().__init__("rules", message)


@dataclass(frozen=True, slots=True)
class _Life:
    """One arbiter process, over all its connections to the server."""

    options: argparse.Namespace
    stop: Event
    logger: Logger
    outage: Outage
    board: Board
    used: Event
    """Set once the log proved to be usable: from then on it is waited for."""
    back: StandBack

    @property
    def instance(self) -> str:
        return f"arbiter:{self.options.id}"

    def announcer(self, log: Log) -> Announcer:
        shard: int = self.options.shard
        return Announcer(log, self.logger, instance=self.instance, shard=shard, board=self.board)

    def well(self) -> None:
        """The log is there and can be used."""
        self.used.set()
        self.outage.back()


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
        choices=["single", "fast", "replicated", "cluster"],
        default="single",
        help="durability of the server: single = nothing acknowledged is ever lost (checked); "
        "replicated, cluster = publishers wait for replicas, a failover opens a new epoch",
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
    add_metrics_option(parser)
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
    board = Board(f"arbiter:{options.id}")
    life = _Life(options, stop, logger, Outage(logger), board, used=Event(), back=StandBack())
    serve_metrics(options.metrics, board, logger)
    connect = partial(open_log, redis_url(), service="arbiter", prefix=options.prefix)
    with shipped(logger, connect, LOGS):
        return _live(life)


def _live(life: _Life) -> int:
    """Serve over all connections, until stopped. Returns the exit code."""
    stop, backoff = life.stop, Backoff(first_s=0.02, ceiling_s=0.2)
    while not stop.is_set():
        life.board.round()
        started_s = time.monotonic()
        try:
            _serve_once(life)
        except StreamsError as error:
            if isinstance(error, TopologyError) or (
                isinstance(error, Unusable) and not life.used.is_set()
            ):
                life.logger.error("stopped", reason=str(error))
                return error.exit_code
            # Forget everything; the next turn recovers from the log.
            life.outage.away(error)
            if time.monotonic() - started_s > 1.0 or isinstance(error, Fenced | Superseded):
                backoff.reset()
            stop.wait(backoff.next_s())
    return 0


def _serve_once(life: _Life) -> None:
    """Stand by and lead until something is wrong."""
    options = life.options
    open_own = partial(open_log, redis_url(), service="arbiter", prefix=options.prefix)
    log = open_own()
    try:
        _check_writable(log, options.shard)
        check_shards(log, _shards(log, options))
        _serve(log, life, open_own)
    finally:
        log.close()


def _check_writable(log: Log, shard: int) -> None:
    """Make room on a server that is full of what need not be kept any more. Raises NotReady."""
    try:
        log.check_writable()
    except NotReady as error:
        if error.state == "oom":
            # Nobody leads while nothing can be written; whoever comes first may trim.
            token = log.leadership(shard).token
            Retention(log, shard=shard, token=token).make_room()
            log.check_writable()
        else:
            raise


def _shards(log: Log, options: argparse.Namespace) -> int:
    """Number of shards that this arbiter was started for."""
    given: int | None = options.shards
    shards = log.claim_shards(1) if given is None else given
    shard: int = options.shard
    return max(shards, shard + 1)


def _serve(log: Log, life: _Life, open_beat: Callable[[], Log]) -> None:
    taken = _stand_by(log, life)
    if taken is None:
        return
    beat = Beat(open_beat, shard=life.options.shard, token=taken.leadership.token)
    with beating(beat):
        handed_over = _lead(log, life, taken, beat)
    if handed_over:
        life.logger.info("handed_over", shard=life.options.shard, token=taken.leadership.token)
        life.back.begin(taken.leadership.token)


def _stand_by(log: Log, life: _Life) -> Taken | None:
    """Follow the leader until this arbiter is the leader; None if asked to stop first."""
    options, announcer = life.options, life.announcer(log)
    standby = Standby(
        log,
        shard=options.shard,
        takeover_s=options.takeover_ms / 1000,
        on_mismatch=announcer.mismatch,
    )
    due_s = 0.0
    try:
        while not life.stop.is_set():
            life.board.round()
            vacant = standby.step() and not life.back.holds(standby.seen.token)
            if vacant and (taken := _take(log, options, standby)):
                return taken
            _check_rules(standby.state)
            if standby.seen.token and time.monotonic() >= due_s:
                due_s = time.monotonic() + BEAT_EVERY_S
                _show_life(announcer, standby, life)
            options.idle()
            life.stop.wait(LOOK_EVERY_S)
        announcer.ended()
    finally:
        standby.close()
    return None


def _show_life(announcer: Announcer, standby: Standby, life: _Life) -> None:
    """A server that refuses writes is read on all the same."""
    try:
        announcer.standing_by(standby, life.outage.counters())
    except NotReady as error:
        life.outage.away(error)
    else:
        life.well()


def _check_rules(state: State) -> None:
    if state.policy.rules > RULES_VERSION:
        raise WrongRules(
            f"the log is decided by version {state.policy.rules} of the rules, this "
            f"mdhub knows {RULES_VERSION}: upgrade it on this host"
        )


def _take(log: Log, options: argparse.Namespace, standby: Standby) -> Taken | None:
    """Try to become the leader; None if another arbiter was faster."""
    _check_rules(standby.state)
    recovered, seen = standby.candidate(), standby.seen
    durable = options.profile != "fast" and log.durable()
    wall_ns = max(time.time_ns(), recovered.state.log_ns + 1)
    leadership = take_leadership(
        log,
        options.shard,
        seen=seen,
        at=recovered.at,
        wall_ns=wall_ns,
        cut=may_be_cut(log, options.shard, seen=seen, agrees=recovered.agrees, durable=durable),
    )
    if leadership is None:
        return None
    return Taken(leadership, recovered, wall_ns, durable=durable)


def _lead(log: Log, life: _Life, taken: Taken, beat: Beat) -> bool:
    """Lead until stopped; True if a command has handed the shard over."""
    life.well()
    options = life.options
    broken_promise = options.profile == "single" and not taken.durable
    life.announcer(log).leading(taken, options.calendar.digest, broken_promise=broken_promise)
    leader = Leader(
        log,
        shard=options.shard,
        instance=life.instance,
        leadership=taken.leadership,
        recovered=taken.recovered,
        since_ns=taken.wall_ns,
        wanted=Wanted(options.rules, _of_shard(options, log.shards() or 1), options.calendar),
        outages=lambda: life.outage.counters() | beat.counters(),
        idle=options.idle,
        each_round=beat.round,
        told=life.announcer(log).answered,
        board=life.board,
    )
    return leader.run(life.stop)


def _of_shard(options: argparse.Namespace, shards: int) -> list[ContractRow]:
    rows: list[ContractRow] = options.contracts
    return [row for row in rows if shard_of(row.symbol, shards) == options.shard]
