"""Commands to sources and to the schedule: what they change, and what is answered. Pure.

`source:<name>`: `restart {reason, force?}`, `start`, `stop`, `hold {reason, until_ns?}`, `resume`.
`schedule`: `holiday {reason, day?}`, `clear {day?}`. `until_ns` is market time; without it an
override ends with the trading day, `stop` with the next session.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from mdhub.calendar import OutsideCalendar
from mdhub.calendar.rows import as_date, as_int
from mdhub.calendar.windows import ALWAYS, SECOND_NS, Timetable, day_at
from mdhub.wire.ops import Command
from mdhub.wire.ticks import CHINA_TIME
from mdhub_ingest.schedule.overrides import Override, Overrides
from mdhub_ingest.schedule.wanted import Wish

__all__ = [
    "ACCOUNT",
    "SCHEDULE",
    "SOURCE",
    "Order",
    "OrderError",
    "for_schedule",
    "for_source",
    "once",
    "shown",
    "target_source",
]

SOURCE: Final = "source"
SCHEDULE: Final = "schedule"
ACCOUNT: Final = "account"
SHOWN: Final = 200
LONGEST_NS: Final = 31 * 86_400 * SECOND_NS
"""An override that shall hold for longer belongs into the configuration."""
_FALLBACK_NS: Final = 86_400 * SECOND_NS
_ACTIONS: Final = ("hold", "restart", "resume", "start", "stop")


class OrderError(ValueError):
    """A command is refused; the words are its result."""


class Order(NamedTuple):
    """What a command comes to."""

    overrides: Overrides
    restart: bool
    """Whether the source gets a new process now, beyond what the overrides change."""
    result: dict[str, Any]


def target_source(target: str) -> str:
    """Name of the source that is meant; empty if none is."""
    service, _, name = target.partition(":")
    return name if service == SOURCE else ""


def for_source(  # noqa: PLR0913 - all that it depends on
    command: Command,
    *,
    source: str,
    group: str,
    timetable: Timetable,
    overrides: Overrides,
    market_ns: int,
    wish: Wish,
) -> Order:
    """Judge a command to a source. Raises OrderError."""
    args = command.args
    reason = str(args.get("reason", ""))[:SHOWN]
    if command.action not in _ACTIONS:
        known = ", ".join(_ACTIONS)
        raise OrderError(f"unknown action {command.action[:SHOWN]!r}; a source knows {known}")
    if command.action == "resume":
        return Order(overrides.drop(source), False, {"source": source})
    if command.action == "restart":
        if not wish.run and args.get("force") is not True:
            raise OrderError(_shut(source, wish))
        if wish.run:
            return Order(overrides, True, {"source": source, "reason": reason})
    kind = command.action if command.action in {"hold", "stop"} else "start"
    until_ns = _until(args.get("until_ns"), kind, group, timetable, market_ns)
    said = Override("start" if kind == "start" else "hold", until_ns, reason, command.id)
    result = {"source": source, "reason": reason, "until_ns": until_ns, "until": shown(until_ns)}
    return Order(overrides.put(source, said), command.action == "restart", result)


def once(command_id: str, begun: Iterable[str]) -> None:
    """Raise OrderError for a command that an earlier supervisor has begun."""
    if command_id in begun:
        raise OrderError(
            "the supervisor ended while it carried this out: whether it was done is not known; "
            "look at the source (mdhub sources), then ask again"
        )


def for_schedule(
    command: Command, *, timetable: Timetable, overrides: Overrides, market_ns: int
) -> Order:
    """Judge a command to the schedule; `timetable` is without overrides. Raises OrderError."""
    day = _day(command.args.get("day"), market_ns)
    reason = str(command.args.get("reason", ""))[:SHOWN]
    if command.action == "clear":
        named = [as_int(day)] if "day" in command.args else [int(d) for d in overrides.holidays]
        for each in named:
            overrides = overrides.reopen(each)
        return Order(overrides, False, {"cleared": named})
    if command.action != "holiday":
        error = f"unknown action {command.action[:SHOWN]!r}; the schedule knows clear, holiday"
        raise OrderError(error)
    try:
        trades = timetable.calendar.is_trading_day(day)
    except OutsideCalendar as error:
        raise OrderError(str(error)) from error
    if not trades:
        raise OrderError(f"{day} is no trading day by the calendar: there is nothing to close")
    if day < day_at(market_ns):
        raise OrderError(f"{day} is past: today is {day_at(market_ns)}")
    return Order(
        overrides.close(as_int(day), reason), False, {"day": as_int(day), "reason": reason}
    )


def _shut(source: str, wish: Wish) -> str:
    return (
        f"source {source} is not to run now ({wish.why}): nothing was restarted; with force it is "
        "started all the same, until the trading day ends"
    )


def _until(asked: object, kind: str, group: str, timetable: Timetable, market_ns: int) -> int:
    if asked is not None:
        if not isinstance(asked, int) or isinstance(asked, bool):
            raise OrderError(f"until_ns was {str(asked)[:SHOWN]!r}, expected ns since 1970")
        if not market_ns < asked <= market_ns + LONGEST_NS:
            raise OrderError(
                f"until_ns was {shown(asked)}, expected a moment after {shown(market_ns)} of the "
                "market, within 31 days"
            )
        return asked
    if group == ALWAYS:
        return market_ns + _FALLBACK_NS
    if kind == "stop":
        ahead = timetable.next_window(group, market_ns)
        return market_ns + _FALLBACK_NS if ahead is None else ahead.start_ns
    return timetable.end_of_trading_day(group, market_ns) or market_ns + _FALLBACK_NS


def _day(asked: object, market_ns: int) -> date:
    if asked is None:
        return day_at(market_ns)
    try:
        return as_date(int(str(asked)))
    except ValueError as error:
        raise OrderError(f"day was {str(asked)[:SHOWN]!r}, expected YYYYMMDD") from error


def shown(ns: int) -> str:
    """Return a moment in China, for people."""
    try:
        return f"{datetime.fromtimestamp(ns // SECOND_NS, CHINA_TIME):%Y-%m-%d %H:%M:%S}"
    except (ValueError, OverflowError, OSError):
        return str(ns)
