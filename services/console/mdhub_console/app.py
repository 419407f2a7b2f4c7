"""Composition root of the console."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from threading import Event

from mdhub.runtime.log_shipping import shipped
from mdhub.runtime.logging import Logger, service_logger
from mdhub.runtime.metrics import Board, serve_metrics
from mdhub.runtime.service import begin, redis_url
from mdhub.streams import open_log
from mdhub.streams.port import Log
from mdhub.streams.topology import LOGS
from mdhub.wire.errors import MdhubError
from mdhub_console.identity.service import Identity
from mdhub_console.options import DATABASE_VARIABLE, parser, settings_of
from mdhub_console.settings import ConsoleSettings, SettingsError, check_settings

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM. Exit codes: 0 stopped, 1 failed, 2 will not run like this."""
    options = parser().parse_args(argv)
    settings = settings_of(options)
    if options.setup_link:
        return _print_link(settings)
    stop = begin()
    logger = service_logger("console", settings.id)
    try:
        check_settings(settings)
        connect = partial(open_log, redis_url(), service="console", prefix=settings.prefix)
        with shipped(logger, connect, LOGS):
            return _serve(settings, options, connect, stop, logger)
    except MdhubError as error:
        logger.error("stopped", reason=error.sentence)
        return error.exit_code


def _serve(
    settings: ConsoleSettings,
    options: argparse.Namespace,
    connect: partial[Log],
    stop: Event,
    logger: Logger,
) -> int:
    # 0.8 s that `--help` and `--setup-link` need not wait for.
    from mdhub_console.factory import make_app  # noqa: PLC0415
    from mdhub_console.herald import Herald  # noqa: PLC0415
    from mdhub_console.identity.store.database import Database, file_url  # noqa: PLC0415
    from mdhub_console.live.service import Live  # noqa: PLC0415
    from mdhub_console.parts import Parts  # noqa: PLC0415
    from mdhub_console.server.listening import Listener  # noqa: PLC0415
    from mdhub_console.server.logs import LogPool  # noqa: PLC0415

    os.umask(0o077)  # its database holds what others shall not read
    settings.data.mkdir(parents=True, exist_ok=True)
    own = os.environ.pop(DATABASE_VARIABLE, "") or file_url(settings.data / "console.db")
    board = Board(f"console:{settings.id}")
    herald = Herald(settings.id, connect, board, logger)
    identity = Identity(Database(own), folder=settings.data, tell=herald.tell)
    pool = LogPool(connect)
    live = Live(connect, logger=logger, shards=settings.shards)
    parts = Parts(log=pool, live=live, identity=identity, settings=settings)
    app = make_app(parts, logger)
    metrics = serve_metrics(options.metrics, board, logger)
    herald.start()
    try:
        _greet(settings, identity, options.first_user_file, logger)
        return Listener(app, settings, board, logger, leave=live.streams.close).run(stop)
    finally:
        herald.stop()
        metrics.close()
        pool.close()
        identity.close()


def _greet(
    settings: ConsoleSettings, identity: Identity, first: Path | None, logger: Logger
) -> None:
    """Open the way for the first user, if there is none."""
    if first is not None:
        try:
            line = first.read_text(encoding="utf-8")
        except OSError as error:
            raise SettingsError(f"file {first} cannot be read: {error.strerror}") from error
        identity.preset(line)
    if identity.needs_setup():
        token = identity.setup_token.renew()
        # Not a line of the log: those are kept, and others read them.
        link = f"{settings.url}/setup?token={token}"
        sys.stderr.write(f"mdhub console: make the first user at {link}\n")
        logger.info("setup_needed", file=str(identity.setup_token.file))


def _print_link(settings: ConsoleSettings) -> int:
    from mdhub.runtime.clock import SYSTEM  # noqa: PLC0415 - one command of many
    from mdhub_console.identity.first_run import SetupToken  # noqa: PLC0415

    print(f"{settings.url}/setup?token={SetupToken(settings.data, SYSTEM).renew()}")  # noqa: T201
    return 0
