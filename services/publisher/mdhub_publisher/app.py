"""Composition root: arguments and environment in, a running publisher out."""

from __future__ import annotations

import argparse
import ipaddress
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from threading import Event
from typing import Final

from mdhub.metrics.sample import Sample
from mdhub.runtime.errors import ServiceError
from mdhub.runtime.garbage import Garbage
from mdhub.runtime.log_shipping import shipped
from mdhub.runtime.logging import Logger, service_logger
from mdhub.runtime.metrics import add_metrics_option, serve_metrics
from mdhub.runtime.ports import connections
from mdhub.runtime.service import begin, redis_url
from mdhub.streams import open_log
from mdhub.streams.errors import Unusable
from mdhub.streams.port import Log
from mdhub.streams.topology import LOGS
from mdhub_publisher.access import CurveFiles
from mdhub_publisher.fanout import Fanout, FanoutSettings

__all__ = ["main"]

LOG_TIMEOUT_S: Final = 0.15
"""Heartbeats are due every 200 ms, also while a server that hangs is connected to."""
_OPEN: Final = (
    "whoever reaches these ports can follow the market data, unencrypted: close them to others, or "
    "serve with --curve-key and --curve-clients (mdhub keys, docs/curve.md)"
)

CONFIRMED: Final = ("replicated", "cluster")
"""Profiles in which only what a replica has is published."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a publisher until SIGTERM.

    Exit codes: 0 stopped, 1 cannot serve here, 2 the server cannot be used at all.
    """
    parser = _parser()
    args = parser.parse_args(argv)
    if (args.curve_key is None) != (args.curve_clients is None):
        parser.error("--curve-key and --curve-clients go together")
    url = redis_url()
    stop = begin()
    curve = CurveFiles(args.curve_key, args.curve_clients) if args.curve_key else None
    settings = FanoutSettings(
        publisher_id=args.id, bind=args.bind, port=args.port, shards=args.shards, curve=curve,
        confirmed=args.profile in CONFIRMED,
    )  # fmt: skip
    logger = service_logger("publisher", args.id)
    connect = partial(open_log, url, service="publisher", prefix=args.prefix)
    with shipped(logger, connect, LOGS):
        if curve is None and not _only_this_host(args.bind):
            logger.warning("serves_without_keys", bind=args.bind, port=args.port, means=_OPEN)
        return _serve(settings, partial(connect, timeout_s=LOG_TIMEOUT_S), stop, logger, args)


def _serve(
    settings: FanoutSettings,
    connect: Callable[[], Log],
    stop: Event,
    logger: Logger,
    args: argparse.Namespace,
) -> int:
    try:
        fanout = Fanout(settings, connect, logger=logger, idle=Garbage().idle)
        more = partial(_measured, fanout, args.port)
        metrics = serve_metrics(args.metrics, fanout.board, logger, more)
        try:
            fanout.run(stop.is_set)
        finally:
            metrics.close()
    except ServiceError as error:
        logger.error("cannot_serve", reason=str(error))
        return 1
    except Unusable as error:
        logger.error("stopped", reason=str(error))
        return error.exit_code
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mdhub run publisher",
        description="Serve the clean stream over ZeroMQ. The server address is read from "
        "MDHUB_REDIS_URL.",
        epilog="exit codes: 0 stopped, 1 cannot serve here or work with this server; "
        "example: MDHUB_REDIS_URL=redis://127.0.0.1 mdhub run publisher --id B --port 5565",
    )
    parser.add_argument("--id", default="A", help="name of this publisher (default: %(default)s)")
    parser.add_argument("--bind", default="127.0.0.1", help="address (default: %(default)s)")
    parser.add_argument(
        "--port", type=_port, default=5555,
        help="live messages; requests are served one above (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--curve-key", type=Path, metavar="FILE",
        help="serve with keys: file with the server's pair, made by `mdhub keys server`",
    )  # fmt: skip
    parser.add_argument(
        "--curve-clients", type=Path, metavar="FOLDER",
        help="folder with the public keys of the clients that may connect; read again on change",
    )  # fmt: skip
    parser.add_argument("--shards", type=int, default=1, help="(default: %(default)s)")
    parser.add_argument(
        "--profile", choices=["single", "fast", *CONFIRMED], default="single",
        help="durability of the server; replicated and cluster: publish only what a replica has "
        "confirmed (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--prefix", default="mdhub:", help="of all keys (default: %(default)s)")
    add_metrics_option(parser)
    return parser


def _measured(fanout: Fanout, port: int) -> Iterator[Sample]:
    """What is worth measuring only when somebody asks."""
    yield from fanout.hops.samples()
    clients = connections(port)
    if clients is not None:
        yield Sample("mdhub_publisher_clients", (fanout.board.member,), clients)


def _only_this_host(bind: str) -> bool:
    if bind == "localhost":
        return True
    try:
        return ipaddress.ip_address(bind.strip("[]")).is_loopback
    except ValueError:  # *, the name of an interface or of a host
        return False


def _port(text: str) -> int:
    port = int(text)
    if not 1 <= port <= 65_534:  # noqa: PLR2004 - the one above must exist too
        raise argparse.ArgumentTypeError(f"port was {port}, expected 1 to 65534")
    return port
