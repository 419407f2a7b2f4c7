"""Composition root of the monitor."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from threading import Event
from time import monotonic_ns
from typing import Final

from mdhub.calendar import Calendar
from mdhub.runtime.backoff import Backoff
from mdhub.runtime.log_shipping import shipped
from mdhub.runtime.logging import Logger, service_logger
from mdhub.runtime.metrics import add_metrics_option, serve_metrics
from mdhub.runtime.outage import Outage
from mdhub.runtime.service import begin, redis_url
from mdhub.streams import open_log
from mdhub.streams.errors import StreamsError, TopologyError, Unusable
from mdhub.streams.topology import LOGS
from mdhub.wire.errors import MdhubError
from mdhub_monitor.alerts.runner import Alerting
from mdhub_monitor.alerts.settings import parse_settings
from mdhub_monitor.duty import Duty, Knowledge
from mdhub_monitor.measured import Measured
from mdhub_monitor.rules.services import BEAT_LIMIT_NS

__all__ = ["main"]

MS_NS: Final = 1_000_000
CALENDAR_VARIABLE: Final = "MDHUB_CALENDAR__OVERRIDE"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mdhub run monitor",
        description="Watch sources, contracts and services; write the health report and findings.",
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
    parser.add_argument(
        "--data", type=Path, default=Path("mdhub-data"),
        help="folder of what it has learned, whose disk it watches (default mdhub-data)",
    )  # fmt: skip
    add_metrics_option(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Watch until SIGTERM. Exit codes: 0 stopped, 1 failed, 2 the server cannot be used at all."""
    options = _parser().parse_args(argv)
    stop = begin()
    logger = service_logger("monitor", options.id)
    override = os.environ.get(CALENDAR_VARIABLE)
    try:
        calendar = Calendar.load(Path(override) if override else None)
        settings = parse_settings(os.environ)
    except MdhubError as error:
        logger.error("stopped", reason=str(error))
        return error.exit_code
    known = Knowledge.fresh(calendar, options.silent_ms * MS_NS, options.data, options.id, logger)
    open_own_log = partial(open_log, redis_url(), service="monitor", prefix=options.prefix)
    alerting = Alerting(settings, open_own_log, logger, os.environ)
    with shipped(logger, open_own_log, LOGS):
        alerting.start()
        try:
            return _watch(options, stop, logger, known, alerting)
        finally:
            alerting.stop()


def _watch(
    options: argparse.Namespace, stop: Event, logger: Logger, known: Knowledge, alerting: Alerting
) -> int:
    backoff, outage, used = Backoff(first_s=0.1, ceiling_s=1.0), Outage(logger), False
    measured = Measured(f"monitor:{options.id}")
    serve_metrics(options.metrics, measured.board, logger, measured.samples)
    while not stop.is_set():
        measured.board.round()
        try:
            log = open_log(redis_url(), service="monitor", prefix=options.prefix)
            try:
                log.check_writable()
                used = True
                backoff.reset()
                Duty(
                    log, known, instance_id=options.id, shards=options.shards,
                    data=options.data, logger=logger, outage=outage, alerting=alerting.counters,
                    measured=measured,
                ).run(stop)  # fmt: skip
            finally:
                log.close()
        except StreamsError as error:
            if isinstance(error, TopologyError) or (isinstance(error, Unusable) and not used):
                logger.error("stopped", reason=str(error))
                return error.exit_code
            outage.away(error)
            known.away_since_ns = known.away_since_ns or known.clock.now_ns()
            known.services.excuse(monotonic_ns())
            stop.wait(backoff.next_s())
    return 0
