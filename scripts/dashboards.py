"""Writes the Grafana dashboards: `python scripts/dashboards.py deploy/grafana/dashboards`.

One line per panel. A test compares the files with this list and runs every query against a real
Prometheus that scrapes a running hub.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

SOURCE: Final = {"type": "prometheus", "uid": "mdhub-prometheus"}
COLUMNS: Final = 24
LOG_RATE: Final = "sum by (le, source) (rate(mdhub_source_log_seconds_bucket[1m]))"
LEADER: Final = "and on (member) (mdhub_arbiter_leading == 1)"


@dataclass(frozen=True)
class Panel:
    """One panel: queries with the legend of each, a unit of Grafana's, a width of 24 columns."""

    title: str
    queries: tuple[tuple[str, str], ...]
    unit: str = "short"
    kind: str = "timeseries"
    width: int = 12
    bad_from: float | None = None
    """Red from here on."""
    good_from: float | None = None
    """Red below."""


def one(title: str, query: str, legend: str = "", **options: Any) -> Panel:
    """Return a panel with one query."""
    return Panel(title, ((query, legend),), **options)


def stat(title: str, query: str, legend: str = "", **options: Any) -> Panel:
    """Return a number."""
    return one(title, query, legend, kind="stat", width=4, **options)


def quantiles(title: str, selector: str, by: str, legend: str) -> Panel:
    """Return median and 99th percentile of the hop histogram."""
    rate = f"sum by (le, {by}) (rate(mdhub_hop_seconds_bucket{selector}[1m]))"
    return Panel(
        title,
        tuple((f"histogram_quantile({q}, {rate})", f"p{q * 100:g} {legend}") for q in (0.5, 0.99)),
        unit="s",
    )


OVERVIEW: Final = (
    stat("Findings: error", 'mdhub_findings{severity="error"}', bad_from=1),
    stat("Findings: warning", 'mdhub_findings{severity="warning"}', bad_from=1),
    stat("Processes down", 'count(up{job="mdhub"} == 0) or vector(0)', bad_from=1),
    stat("Not ready", "count(mdhub_ready == 0) or vector(0)", bad_from=1),
    stat("Gap today", "mdhub_gap_seconds_today", unit="s", bad_from=1),
    stat("Calendar left", "mdhub_calendar_horizon_days", unit="d", good_from=30),
    one("Published ticks", "rate(mdhub_publisher_published_total[1m])", "{{member}}", unit="cps"),
    one("Taken by source", "rate(mdhub_source_ticks_total[1m])", "{{source}}", unit="cps"),
    quantiles("Callback to published", '{hop="callback_to_published"}', "hop", "all sources"),
    one("Session of the market", "mdhub_session == 1", "{{session}}"),
    one("Findings that stand", "sum by (severity) (mdhub_findings)", "{{severity}}"),
    one("Who leads", "mdhub_arbiter_leading", "{{member}} shard {{shard}}"),
    one("Take-overs", "changes(mdhub_arbiter_takeovers_total[10m])", "{{member}}"),
    one("Clients", "mdhub_publisher_clients", "{{member}}"),
    one("Memory of the processes", "process_resident_memory_bytes", "{{process}}", unit="bytes"),
    one("CPU of the processes", "rate(process_cpu_seconds_total[1m])", "{{process}}",
        unit="percentunit"),
)  # fmt: skip

