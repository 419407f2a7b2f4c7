"""Composition root of ingest: the supervisor of one child process per source."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime
from functools import partial
from pathlib import Path
from signal import Signals
from threading import Event
from typing import Any, Final
from uuid import uuid4

from mdhub.accounts.places import URL_VARIABLE
from mdhub.market.days import trading_day_at
from mdhub.runtime.keeper import ChildState
from mdhub.runtime.log_shipping import shipped
from mdhub.runtime.logging import Logger, service_logger
from mdhub.runtime.metrics import Board, add_metrics_option, serve_metrics
from mdhub.runtime.service import begin, redis_url
from mdhub.streams import open_log
from mdhub.streams.errors import ServerError, UnknownOutcome, Unusable
from mdhub.streams.open import check_shards
from mdhub.streams.topology import LOGS
from mdhub.wire.errors import MdhubError
from mdhub_ingest.accounts.assembly import account_desk
from mdhub_ingest.accounts.settings import AccountSettings, taken_settings
from mdhub_ingest.fleet import Fleet, HubOptions
from mdhub_ingest.gateways.port import STOPPED
from mdhub_ingest.measured import SUPERVISING, children_counts
from mdhub_ingest.rivals import find_rival, refuse
from mdhub_ingest.schedule.desk import Desk, Plan
from mdhub_ingest.schedule.settings import parse_settings
from mdhub_ingest.sources.port import SourceError
from mdhub_ingest.spec import SourceSpec, on_day, parse_spec

__all__ = ["main"]

CONVERGE_S: Final = 0.05
REFUSED: Final = 3
EXAMPLE: Final = """exit codes: 0 stopped, 2 a source is wrongly described
example:
  MDHUB_REDIS_URL=redis://127.0.0.1:6379 mdhub run ingest \\
      --source '{"name": "A", "sim": {"seed": 7}, "misbehave": "lose=0.01"}' \\
      --source '{"name": "B", "sim": {"seed": 7}, "misbehave": "lag_ms=5-30"}'
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mdhub run ingest",
        description="Run sources, each in a process of its own, and keep them running.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--source", action="append", default=[], metavar="JSON", help="a source; repeatable"
    )
    parser.add_argument(
        "--only", action="append", metavar="NAME",
        help="of the sources described, supervise this one; repeatable (default: all); empty: none",
    )  # fmt: skip
    parser.add_argument(
        "--accounts-part", default="1/1", metavar="I/N",
        help=f"of the accounts of the store ({URL_VARIABLE}), supervise those of the I-th of N "
        "supervisors (default 1/1: all)",
    )  # fmt: skip
    parser.add_argument(
        "--prefer-by-priority", action="store_true",
        help="make the accounts' priorities the hub's order of preference",
    )  # fmt: skip
    parser.add_argument(
        "--id", default="",
        help="name of this supervisor; keep it over restarts (default: its first source)",
    )  # fmt: skip
    parser.add_argument(
        "--schedule", default="", metavar="JSON",
        help="groups, checklist and archive, as under [schedule] of the configuration",
    )  # fmt: skip
    add_metrics_option(parser)
    add_metrics_option(parser, "--metrics-sources")
    parser.add_argument("--prefix", default="mdhub:", help="key prefix of the hub")
    parser.add_argument("--shards", type=int, default=1, help="number of shards (default 1)")
    parser.add_argument(
        "--run", default=uuid4().hex, help="names this start of the hub; market time begins anew"
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=Path("mdhub-data"),
        help="folder of what gateways keep (default mdhub-data)",
    )
    parser.add_argument(
        "--today",
        type=_day,
        default=trading_day_at(time.time_ns()),
        metavar="YYYYMMDD",
        help="trading day that `today` means for recordings (default: that of the clock)",
    )
    return parser


def _day(text: str) -> date:
    return datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007


def main(argv: Sequence[str] | None = None) -> int:
    """Supervise sources until SIGTERM.

    Exit codes: 0 stopped, 2 a source is wrongly described or the server cannot be used at all,
    3 a source of the same name runs elsewhere.
    """
    options = _parser().parse_args(argv)
    stop = begin()
    logger = service_logger("ingest", "supervisor")
    try:
        specs = [on_day(parse_spec(text), options.today) for text in options.source]
        own = _own(specs, options.only)
        plan = Plan(specs, parse_settings(options.schedule))
        accounts = taken_settings(
            os.environ, part=options.accounts_part, prefer=options.prefer_by_priority
        )
        _check_some(specs, accounts)
    except MdhubError as error:
        logger.error("bad_source", reason=str(error))
        return 2
    connect = partial(open_log, redis_url(), service="ingest", prefix=options.prefix)
    with shipped(logger, connect, LOGS):
        return _live(own, plan, accounts, options, stop, logger)


