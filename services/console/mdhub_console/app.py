"""Composition root of the console."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Final

from mdhub.accounts.keyring import BadKeys, add_key, read_keyring
from mdhub.accounts.places import Place, taken_place
from mdhub.accounts.vault import Vault
from mdhub.calendar import Calendar
from mdhub.runtime.core_dumps import forbid_core_dumps
from mdhub.runtime.log_shipping import shipped
from mdhub.runtime.logging import Logger, service_logger
from mdhub.runtime.metrics import Board, serve_metrics
from mdhub.runtime.secret import follow_reference, variables_of
from mdhub.runtime.service import begin, redis_url
from mdhub.streams import open_log
from mdhub.streams.port import Log
from mdhub.streams.topology import LOGS
from mdhub.wire.errors import MdhubError
from mdhub_console.identity.errors import StoreAway
from mdhub_console.identity.seal import Seal
from mdhub_console.identity.service import Identity
from mdhub_console.options import DATABASE_VARIABLE, KEY_VARIABLE, parser, settings_of
from mdhub_console.settings import ConsoleSettings, SettingsError, check_settings

if TYPE_CHECKING:
    from mdhub_console.herald import Herald
    from mdhub_console.parts import Parts

__all__ = ["main"]

CALENDAR_VARIABLE = "MDHUB_CALENDAR__OVERRIDE"
"""File of the operator on top of mdhub's calendar, as all services take it."""
LONGEST_TOKEN: Final = 200
NICE: Final = 10
"""On a host of few cores two hundred tabs are a core's work: ticks go first."""


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM. Exit codes: 0 stopped, 1 failed, 2 will not run like this."""
    options = parser().parse_args(argv)
    settings = settings_of(options)
    if options.setup_link:
        return _print_link(settings)
    if options.new_key is not None:
        return _new_key(options.new_key)
    stop = begin()
    _go_last()
    _forget_blank()
    logger = service_logger("console", settings.id)
    try:
        check_settings(settings)
        accounts = taken_place(os.environ)
        connect = partial(open_log, redis_url(), service="console", prefix=settings.prefix)
        with shipped(logger, connect, LOGS):
            return _serve(settings, options, accounts, connect, stop, logger)
    except MdhubError as error:
        logger.error("stopped", reason=error.sentence)
        return error.exit_code


def _serve(
    settings: ConsoleSettings,
    options: argparse.Namespace,
    place: Place | None,
    connect: partial[Log],
    stop: Event,
    logger: Logger,
) -> int:
    # 0.8 s that `--help` and `--setup-link` need not wait for.
    from mdhub_console.factory import make_app  # noqa: PLC0415
    from mdhub_console.herald import Herald  # noqa: PLC0415
    from mdhub_console.server.listening import Listener  # noqa: PLC0415

    os.umask(0o077)  # its database holds what others shall not read
    forbid_core_dumps()  # it holds passwords on their way, and master keys
    settings.data.mkdir(parents=True, exist_ok=True)
    board = Board(f"console:{settings.id}")
    herald = Herald(settings.id, connect, board, logger)
    parts = _parts(settings, place, connect, herald, logger)
    live, identity = parts.live, parts.identity
    app = make_app(parts, logger)
    metrics = serve_metrics(options.metrics, board, logger)
    herald.more = lambda: live.counters() | parts.contracts.counters()
    herald.start()
    try:
        if parts.demo is not None:
            parts.demo.begin(sys.stdin.readline(LONGEST_TOKEN).strip())
        _seal_factors(identity, logger)
        link = _way_in(settings, identity, options.first_user_file)
        greet = partial(_greet, link, logger) if link else None
        listener = Listener(app, settings, board, logger, ready=greet, leave=live.streams.close)
        return listener.run(stop)
    finally:
        herald.stop()
        metrics.close()
        parts.close()


def _parts(
    settings: ConsoleSettings,
    place: Place | None,
    connect: partial[Log],
    herald: Herald,
    logger: Logger,
) -> Parts:
    from mdhub_console.accounts.book import AccountBook  # noqa: PLC0415
    from mdhub_console.identity.demo_link import DemoLink  # noqa: PLC0415
    from mdhub_console.identity.store.database import Database, file_url  # noqa: PLC0415
    from mdhub_console.live.service import Live  # noqa: PLC0415
    from mdhub_console.parts import Parts  # noqa: PLC0415
    from mdhub_console.server.logs import LogPool  # noqa: PLC0415

    follow_reference(os.environ, DATABASE_VARIABLE)
    own = os.environ.pop(DATABASE_VARIABLE, "") or file_url(settings.data / "console.db")
    identity = Identity(
        Database(own), folder=settings.data, seal=_seal(os.environ.pop(KEY_VARIABLE, "")),
        tell=herald.tell,
    )  # fmt: skip
    live = Live(connect, logger=logger, shards=settings.shards, calendar=_calendar())
    demo = DemoLink(identity, settings.data) if settings.demo_link else None
    return Parts(
        log=LogPool(connect), live=live, identity=identity, accounts=AccountBook(place),
        settings=settings, demo=demo,
    )  # fmt: skip


def _calendar() -> Calendar:
    override = os.environ.get(CALENDAR_VARIABLE, "")
    return Calendar.load(Path(override) if override else None)


def _go_last() -> None:
    """Where sessions share the processors (autogroup), niceness counts within a session only."""
    os.nice(NICE)
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(NICE), encoding="ascii")


def _forget_blank() -> None:
    """Variables that `mdhub up` hides from us are empty; the configuration shall not read them."""
    for name in [n for n, value in os.environ.items() if n.startswith("MDHUB_") and not value]:
        del os.environ[name]


def _seal(keys: str) -> Seal:
    """Return what seals the secrets of second factors; without keys it refuses. Raises BadKeys."""
    if not keys:
        return Seal()
    seal = Seal(Vault(read_keyring(keys, os.environ)))
    for name in variables_of({KEY_VARIABLE: keys}):
        del os.environ[name]
    return seal


def _seal_factors(identity: Identity, logger: Logger) -> None:
    try:
        done, left = identity.seal_second_factors()
    except StoreAway:
        return  # pages say so; the next start seals them
    if done:
        logger.info("second_factors_sealed", count=done)
    if left:
        logger.warning("second_factors_not_sealed", count=left, advice="set key_file of [console]")


def _way_in(settings: ConsoleSettings, identity: Identity, first: Path | None) -> str:
    """Open the way for the first user, if there is none; return its link, or nothing."""
    if first is not None:
        try:
            line = first.read_text(encoding="utf-8")
        except OSError as error:
            raise SettingsError(f"file {first} cannot be read: {error.strerror}") from error
        identity.preset(line)
    if not identity.needs_setup():
        return ""
    return f"{settings.url}/setup?token={identity.setup_token.renew()}"


def _greet(link: str, logger: Logger) -> None:
    # Not a line of the log: those are kept, and others read them.
    sys.stderr.write(f"mdhub console: make the first user at {link}\n")
    logger.info("setup_needed")


def _new_key(file: Path) -> int:
    try:
        keyring = add_key(file)
    except BadKeys as error:
        sys.stderr.write(f"mdhub run console: {error.sentence}\n")
        return error.exit_code
    print(f"{file}: key {keyring.active} seals, {len(keyring.ids) - 1} older ones open")  # noqa: T201
    return 0


def _print_link(settings: ConsoleSettings) -> int:
    from mdhub.runtime.clock import SYSTEM  # noqa: PLC0415 - one command of many
    from mdhub_console.identity.first_run import SetupToken  # noqa: PLC0415

    print(f"{settings.url}/setup?token={SetupToken(settings.data, SYSTEM).renew()}")  # noqa: T201
    return 0