SOURCES: Final = (
    one("State", "mdhub_source_state", "{{source}} {{state}}", kind="table"),
    Panel("Rank (1 = best) and points", (
        ("mdhub_source_rank", "{{source}} rank"), ("mdhub_source_score", "{{source}} points"),
    ), kind="bargauge"),
    one("Share of ticks delivered first", "mdhub_source_win_ratio", "{{source}}",
        unit="percentunit"),
    Panel("Behind the first", (
        ("mdhub_source_lag_seconds", "{{source}} p{{quantile}}"),
        ("mdhub_source_lag_now_seconds", "{{source}} now"),
    ), unit="s"),
    one("Since the newest tick", "mdhub_source_age_seconds", "{{source}}", unit="s"),
    one("Ticks", "mdhub_source_ticks_per_second", "{{source}}", unit="cps"),
    one("Verdicts", f"sum by (source, verdict) (rate(mdhub_arbiter_verdicts_total[1m]) {LEADER})",
        "{{source}} {{verdict}}", unit="cps"),
    one("Reasons of refusals", f"sum by (reason) (rate(mdhub_arbiter_reasons_total[5m]) {LEADER})",
        "{{reason}}", unit="cps"),
    Panel("Gaps, duplicates, rejections an hour", (
        ("mdhub_source_gaps_per_hour", "{{source}} gaps"),
        ("mdhub_source_duplicates_per_hour", "{{source}} duplicates"),
        ("mdhub_source_rejected_per_hour", "{{source}} rejected"),
    )),
    Panel("Muted, down, frozen", (
        ("mdhub_source_muted", "{{source}} muted"), ("mdhub_source_down", "{{source}} down"),
        ("mdhub_source_frozen", "{{source}} frozen"),
    )),
    Panel("Subscribed and confirmed", (
        ("mdhub_source_subscribed", "{{source}} subscribed"),
        ("mdhub_source_confirmed", "{{source}} confirmed"),
    )),
    Panel("Restarts", (
        ("mdhub_source_restarts_today", "{{source}} today"),
        ("changes(mdhub_child_starts_total[15m])", "{{source}} in 15 min"),
    )),
    Panel("On the way to the log", (
        ("mdhub_source_waiting", "{{source}} waiting"),
        ("increase(mdhub_source_dropped_total[5m])", "{{source}} dropped"),
        ("increase(mdhub_source_resent_total[5m])", "{{source}} resent"),
    )),
    one("Lost, as the sources say", f"sum by (source) (mdhub_arbiter_lost_total {LEADER})",
        "{{source}}"),
)  # fmt: skip

COVERAGE: Final = (
    stat("Wanted", "mdhub_contracts_wanted"),
    stat("Seen today", "mdhub_contracts_seen"),
    stat("Silent", "mdhub_contracts_silent", bad_from=1),
    stat("Canaries that trade", "sum(mdhub_canary_open) or vector(0)"),
    stat("Canaries over their limit",
         "count((mdhub_canary_age_seconds > mdhub_canary_limit_seconds) "
         "and (mdhub_canary_open == 1)) or vector(0)", bad_from=1),
    stat("Next open", "mdhub_next_open_time_seconds * 1000", unit="dateTimeFromNow"),
    one("Age of each canary by source", "mdhub_canary_source_age_seconds",
        "{{contract}} {{source}}", unit="s", kind="status-history", width=24, bad_from=10),
    one("Canaries: part of their limit",
        "mdhub_canary_age_seconds / mdhub_canary_limit_seconds", "{{contract}}",
        unit="percentunit", kind="status-history", width=24, bad_from=1),
    Panel("Contracts", (
        ("mdhub_contracts_wanted", "wanted"), ("mdhub_contracts_seen", "seen"),
        ("mdhub_contracts_silent", "silent"),
    )),
    Panel("Instruments known", (
        ("mdhub_arbiter_instruments", "{{member}}"), ("mdhub_publisher_instruments", "{{member}}"),
    )),
)  # fmt: skip

LATENCY: Final = (
    quantiles("Callback to published, by source", '{hop="callback_to_published"}', "source",
              "{{source}}"),
    quantiles("By hop", "", "hop", "{{hop}}"),
    one("Callback to published: distribution",
        'sum by (le) (rate(mdhub_hop_seconds_bucket{hop="callback_to_published"}[1m]))', "{{le}}",
        unit="cps", kind="heatmap", width=24),
    quantiles("Callback to raw", '{hop="callback_to_raw"}', "source", "{{source}}"),
    quantiles("Raw to decided", '{hop="raw_to_decided"}', "source", "{{source}}"),
    quantiles("Decided to published", '{hop="decided_to_published"}', "member", "{{member}}"),
    Panel("Callback to acknowledged by the log", tuple(
        (f"histogram_quantile({q}, {LOG_RATE})",
         f"p{q * 100:g} {{{{source}}}}") for q in (0.5, 0.99)), unit="s"),
    one("Callback to commit, as the monitor sees it", "mdhub_commit_latency_seconds",
        "p{{quantile}}", unit="s"),
    one("Age of the newest entry decided", f"mdhub_arbiter_lag_seconds {LEADER}", "{{member}}",
        unit="s"),
    one("Late heartbeats", "increase(mdhub_publisher_late_heartbeats_total[5m])", "{{member}}"),
)  # fmt: skip

