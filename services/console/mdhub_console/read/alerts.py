"""What the alerting remembers, for people. Pure."""

from __future__ import annotations

import msgspec

from mdhub_console.live.named import Alert, ChannelFacts, Silence, named
from mdhub_console.live.view import View

__all__ = ["Alerts", "alerts_of"]


class Alerts(msgspec.Struct, frozen=True, kw_only=True):
    """Alerts that last or have just ended, silences, and how the channels do."""

    age_ms: int | None
    """Since the monitor wrote it; None = no monitor has."""
    alerts: list[Alert]
    silences: list[Silence]
    channels: list[ChannelFacts]


def alerts_of(view: View, *, now_ns: int) -> Alerts:
    """What is known of alerts now."""
    book = view.alerts
    if book is None:
        return Alerts(age_ms=None, alerts=[], silences=[], channels=[])
    return Alerts(
        age_ms=(now_ns - book.ts_ns) // 1_000_000,
        alerts=[named(Alert, each) for each in book.alerts],
        silences=[named(Silence, each) for each in book.silences],
        channels=[named(ChannelFacts, each) for each in book.channels],
    )
