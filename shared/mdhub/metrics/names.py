"""Every metric of the hub: name, kind, labels, meaning. docs/metrics.md is made from this list.

Units stand in the names, as Prometheus wants them: seconds, bytes, ratios from 0 to 1; `_total`
only grows, and begins anew with its process unless the words say otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["BY_NAME", "METRICS", "Group", "Kind", "Metric"]

Kind = Literal["counter", "gauge", "histogram"]
Group = Literal["process", "arbiter", "source", "supervisor", "publisher", "monitor", "drill"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    words: str
    group: Group


def _of(group: Group, *rows: tuple[str, Kind, str, str]) -> tuple[Metric, ...]:
    return tuple(
        Metric(name, kind, tuple(labels.split()), words, group)
        for name, kind, labels, words in rows
    )


PROCESS: Final = _of(
    "process",
    ("mdhub_process_state", "gauge", "member state", "1 for the state the process says it is in."),
    ("mdhub_ready", "gauge", "member", "1 while /readyz says ready."),
    ("mdhub_said_age_seconds", "gauge", "member",
     "Since the process last said something of itself; it does about once a second."),
    ("mdhub_loop_silent_seconds", "gauge", "member", "Since the main loop last came round."),
    ("mdhub_log_outages_total", "counter", "member", "Times the log (server, leader) was away."),
    ("mdhub_log_outage_states_total", "counter", "member state",
     "The same by state of the server, see docs/server-states.md."),
    ("mdhub_counts", "gauge", "member name",
     ("Every other number of the heartbeat under its own name: how a source misbehaved, what its "
     "gateway counts (docs/sources.md, docs/gateways.md).")),
)  # fmt: skip

ARBITER: Final = _of(
    "arbiter",
    ("mdhub_arbiter_leading", "gauge", "member shard", "1 for the leader of the shard."),
    ("mdhub_arbiter_eligible", "gauge", "member",
     "1 for a standby that agrees with the leader and may take over."),
    ("mdhub_arbiter_takeovers_total", "counter", "member shard",
     "Take-overs of the shard since the log was made (the fence token)."),
    ("mdhub_arbiter_n", "gauge", "member", "Newest n decided."),
    ("mdhub_arbiter_read_total", "counter", "member",
     "Raw entries folded since this arbiter began to lead or to stand by."),
    ("mdhub_arbiter_commits_total", "counter", "member", "Commits since it leads."),
    ("mdhub_arbiter_beats_lost_total", "counter", "member",
     "Beats that its own connection for them failed to raise, since it leads."),
    ("mdhub_arbiter_lag_seconds", "gauge", "member",
     "Age of the newest raw entry folded. Clock entries come every 0.1 s, so more is a backlog."),
    ("mdhub_arbiter_snapshots_total", "counter", "member", "Snapshots completed since it leads."),
    ("mdhub_arbiter_snapshot_age_seconds", "gauge", "member",
     "Since the newest complete snapshot of its own, or since it leads."),
    ("mdhub_arbiter_instruments", "gauge", "member", "Instruments in the state."),
    ("mdhub_arbiter_default_hours_total", "counter", "member",
     "Ticks judged by the widest hours of their exchange; since the log was made."),
    ("mdhub_arbiter_verdicts_total", "counter", "member source verdict",
     "Raw ticks by verdict: accepted, duplicate, late, rejected, held; since the log was made."),
    ("mdhub_arbiter_reasons_total", "counter", "member reason",
     "Refused ticks by reason, see docs/rules.md; since the log was made."),
    ("mdhub_arbiter_lost_total", "counter", "member source",
     "Ticks that the source itself said it lost; since the log was made."),
    ("mdhub_arbiter_clock_faults_total", "counter", "member source",
     "Ticks received more than 2 s from log time; since the log was made."),
    ("mdhub_arbiter_source_down", "gauge", "member source", "1 while a verdict says it is down."),
    ("mdhub_arbiter_source_muted", "gauge", "member source", "1 while an operator mutes it."),
    ("mdhub_arbiter_source_active", "gauge", "member source",
     "1 for the active source of mode priority."),
    ("mdhub_arbiter_standby_waiting", "gauge", "member",
     "Raw entries a standby has read and not folded."),
    ("mdhub_arbiter_standby_agreed_total", "counter", "member",
     "Comparisons of n and digest with the leader that were the same."),
    ("mdhub_arbiter_standby_mismatches_total", "counter", "member",
     "Comparisons that were not: two and it never takes over."),
    ("mdhub_arbiter_standby_overtaken_total", "counter", "member",
     "Times raw was trimmed past a standby."),
    ("mdhub_arbiter_commands_unreadable_total", "counter", "member",
     "Commands that nobody could read."),
)  # fmt: skip

SOURCE: Final = _of(
    "source",
    ("mdhub_source_ticks_total", "counter", "source", "Ticks taken from the callback."),
    ("mdhub_source_waiting", "gauge", "source", "Ticks the log does not have yet."),
    ("mdhub_source_dropped_total", "counter", "source",
     "Ticks that the log was away too long for: lost, and said so in raw."),
    ("mdhub_source_resent_total", "counter", "source",
     "Ticks sent again after a reconnect; the log skips those it has."),
    ("mdhub_source_reconnects_total", "counter", "source", "Times the log was left and sought."),
    ("mdhub_source_log_seconds", "histogram", "source",
     "Callback to acknowledged by the log, of the oldest tick of each append."),
    ("mdhub_source_hung", "gauge", "source", "1 if the process before this one stood still."),
    ("mdhub_source_malformed_total", "counter", "source kind",
     "Rows of a recording that could not be read."),
)  # fmt: skip

SUPERVISOR: Final = _of(
    "supervisor",
    ("mdhub_child_running", "gauge", "member source", "1 while the source's process runs."),
    ("mdhub_child_starts_total", "counter", "member source", "Processes started for the source."),
    ("mdhub_child_hung_total", "counter", "member source",
     "Times it was killed because its main loop stood still."),
    ("mdhub_child_quarantined", "gauge", "member source", "1 while it is not started any more."),
)  # fmt: skip

PUBLISHER: Final = _of(
    "publisher",
    ("mdhub_publisher_published_total", "counter", "member", "Live messages sent (not beats)."),
    ("mdhub_publisher_n", "gauge", "member", "Newest n held."),
    ("mdhub_publisher_clients", "gauge", "member",
     "TCP connections to the live port, as the system counts them (Linux; absent elsewhere)."),
    ("mdhub_publisher_answering", "gauge", "member", "Clients with an answer under way."),
    ("mdhub_publisher_requests_total", "counter", "member",
     "Requests taken: hello, snapshot, tails, find, replay."),
    ("mdhub_publisher_refused_total", "counter", "member", "Requests answered with an error."),
    ("mdhub_publisher_busy_total", "counter", "member", "Requests refused because of others."),
    ("mdhub_publisher_clients_dropped_total", "counter", "member",
     "Clients that took nothing for 5 s, or went, while they were answered."),
    ("mdhub_publisher_late_heartbeats_total", "counter", "member",
     "Heartbeats sent more than 0.1 s after they were due."),
    ("mdhub_publisher_ring_entries", "gauge", "member", "Entries in the replay ring, all shards."),
    ("mdhub_publisher_ring_dropped_total", "counter", "member", "Oldest entries it let go."),
    ("mdhub_publisher_instruments", "gauge", "member", "Last values held."),
    ("mdhub_publisher_evicted_total", "counter", "member", "Last values let go."),
    ("mdhub_publisher_duplicates_total", "counter", "member", "Entries read twice, sent once."),
    ("mdhub_publisher_holes_total", "counter", "member", "n that the log no longer had to read."),
    ("mdhub_publisher_undecodable_total", "counter", "member", "Entries that could not be read."),
    ("mdhub_publisher_unknown_kinds_total", "counter", "member",
     "Markers newer than this program, passed on."),
    ("mdhub_publisher_reconnects_total", "counter", "member", "Times the log was left and sought."),
    ("mdhub_publisher_schema_mismatches_total", "counter", "member",
     "Clients that greeted with another wire contract."),
    ("mdhub_publisher_schema_mismatches_untold_total", "counter", "member",
     "Of them those left out of the events: there were too many."),
    ("mdhub_publisher_status_sent_total", "counter", "member", "Events passed on as status.*."),
    ("mdhub_publisher_logs_sent_total", "counter", "member", "Log lines passed on as log.*."),
    ("mdhub_publisher_operations_skips_total", "counter", "member",
     "Times it fell behind with events or log lines and went on with the newest."),
    ("mdhub_publisher_operations_unreadable_total", "counter", "member",
     "Events and log lines that could not be read."),
    ("mdhub_publisher_asked_again_total", "counter", "member",
     "Requests that asked for what was being looked for already."),
    ("mdhub_publisher_clients_allowed", "gauge", "member", "Keys that may connect."),
    ("mdhub_publisher_bad_key_files", "gauge", "member", "Files of keys that cannot be read."),
    ("mdhub_publisher_connections_cut_total", "counter", "member",
     "Connections ended because their key was taken away."),
    ("mdhub_publisher_handshakes_failed_total", "counter", "member", "Connections refused."),
    ("mdhub_publisher_access_denied_untold_total", "counter", "member",
     "Denied messages left out of the events: there were too many."),
    ("mdhub_publisher_held", "gauge", "member",
     "Entries that wait for a replica (profiles replicated, cluster)."),
    ("mdhub_publisher_access_denied_total", "counter", "member",
     "Messages of clients whose key is not allowed."),
    ("mdhub_publisher_unconfirmed_total", "counter", "member",
     "Times replicas did not confirm in time (profiles replicated, cluster)."),
    ("mdhub_hop_seconds", "histogram", "member hop source",
     ("Latency by hop and accepted source: callback_to_raw (raw's stamp: whole milliseconds of the "
     "server's clock), raw_to_decided, decided_to_published, and callback_to_published, the whole "
     "way. Of the last tick of a batch, at most one per 10 ms: not a count of ticks.")),
)  # fmt: skip

MONITOR: Final = _of(
    "monitor",
    ("mdhub_monitor_contracts", "gauge", "member", "Contracts it has seen ticks of."),
    ("mdhub_monitor_findings", "gauge", "member", "Findings it holds."),
    ("mdhub_monitor_alerts_failed_total", "counter", "member",
     "Times that the thread of the alerts met something it was not made for, and began anew."),
    ("mdhub_monitor_findings_dropped_total", "counter", "member",
     "Findings left out: too many stood."),
    ("mdhub_monitor_undecodable_total", "counter", "member", "Raw ticks it could not read."),
    ("mdhub_monitor_refused_controls_total", "counter", "member",
     "Control entries it could not read."),
    ("mdhub_monitor_strangers_total", "counter", "member",
     "Ticks of sources beyond those it can follow."),
    ("mdhub_monitor_unknown_symbols_total", "counter", "member",
     "Ticks of contracts it cannot place."),
    ("mdhub_health_time_seconds", "gauge", "", "Unix time of the health report shown here."),
    ("mdhub_market_time_seconds", "gauge", "", "Market time, as Unix time."),
    ("mdhub_trading_day", "gauge", "", "YYYYMMDD; 0 = none now."),
    ("mdhub_session", "gauge", "session",
     "1 for the phase of the market: night, day, break, closed, holiday."),
    ("mdhub_next_open_time_seconds", "gauge", "", "Market time of the next open; 0 = not known."),
    ("mdhub_calendar_horizon_days", "gauge", "", "Days the trading calendar still covers."),
    ("mdhub_accepted_ticks_per_second", "gauge", "",
     "Committed since the monitor's last look (1 s), marks too."),
    ("mdhub_commit_latency_seconds", "gauge", "quantile", "Callback to commit in clean."),
    ("mdhub_gap_seconds_today", "gauge", "",
     "Seconds of the trading day in which canaries were due and nobody delivered."),
    ("mdhub_source_state", "gauge", "source state", "1 for the state the source says it is in."),
    ("mdhub_source_wanted", "gauge", "source", "1 while it is to be connected."),
    ("mdhub_source_ticks_per_second", "gauge", "source", "Of the last ten seconds."),
    ("mdhub_source_age_seconds", "gauge", "source", "Since its newest tick in raw."),
    ("mdhub_source_win_ratio", "gauge", "source", "Share of accepted ticks it delivered first."),
    ("mdhub_source_lag_seconds", "gauge", "source quantile", "Behind the first source."),
    ("mdhub_source_lag_now_seconds", "gauge", "source",
     "Behind the first now: median of its last five seconds."),
    ("mdhub_source_score", "gauge", "source", "Points of the ranking, see docs/monitor.md."),
    ("mdhub_source_gaps_per_hour", "gauge", "source", "Gaps."),
    ("mdhub_source_duplicates_per_hour", "gauge", "source", "Duplicates of its own ticks."),
    ("mdhub_source_rejected_per_hour", "gauge", "source", "Rejected ticks."),
    ("mdhub_source_restarts_today", "gauge", "source", "Restarts of this trading day."),
    ("mdhub_source_subscribed", "gauge", "source", "Contracts it asked for."),
    ("mdhub_source_confirmed", "gauge", "source", "Of them with a first tick."),
    ("mdhub_source_rank", "gauge", "source", "1 = best; 0 = not ranked."),
    ("mdhub_source_frozen", "gauge", "source", "1 while it repeats an old market."),
    ("mdhub_source_muted", "gauge", "source", "1 while an operator mutes it."),
    ("mdhub_source_down", "gauge", "source", "1 while the monitor calls it down."),
    ("mdhub_service_beat_age_seconds", "gauge", "service state",
     "Age of the newest heartbeat of an instance, and the state it says."),
    ("mdhub_shard_led", "gauge", "shard", "1 while an arbiter leads it."),
    ("mdhub_shard_standby", "gauge", "shard", "1 while a standby agrees."),
    ("mdhub_shard_epoch", "gauge", "shard", "Epoch, UTC ms."),
    ("mdhub_shard_n", "gauge", "shard", "Newest n committed."),
    ("mdhub_shard_log_age_seconds", "gauge", "shard", "Since log time last moved."),
    ("mdhub_shard_behind", "gauge", "shard", "Raw entries not decided yet."),
    ("mdhub_server_used_bytes", "gauge", "", "Memory the server uses."),
    ("mdhub_server_limit_bytes", "gauge", "", "Memory it may use; 0 = no limit."),
    ("mdhub_server_fsync_delayed_total", "counter", "",
     "Appends that waited for the disk; since the server started."),
    ("mdhub_server_call_seconds", "gauge", "", "Slowest call of the last second."),
    ("mdhub_server_clock_offset_seconds", "gauge", "", "Its clock against the monitor's host."),
    ("mdhub_disk_free_bytes", "gauge", "", "Free where the server keeps its data."),
    ("mdhub_disk_total_bytes", "gauge", "", "Size of that disk."),
    ("mdhub_canary_age_seconds", "gauge", "contract", "Since the newest tick of a canary."),
    ("mdhub_canary_limit_seconds", "gauge", "contract", "Its learned limit: older is silent."),
    ("mdhub_canary_open", "gauge", "contract", "1 while it trades."),
    ("mdhub_canary_source_age_seconds", "gauge", "contract source",
     "Since its newest tick from one source."),
    ("mdhub_contracts_wanted", "gauge", "", "Contracts of the wanted universe."),
    ("mdhub_contracts_seen", "gauge", "", "Of them with a tick in this trading day."),
    ("mdhub_contracts_silent", "gauge", "", "Of those that trade, quieter than their limit."),
    ("mdhub_findings", "gauge", "severity", "Findings that stand: error, warning, info."),
    ("mdhub_finding", "gauge", "rule subject severity", "1 for each finding that stands."),
)  # fmt: skip

DRILL: Final = _of(
    "drill",
    ("mdhub_drill_time_seconds", "gauge", "", "Unix time at which the drill ended."),
    ("mdhub_drill_passed", "gauge", "row", "1 = pass, 0 = FAIL; a skipped row is absent."),
    ("mdhub_drill_lost", "gauge", "row", "Ticks lost."),
    ("mdhub_drill_duplicated", "gauge", "row", "Ticks a client got twice."),
    ("mdhub_drill_silence_seconds", "gauge", "row quantile", "Silence at the client; 1 = worst."),
)  # fmt: skip

METRICS: Final = (*PROCESS, *ARBITER, *SOURCE, *SUPERVISOR, *PUBLISHER, *MONITOR, *DRILL)
BY_NAME: Final = {metric.name: metric for metric in METRICS}
