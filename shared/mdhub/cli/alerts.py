"""`mdhub alerts`: what lasts, who knows; acknowledge, silence, test."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, Final

import msgspec

from mdhub.cli.hubs import HubAddress
from mdhub.cli.pipe import reader_may_leave
from mdhub.health.alerts import TARGET, Alert, AlertBook, decode_book
from mdhub.health.words import Language, tell
from mdhub.runtime.errors import ServiceError
from mdhub.streams import open_log
from mdhub.streams.asking import Request, ask
from mdhub.wire.codec import DecodeError

__all__ = ["list_alerts", "read_book", "tell_alerting"]

NOTE: Final = "alerts"
FRESH_S: Final = 20.0
"""The monitor saves at least every five seconds."""
CHINA: Final = timezone(timedelta(hours=8))


def list_alerts(hub: HubAddress, *, as_json: bool, language: Language) -> int:
    """Print everything. Raises StreamsError, and ServiceError if nobody keeps a book."""
    book = read_book(hub)
    age_s = (time.time_ns() - book.ts_ns) / 1e9
    with reader_may_leave():
        print(json.dumps(_as_dict(book, age_s)) if as_json else "\n".join(_lines(book, language)))
    if age_s > FRESH_S:
        raise ServiceError(
            f"this is {age_s:.0f} s old: the monitor does not run, so nobody is told of anything; "
            "start it (mdhub up, or mdhub run monitor)"
        )
    return 0


def read_book(hub: HubAddress) -> AlertBook:
    """Read what the alerting remembers. Raises ServiceError if there is nothing to read."""
    log = open_log(hub.url, service="cli", prefix=hub.prefix)
    try:
        data = log.note(NOTE)
    finally:
        log.close()
    if data is None:
        raise ServiceError("no monitor has run on this hub yet: start it with mdhub up")
    try:
        return decode_book(data)
    except DecodeError:
        raise ServiceError(
            "the alerts were written by a release that this one does not understand: "
            "use the mdhub command of the hub's own release"
        ) from None


def tell_alerting(
    hub: HubAddress, action: str, args: Mapping[str, Any], *, timeout_s: float, as_json: bool
) -> int:
    """Send `ack`, `silence`, `unsilence` or `test` to the monitor; 0 if it has obeyed."""
    log = open_log(hub.url, service="cli", prefix=hub.prefix)
    try:
        request = Request(TARGET, f"alerts.{action}", args)
        answer = ask(log, [request], issuer="cli", timeout_s=timeout_s)[0]
    finally:
        log.close()
    if answer is None:
        result: dict[str, Any] = {
            "error": f"no answer within {timeout_s:g} s; the command has expired: "
            "does the monitor run? see mdhub status"
        }
    else:
        result = answer.result if isinstance(answer.result, dict) else {}
    good = answer is not None and answer.ok
    with reader_may_leave():
        if as_json:
            print(json.dumps({"ok": good, "action": action} | result))
        elif "channels" in result:
            print("\n".join(_channel_lines(result["channels"])))
        elif good:
            print(_DONE[action].format(**{k: _shown(v) for k, v in result.items()}))
    if good or as_json:
        return 0 if good else 1
    failed = "a channel did not take it" if "channels" in result else "refused without a reason"
    raise ServiceError(str(result.get("error", failed)))


_DONE: Final = {
    "ack": "acknowledged: {acknowledged}",
    "silence": "silent: {pattern}",
    "unsilence": "heard again: {pattern}",
    "test": "sent",
}


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _channel_lines(channels: Mapping[str, Any]) -> list[str]:
    return [
        f"{name}: sent in {result.get('took_ms')} ms"
        if result.get("ok")
        else f"{name}: FAILED, {result.get('problem')}"
        for name, result in sorted(channels.items())
    ]


def _as_dict(book: AlertBook, age_s: float) -> dict[str, Any]:
    return {
        "age_s": round(age_s, 1),
        "alerts": [_alert_dict(alert) for alert in book.alerts],
        "silences": [msgspec.structs.asdict(silence) for silence in book.silences],
        "channels": [msgspec.structs.asdict(facts) for facts in book.channels],
    }


def _alert_dict(alert: Alert) -> dict[str, Any]:
    finding = msgspec.structs.asdict(alert.finding)
    others = msgspec.structs.asdict(alert)
    del others["finding"]
    return finding | others


def _lines(book: AlertBook, language: Language) -> list[str]:
    lines = []
    for alert in book.alerts:
        finding = alert.finding
        words = [finding.severity.upper(), f"since {_moment(finding.since_ns)}", _state(alert)]
        lines += [f"{finding.key}  {', '.join(words)}", f"    {tell(finding, language).title}"]
    lines = lines or ["no alerts"]
    for silence in book.silences:
        by = f" by {silence.by}" if silence.by else ""
        reason = f": {silence.reason}" if silence.reason else ""
        lines.append(f"silent until {_moment(silence.until_ns)}{by}: {silence.pattern}{reason}")
    for facts in book.channels:
        counts = f"{facts.sent} sent, {facts.waiting} waiting, {facts.lost} lost"
        problem = f"; {facts.problem}" if facts.problem else ""
        lines.append(f"channel {facts.name} ({facts.kind}): {counts}{problem}")
    return lines if book.channels else [*lines, "no channels: nobody is told (docs/alerts.md)"]


def _state(alert: Alert) -> str:
    if alert.ended_ns:
        return "over"
    if alert.acked_by:
        return f"acknowledged by {alert.acked_by}"
    if alert.cause:
        return f"belongs to {alert.cause}"
    return f"told {alert.tellings} times" if alert.told_ns else "not told"


def _moment(ns: int) -> str:
    return datetime.fromtimestamp(ns / 1e9, CHINA).strftime("%m-%d %H:%M:%S")