LIMITS: Final = (
    one("Requests to publishers", "rate(mdhub_publisher_requests_total[1m])", "{{member}}",
        unit="cps"),
    Panel("Requests refused", (
        ("increase(mdhub_publisher_busy_total[5m])", "{{member}} busy"),
        ("increase(mdhub_publisher_refused_total[5m])", "{{member}} refused"),
        ("increase(mdhub_publisher_clients_dropped_total[5m])", "{{member}} given up on"),
    )),
    one("Gateways: requests refused by the front or held back",
        'increase(mdhub_counts{name=~".*(refused|limited|paced|flow|throttled|over_limit).*"}[5m])',
        "{{member}} {{name}}"),
    one("Log lines left out", 'increase(mdhub_counts{name=~"log_lines_left_out"}[5m])',
        "{{member}}"),
    Panel("Buffers that let the oldest go", (
        ("increase(mdhub_source_dropped_total[5m])", "{{source}} ticks"),
        ("increase(mdhub_publisher_ring_dropped_total[5m])", "{{member}} ring"),
        ("increase(mdhub_publisher_evicted_total[5m])", "{{member}} last values"),
    )),
    one("Findings of limits", 'mdhub_finding{rule=~"slow_clients|reader_.*|server_memory|'
        'source_quarantined|source_restarting"}', "{{rule}} {{subject}}", kind="table"),
)  # fmt: skip

LOG: Final = (
    stat("Memory", "mdhub_server_used_bytes / (mdhub_server_limit_bytes > 0)", unit="percentunit",
         bad_from=0.7),
    stat("Slowest call", "mdhub_server_call_seconds", unit="s", bad_from=0.5),
    stat("Clock offset", "mdhub_server_clock_offset_seconds", unit="s"),
    stat("Disk free", "mdhub_disk_free_bytes / mdhub_disk_total_bytes", unit="percentunit",
         good_from=0.1),
    stat("Delayed writes to disk", "increase(mdhub_server_fsync_delayed_total[1h])", bad_from=10),
    stat("Snapshot age", f"max(mdhub_arbiter_snapshot_age_seconds {LEADER})", unit="s",
         bad_from=60),
    Panel("Memory of the server", (
        ("mdhub_server_used_bytes", "used"), ("mdhub_server_limit_bytes", "limit"),
    ), unit="bytes"),
    Panel("Newest n", (
        ("mdhub_shard_n", "committed, shard {{shard}}"), ("mdhub_publisher_n", "{{member}}"),
    )),
    one("Log time stands still", "mdhub_shard_log_age_seconds", "shard {{shard}}", unit="s"),
    one("Raw entries not decided", "mdhub_shard_behind", "shard {{shard}}"),
    Panel("Raw read, commits", (
        (f"rate(mdhub_arbiter_read_total[1m]) {LEADER}", "{{member}} entries"),
        (f"rate(mdhub_arbiter_commits_total[1m]) {LEADER}", "{{member}} commits"),
    ), unit="cps"),
    Panel("Standby", (
        ("mdhub_arbiter_eligible", "{{member}} eligible"),
        ("mdhub_arbiter_standby_waiting", "{{member}} waiting"),
        ("increase(mdhub_arbiter_standby_mismatches_total[10m])", "{{member}} mismatches"),
    )),
    one("Times the log was away", "increase(mdhub_log_outages_total[10m])", "{{member}}"),
    one("The same by state of the server", "increase(mdhub_log_outage_states_total[10m])",
        "{{member}} {{state}}"),
    one("Age of heartbeats", "mdhub_service_beat_age_seconds", "{{service}} {{state}}", unit="s"),
    Panel("Holes and duplicates at the publishers", (
        ("increase(mdhub_publisher_holes_total[10m])", "{{member}} holes"),
        ("increase(mdhub_publisher_duplicates_total[10m])", "{{member}} duplicates"),
    )),
    Panel("Last drill: silence at the client", (
        ('mdhub_drill_silence_seconds{quantile="1"}', "{{row}} worst"),
        ('mdhub_drill_silence_seconds{quantile="0.99"}', "{{row}} p99"),
    ), unit="s"),
    one("Last drill: passed", "mdhub_drill_passed", "{{row}}", kind="table"),
)  # fmt: skip

