"""Puts a gateway source together: secrets, folder, contracts of earlier starts, connection."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from mdhub.calendar import BadCalendar, Calendar
from mdhub.runtime.gateway_packages import use_locale
from mdhub.runtime.logging import Logger
from mdhub.runtime.secret import Hidden, SecretError, Values
from mdhub.streams.port import Log
from mdhub_ingest.accounts.letter import Letter
from mdhub_ingest.accounts.opening import opened, secrets_of
from mdhub_ingest.gateways.admission import Admission, logins_of
from mdhub_ingest.gateways.contracts import ContractDesk, read_cache, unexpired
from mdhub_ingest.gateways.deadlines import Deadlines
from mdhub_ingest.gateways.flow import enter, folder_of
from mdhub_ingest.gateways.hours import OpenHours, trading_day
from mdhub_ingest.gateways.life import Life
from mdhub_ingest.gateways.port import STOPPED
from mdhub_ingest.gateways.preflight import preflight
from mdhub_ingest.gateways.profiles import open_connection
from mdhub_ingest.gateways.rules import parse_rules
from mdhub_ingest.gateways.source import GatewaySource
from mdhub_ingest.gateways.subscriptions import PACE_PER_S, Subscriptions
from mdhub_ingest.sources.port import SourceError
from mdhub_ingest.spec import GatewayKnobs

__all__ = ["NotReady", "gateway_source"]

CALENDAR_VARIABLE: Final = "MDHUB_CALENDAR__OVERRIDE"
ERROR: Final = "error"
CONTRACTS_FILE: Final = "contracts.msgpack"


def gateway_source(
    letter: Letter,
    knobs: GatewayKnobs,
    *,
    data: Path,
    shards: int,
    connect: Callable[[], Log],
    logger: Logger,
) -> GatewaySource:
    """Make this process the home of one gateway and load its class; connects nothing yet.

    `knobs` are those of the letter.

    Raises SourceError; NotReady, GatewayError and RuleError say that no restart helps.
    """
    name = letter.spec.name
    data = data.resolve()  # the working folder changes below
    rules = parse_rules(knobs.subscribe)
    settings = _opened(name, knobs, letter)
    calendar = _calendar()
    secrets = secrets_of(knobs.settings, settings)
    hide = Hidden(secrets)
    logger.hide(*secrets)
    enter(folder_of(data, name))
    use_locale(os.environ)
    _preflight(name, knobs, settings, logger)
    file = Path.cwd() / CONTRACTS_FILE
    kept = read_cache(file)
    if kept.problem:
        logger.warning("contracts_cache_unusable", reason=kept.problem)
    day = trading_day(time.time_ns())
    cached = unexpired(kept.instruments, day)
    connection = open_connection(knobs.type, knobs.class_path, settings, name=name, cached=cached)
    return GatewaySource(
        connection,
        life=Life(
            kind=knobs.type, cached=bool(cached), deadlines=Deadlines.set_to(knobs.deadlines)
        ),
        subscriptions=Subscriptions(
            rules,
            knobs.limit,
            knobs.pace or PACE_PER_S,
            day=day,
            releases=connection.can_unsubscribe,
        ),
        admission=Admission(logins_of(name, knobs.type, knobs.class_path, settings, data), logger),
        contracts=ContractDesk(
            source=name, shards=shards, connect=connect, file=file, logger=logger, cached=cached
        ),
        hours=OpenHours(calendar, kind=knobs.type),
        logger=logger,
        hide=hide,
    )


class NotReady(SourceError):
    """What no restart mends: a secret, a locale, a setting or a calendar is missing or wrong."""

    exit_code = STOPPED


def _opened(name: str, knobs: GatewayKnobs, letter: Letter) -> Values:
    try:
        return opened(name, knobs.settings, letter, os.environ)
    except SecretError as error:
        raise NotReady(f"settings: {error}") from error


def _calendar() -> Calendar:
    override = os.environ.get(CALENDAR_VARIABLE, "")
    try:
        return Calendar.load(Path(override) if override else None)
    except BadCalendar as error:
        raise NotReady(str(error)) from error


def _preflight(name: str, knobs: GatewayKnobs, settings: Values, logger: Logger) -> None:
    """Find what would end the process without a word later, all at once."""
    findings = preflight(
        name=name, kind=knobs.type, settings=settings, class_path=knobs.class_path, flow=Path.cwd()
    )
    wrong = [each for each in findings if not each.ok]
    for each in wrong:
        if each.severity != ERROR:
            logger.warning("preflight", **msgspec.structs.asdict(each))
    errors = [each.sentence for each in wrong if each.severity == ERROR]
    if errors:
        raise NotReady(f"{len(errors)} found before connecting: {'. '.join(errors)}")
