"""Composition root: arguments and environment in, a running publisher out."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from typing import Final

from mdhub.runtime.errors import ServiceError
from mdhub.runtime.garbage import Garbage
from mdhub.runtime.logging import service_logger
from mdhub.runtime.service import begin, redis_url
from mdhub.streams import open_log
from mdhub.streams.errors import Unusable
from mdhub_publisher.fanout import Fanout, FanoutSettings

__all__ = ["main"]

LOG_TIMEOUT_S: Final = 0.15
"""Heartbeats are due every 200 ms, also while a server that hangs is connected to."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a publisher until SIGTERM.

    Exit codes: 0 stopped, 1 cannot serve here, 2 the server cannot be used at all.
    """
    args = _parser().parse_args(argv)
    url = redis_url()
    stop = begin()
    settings = FanoutSettings(
        publisher_id=args.id, bind=args.bind, port=args.port, shards=args.shards
    )
    logger = service_logger("publisher", args.id)
    connect = partial(
        open_log, url, service="publisher", prefix=args.prefix, timeout_s=LOG_TIMEOUT_S
    )
    try:
        idle = Garbage().idle
        Fanout(settings, connect, logger=logger, idle=idle).run(stop.is_set)
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
    parser.add_argument("--shards", type=int, default=1, help="(default: %(default)s)")
    parser.add_argument("--prefix", default="mdhub:", help="of all keys (default: %(default)s)")
    return parser


def _port(text: str) -> int:
    port = int(text)
    if not 1 <= port <= 65_534:  # noqa: PLR2004 - the one above must exist too
        raise argparse.ArgumentTypeError(f"port was {port}, expected 1 to 65534")
    return port
