"""Writes tests/golden/calendar.txt: trading hours by an independent source, for the tests.

Needs Python 3.12 and cnfutures-session-timeline, which mdhub does not:

    python3.12 -m venv /tmp/golden && /tmp/golden/bin/pip install cnfutures-session-timeline
    /tmp/golden/bin/python scripts/calendar_golden.py > tests/golden/calendar.txt

One line per product and trading day on which its continuous hours change (from the first trading
day of 2017 on; the days after a holiday, which have no night, are not changes but stand apart).
"""

from __future__ import annotations

from datetime import date, timedelta

from cnfutures_session_timeline import ResolvedSession, SessionTimeline

FIRST, LAST = date(2017, 1, 1), date(2026, 12, 31)
DELISTED_BEFORE = {"ER", "GN", "ME", "RO", "TC", "WS", "WT"}


def main() -> None:
    """Print the table."""
    timeline = SessionTimeline.load()
    days = [FIRST + timedelta(i) for i in range((LAST - FIRST).days + 1)]
    trading = [day for day in days if timeline.resolve(day, "WR").periods]
    print("# written by scripts/calendar_golden.py; see there")
    for day in trading:
        if _trimmed(timeline.resolve(day, "AU")):
            print(f"night-off {day}")
    for product, events in timeline.events.items():
        if product in DELISTED_BEFORE:
            continue
        shown = ""
        for day in trading:
            if day < events[0].effective_trade_date:
                continue
            resolved = timeline.resolve(day, product)
            if _trimmed(resolved) and day != events[0].effective_trade_date:
                continue
            hours = ",".join(f"{p.start:%H:%M}-{p.end:%H:%M}" for p in resolved.periods)
            if hours != shown:
                shown = hours
                print(f"hours {events[0].exchange} {product} {day} {hours or '-'}")


def _trimmed(resolved: ResolvedSession) -> bool:
    """Whether a holiday took the night away."""
    return any(
        trim.action == "remove_night" and trim.cause != "listing_day" for trim in resolved.trims
    )


if __name__ == "__main__":
    main()
