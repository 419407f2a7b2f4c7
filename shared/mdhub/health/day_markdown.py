"""A trading day's report as Markdown."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from mdhub.health.day import DayReport, Goal, Incident, measured
from mdhub.wire.ticks import CHINA_TIME

__all__ = ["day_markdown", "shown"]

CAUSES: Final = {
    "no_leader": "no arbiter led, or the log stood still",
    "no_publisher": "no publisher served",
    "all_silent": "all sources were silent",
    "takeover": "take-overs",
    "unwatched": "nobody watched",
}


def day_markdown(report: DayReport) -> str:
    """Figures beside their goals, causes, sources, incidents."""
    day = str(report.day)
    over = "" if report.final else f" so far, up to {_time(report.until_ns)}"
    parts = [
        f"# Trading day {day[:4]}-{day[4:6]}-{day[6:]}{over}",
        _table(("figure", "value", "goal", "own goal", ""), _figures(report)),
        _session(report),
        "## Seconds without data\n\n" + _down(report),
        "## Sources\n\n" + _sources(report),
        "## Refused ticks\n\n" + _refused(report),
        "## Incidents\n\n" + _incidents(report),
    ]
    return "\n\n".join(parts) + "\n"


def shown(goal: Goal, value: float | None) -> str:
    """A figure in its unit; `-` where there was nothing to measure."""
    if value is None:
        return "-"
    if goal.unit == "share":
        return f"{value * 100:.4f}".rstrip("0").rstrip(".") + " %"
    return f"{value:.3f}".rstrip("0").rstrip(".") + f" {goal.unit}"


def _figures(report: DayReport) -> Iterable[tuple[str, ...]]:
    for each in measured(report):
        goal = each.goal
        verdict = (
            "missed" if not each.met(goal.goal) else "" if each.met(goal.own) else "own missed"
        )
        sign = "≥" if goal.better == "more" else "≤"
        yield (
            goal.name, shown(goal, each.value), f"{sign} {shown(goal, goal.goal)}",
            f"{sign} {shown(goal, goal.own)}", verdict,
        )  # fmt: skip


def _session(report: DayReport) -> str:
    text = (
        f"Session {report.session_s:.0f} s, watched {report.watched_s:.0f} s; "
        f"{report.accepted} ticks accepted, latency of {report.latency_samples} of them. "
        f"Take-overs {len(report.takeovers)}."
    )
    if report.skipped_s:
        text += f" The played market jumped over {report.skipped_s:.0f} s."
    return text


def _down(report: DayReport) -> str:
    down = report.down_s | ({"unwatched": report.unwatched_s} if report.unwatched_s else {})
    return _table(
        ("cause", "seconds"), ((CAUSES.get(k, k), f"{s:.3f}") for k, s in down.items() if s)
    )


def _sources(report: DayReport) -> str:
    head = ("rank", "source", "score", "won", "accepted", "lag p50 ms", "lag p99 ms", "missing/h",
            "rejected", "held", "lost", "restarts", "down s")  # fmt: skip
    return _table(
        head,
        (
            (
                str(s.rank or "-"), s.name, _number(s.score),
                "-" if s.won is None else f"{s.won * 100:.1f} %", str(s.accepted),
                _number(s.lag_p50_ms), _number(s.lag_p99_ms), _number(s.gaps_per_h),
                str(s.rejected), str(s.held), str(s.lost), str(s.restarts), _number(s.down_s),
            )
            for s in report.sources
        ),
    )  # fmt: skip


def _refused(report: DayReport) -> str:
    rows = _table(("reason", "ticks"), ((k, str(n)) for k, n in report.refused.items()))
    told = f"Taken unconfirmed: about {report.unconfirmed}."
    if report.injected:
        told += f" Corrupted on purpose by simulated sources: {report.injected}."
    return f"{rows}\n\n{told}"


def _incidents(report: DayReport) -> str:
    rows = [_incident(each) for each in report.incidents]
    rows += [
        (_time(t.at_ns), f"take-over of shard {t.shard}", "", f"{t.silence_ms:.0f} ms", "")
        for t in report.takeovers
    ]
    rows += [
        ("", f"restarted: {name}", "", str(n), "") for name, n in report.service_restarts.items()
    ]
    table = _table(("began", "what", "severity", "lasted", "the hub"), rows)
    return table + (f"\n\nAnd {report.incidents_untold} more." if report.incidents_untold else "")


def _incident(each: Incident) -> tuple[str, ...]:
    lasted = f"{(each.ended_ns - each.began_ns) / 1e9:.1f} s" if each.ended_ns else "still there"
    return (_time(each.began_ns), each.key.rstrip(":"), each.severity, lasted, each.done)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _time(ts_ns: int) -> str:
    return f"{datetime.fromtimestamp(ts_ns // 1_000_000_000, CHINA_TIME):%m-%d %H:%M:%S}"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [_row(each) for each in rows]
    if not lines:
        return "None."
    return "\n".join([_row(head), "|" + "---|" * len(head), *lines])


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |"