def _check_some(specs: Sequence[SourceSpec], accounts: AccountSettings | None) -> None:
    if not specs and accounts is None:
        raise SourceError(
            f"nothing to supervise: expected --source, or accounts ({URL_VARIABLE} names no store)"
        )


def _live(
    own: Sequence[SourceSpec],
    plan: Plan,
    accounts: AccountSettings | None,
    options: argparse.Namespace,
    stop: Event,
    logger: Logger,
) -> int:
    """Supervise until stopped, if this server lets these sources run. Returns the exit code."""
    try:
        refusal = _check_server(options, [spec.name for spec in own], stop)
    except Unusable as error:
        logger.error("stopped", reason=str(error))
        return error.exit_code
    if refusal:
        logger.error("refused", reason=refusal)
        return REFUSED
    _supervise(own, plan, accounts, options, stop, logger)
    return 0


def _own(specs: Sequence[SourceSpec], only: Sequence[str] | None) -> list[SourceSpec]:
    """Sources this supervisor runs. Raises SourceError if one of `only` is not described."""
    unknown = sorted(set(only or ()) - {spec.name for spec in specs} - {""})
    if unknown:
        known = ", ".join(spec.name for spec in specs)
        raise SourceError(f"--only named {', '.join(unknown)}, the sources described are {known}")
    return [spec for spec in specs if only is None or spec.name in only]


def _check_server(options: argparse.Namespace, sources: Sequence[str], stop: Event) -> str:
    """Why these sources must not run, empty if they may.

    Raises Unusable if no child could ever write; what may heal is left to the children.
    """
    with suppress(ServerError, UnknownOutcome):
        log = open_log(redis_url(), service="ingest", prefix=options.prefix)
        try:
            check_shards(log, options.shards)
            log.check_writable()
            rival = find_rival(log, sources, stop)
            if rival is not None:
                return refuse(log, *rival)
        finally:
            log.close()
    return ""


def _supervise(
    own: Sequence[SourceSpec],
    plan: Plan,
    accounts: AccountSettings | None,
    options: argparse.Namespace,
    stop: Event,
    logger: Logger,
) -> None:
    hub = _hub(options, accounts)
    fleet = Fleet(own, plan.specs, hub, on_exit=partial(_report, logger))
    name = options.id or (own[0].name if own else f"accounts-{hub.part + 1}")
    connect = partial(open_log, redis_url(), service="ingest", prefix=options.prefix)
    desk = Desk(
        fleet, plan, name=name, run=options.run, data=options.data, connect=connect, logger=logger
    )
    store = account_desk(fleet, desk, plan, accounts, connect, logger) if accounts else None
    desk.begin()
    board = Board(f"supervisor:{name}")
    metrics = serve_metrics(options.metrics, board, logger)
    try:
        while not stop.is_set():
            if store is not None:
                store.turn()
            desk.turn()
            fleet.keeper.converge()
            board.round()
            board.say(SUPERVISING, children_counts(fleet.keeper.children))
            stop.wait(CONVERGE_S)
    finally:
        metrics.close()
        if store is not None:
            store.close()
        fleet.keeper.stop()
        desk.close()


def _hub(options: argparse.Namespace, accounts: AccountSettings | None) -> HubOptions:
    part, parts = (0, 1) if accounts is None else (accounts.part, accounts.parts)
    return HubOptions(
        options.prefix, options.shards, options.run, options.data, options.metrics_sources,
        part, parts,
    )  # fmt: skip


def _report(logger: Logger, state: ChildState) -> None:
    if state.finished:
        logger.info("source_finished", source=state.spec.name)
        return
    say = logger.error if state.quarantined else logger.warning
    say(
        "source_quarantined" if state.quarantined else "source_died",
        source=state.spec.name,
        exit_code=state.last_exit,
        starts=state.starts,
        hung=state.died_hung,
        **_meaning(state),
    )


def _meaning(state: ChildState) -> dict[str, Any]:
    """What the end of a process means, for those who read the supervisor's lines."""
    code = state.last_exit
    facts: dict[str, Any] = {}
    if code is not None and code < 0:
        facts["signal"] = _signal_name(-code)
        facts["times"] = state.ends[code]
    if code == STOPPED and state.quarantined:
        facts["means"] = "stopped for good: see the reason in its own last lines, then restart"
    elif state.quarantined:
        facts["means"] = (
            "it failed too often: it stays down until its restart by command or its next session"
        )
    return facts


def _signal_name(number: int) -> str:
    """Return such as SIGSEGV."""
    try:
        return Signals(number).name
    except ValueError:
        return f"signal {number}"