DASHBOARDS: Final = {
    "overview": ("mdhub: overview", OVERVIEW),
    "sources": ("mdhub: sources", SOURCES),
    "coverage": ("mdhub: coverage", COVERAGE),
    "latency": ("mdhub: latency", LATENCY),
    "limits": ("mdhub: rate limits", LIMITS),
    "log": ("mdhub: log", LOG),
}


def dashboard(name: str) -> dict[str, Any]:
    """Return a dashboard as Grafana reads it."""
    title, panels = DASHBOARDS[name]
    return {
        "uid": f"mdhub-{name}",
        "title": title,
        "tags": ["mdhub"],
        "timezone": "Asia/Shanghai",
        "editable": False,
        "graphTooltip": 1,
        "schemaVersion": 39,
        "refresh": "5s",
        "time": {"from": "now-1h", "to": "now"},
        "links": [{
            "title": "mdhub", "type": "dashboards", "tags": ["mdhub"], "asDropdown": True,
            "keepTime": True, "includeVars": False, "targetBlank": False, "icon": "external link",
        }],
        "panels": _placed(panels),
    }  # fmt: skip


def rendered(name: str) -> str:
    """Return the text of a dashboard's file."""
    return json.dumps(dashboard(name), indent=1) + "\n"


def _placed(panels: tuple[Panel, ...]) -> list[dict[str, Any]]:
    placed: list[dict[str, Any]] = []
    x = y = row = 0
    for number, panel in enumerate(panels, 1):
        height = {"stat": 4, "status-history": 10}.get(panel.kind, 8)
        if x + panel.width > COLUMNS:
            x, y, row = 0, y + row, 0
        place = {"x": x, "y": y, "w": panel.width, "h": height}
        placed.append({"id": number, "gridPos": place, **_panel(panel)})
        x, row = x + panel.width, max(row, height)
    return placed


def _panel(panel: Panel) -> dict[str, Any]:
    shape = {"heatmap": "heatmap", "table": "table"}.get(panel.kind, "time_series")
    targets = [
        {"refId": chr(ord("A") + i), "datasource": SOURCE, "expr": query,
         "legendFormat": legend or "__auto", "format": shape, "instant": panel.kind == "table"}
        for i, (query, legend) in enumerate(panel.queries)
    ]  # fmt: skip
    options: dict[str, Any] = {}
    if panel.kind == "heatmap":
        options = {"calculate": False, "yAxis": {"unit": "s"}, "color": {"scheme": "Oranges"}}
    defaults: dict[str, Any] = {"unit": panel.unit, "thresholds": _thresholds(panel)}
    if panel.bad_from is not None or panel.good_from is not None:
        defaults["color"] = {"mode": "thresholds"}
    return {
        "title": panel.title, "type": panel.kind, "datasource": SOURCE, "targets": targets,
        "fieldConfig": {"defaults": defaults, "overrides": []}, "options": options,
    }  # fmt: skip


def _thresholds(panel: Panel) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if panel.bad_from is not None:
        steps.append({"color": "red", "value": panel.bad_from})
    if panel.good_from is not None:
        steps = [{"color": "red", "value": None}, {"color": "green", "value": panel.good_from}]
    return {"mode": "absolute", "steps": steps}


def main(folder: Path) -> None:
    """Write all dashboards."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in DASHBOARDS:
        (folder / f"{name}.json").write_text(rendered(name), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
