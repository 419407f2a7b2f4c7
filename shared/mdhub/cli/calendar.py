"""`mdhub calendar`: trading days, sessions of a product, horizon; checks an override file."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

from mdhub.calendar import HORIZON_ALARM_DAYS, Calendar, OutsideCalendar
from mdhub.calendar.rows import as_int
from mdhub.config import load
from mdhub.market.products import ETF, ETF_OPTION, PRODUCTS, exchange_of, product_of
from mdhub.runtime.errors import ServiceError
from mdhub.wire.ticks import CHINA_TIME

__all__ = ["run_calendar", "run_check"]


def run_check(file: Path, *, as_json: bool) -> int:
    """Say what an override file makes of the calendar; raises BadCalendar naming every mistake."""
    own, merged = Calendar.load(), Calendar.load(file)
    facts = {
        "file": str(file),
        "changes": own.digest != merged.digest,
        "horizon": str(merged.horizon),
        "digest": merged.digest,
    }
    if as_json:
        print(json.dumps(facts))
    else:
        change = "changes the calendar" if facts["changes"] else "changes nothing"
        print(f"{file}: good; it {change}; days are known up to {merged.horizon}")
    return 0


def run_calendar(
    product: str | None, day: date | None, *, file: Path | None, config: Path | None, as_json: bool
) -> int:
    """Print what the calendar says of a day, and of a product on it. Raises OutsideCalendar."""
    override = file or load(config).config.calendar.override
    calendar = Calendar.load(override)
    today = datetime.now(CHINA_TIME).date()
    facts = _day_facts(calendar, day or today) | _horizon_facts(calendar, today)
    facts["override"] = None if override is None else str(override)
    if product is not None:
        facts |= _product_facts(calendar, product, day or today)
    if as_json:
        print(json.dumps(facts))
    else:
        _show(facts)
    return 0


def _day_facts(calendar: Calendar, day: date) -> dict[str, Any]:
    return {
        "day": str(day),
        "weekday": f"{day:%A}",
        "trading_day": calendar.is_trading_day(day),
        "night_in_the_evening": calendar.has_night(day),
        "before": _or_none(calendar.trading_day_before, day),
        "after": _or_none(calendar.trading_day_after, day),
    }


def _or_none(neighbour: Callable[[date], date], day: date) -> str | None:
    try:
        return str(neighbour(day))
    except OutsideCalendar:
        return None


def _horizon_facts(calendar: Calendar, today: date) -> dict[str, Any]:
    left = (calendar.horizon - today).days
    return {
        "covers": [str(calendar.first), str(calendar.horizon)],
        "days_left": left,
        "alarm": left < HORIZON_ALARM_DAYS,
        "digest": calendar.digest,
    }


def _product_facts(calendar: Calendar, name: str, day: date) -> dict[str, Any]:
    exchange, product = _named(name)
    hours = calendar.hours.of(exchange, product, as_int(day))
    return {
        "exchange": exchange,
        "product": product,
        "listed": hours.listed,
        "sessions": [
            [str(i.phase), _china(i.start_ns), _china(i.end_ns)]
            for i in calendar.sessions(exchange, product, day)
        ],
    }


def _named(name: str) -> tuple[str, str]:
    """`rb`, `SHFE.rb`, `rb2610` or `rb2610.SHFE` -> exchange and product. Raises ServiceError."""
    left, _, right = name.partition(".")
    for symbol, exchange in ((name, ""), (left, right), (right, left)):
        found = PRODUCTS.get(symbol) or exchange_of(symbol)
        if found is not None and exchange in {"", found}:
            return found, symbol if symbol in PRODUCTS else product_of(symbol) or symbol
        if symbol in {ETF, ETF_OPTION} and exchange in {"SSE", "SZSE"}:
            return exchange, symbol
    raise ServiceError(
        f"{name!r} is no product or contract, expected one such as rb, IF2612 or SSE.ETFO"
    )


def _china(ns: int) -> str:
    return datetime.fromtimestamp(ns // 1_000_000_000, CHINA_TIME).strftime("%Y-%m-%d %H:%M")


def _show(facts: dict[str, Any]) -> None:
    trades = "a trading day" if facts["trading_day"] else "no trading day"
    night = "with" if facts["night_in_the_evening"] else "without"
    print(f"{facts['day']} ({facts['weekday']}): {trades}, {night} a night session in the evening")
    before, after = (facts[name] or "not covered" for name in ("before", "after"))
    print(f"trading day before: {before}, after: {after}")
    for phase, start, end in facts.get("sessions", []):
        print(f"  {start} - {end[-5:]}  {phase}")
    if facts.get("listed") is False:
        print(f"  {facts['product']} has no hours of its own then: widest of {facts['exchange']}")
    first, last = facts["covers"]
    print(f"the calendar covers {first} to {last}: {facts['days_left']} days left from today")
    if facts["alarm"]:
        print(f"ALARM: fewer than {HORIZON_ALARM_DAYS} days; add the next year by an override file")
