"""Samples from what a process says in its heartbeat. Pure.

A number without a metric of its own is shown under its own name in `mdhub_counts`: none is lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from mdhub.metrics.sample import Sample

__all__ = ["samples_of_beat"]

_PLAIN: Final[Mapping[str, Mapping[str, str]]] = {
    "arbiter": {
        "n": "mdhub_arbiter_n",
        "read": "mdhub_arbiter_read_total",
        "commits": "mdhub_arbiter_commits_total",
        "beats_lost": "mdhub_arbiter_beats_lost_total",
        "lag_ms": "mdhub_arbiter_lag_seconds",
        "snapshots": "mdhub_arbiter_snapshots_total",
        "snapshot_age_ms": "mdhub_arbiter_snapshot_age_seconds",
        "instruments": "mdhub_arbiter_instruments",
        "default_hours": "mdhub_arbiter_default_hours_total",
        "waiting": "mdhub_arbiter_standby_waiting",
        "agreed": "mdhub_arbiter_standby_agreed_total",
        "mismatches": "mdhub_arbiter_standby_mismatches_total",
        "overtaken": "mdhub_arbiter_standby_overtaken_total",
        "commands_unreadable": "mdhub_arbiter_commands_unreadable_total",
    },
    "ingest": {
        "taken": "mdhub_source_ticks_total",
        "waiting": "mdhub_source_waiting",
        "dropped": "mdhub_source_dropped_total",
        "resent": "mdhub_source_resent_total",
        "reconnects": "mdhub_source_reconnects_total",
        "hung": "mdhub_source_hung",
    },
    "monitor": {
        "contracts": "mdhub_monitor_contracts",
        "findings": "mdhub_monitor_findings",
        "alerts_failed": "mdhub_monitor_alerts_failed_total",
        "findings_dropped": "mdhub_monitor_findings_dropped_total",
        "undecodable": "mdhub_monitor_undecodable_total",
        "refused_controls": "mdhub_monitor_refused_controls_total",
        "strangers": "mdhub_monitor_strangers_total",
        "unknown_symbols": "mdhub_monitor_unknown_symbols_total",
    },
    "publisher": {
        "n": "mdhub_publisher_n",
        "answering": "mdhub_publisher_answering",
        "ring_entries": "mdhub_publisher_ring_entries",
        "instruments": "mdhub_publisher_instruments",
        "clients_allowed": "mdhub_publisher_clients_allowed",
        "bad_key_files": "mdhub_publisher_bad_key_files",
        "held": "mdhub_publisher_held",
        **{
            name: f"mdhub_publisher_{name}_total"
            for name in (
                "published", "requests", "refused", "busy", "clients_dropped", "late_heartbeats",
                "ring_dropped", "evicted", "duplicates", "holes", "undecodable", "unknown_kinds",
                "reconnects", "asked_again", "schema_mismatches", "schema_mismatches_untold",
                "access_denied", "access_denied_untold", "connections_cut", "handshakes_failed",
                "unconfirmed", "status_sent", "logs_sent", "operations_skips",
                "operations_unreadable",
            )
        },
    },
}  # fmt: skip
"""Service -> counter of its heartbeat -> metric with the one label `member` or `source`."""

_VERDICTS: Final = frozenset({"accepted", "duplicate", "late", "rejected", "held"})
_BY_SUBJECT: Final[Mapping[tuple[str, str], str]] = {
    ("arbiter", "lost"): "mdhub_arbiter_lost_total",
    ("arbiter", "clock_faults"): "mdhub_arbiter_clock_faults_total",
    ("arbiter", "down"): "mdhub_arbiter_source_down",
    ("arbiter", "muted"): "mdhub_arbiter_source_muted",
    ("arbiter", "active"): "mdhub_arbiter_source_active",
    ("arbiter", "reason"): "mdhub_arbiter_reasons_total",
    ("ingest", "malformed"): "mdhub_source_malformed_total",
    ("supervisor", "running"): "mdhub_child_running",
    ("supervisor", "starts"): "mdhub_child_starts_total",
    ("supervisor", "hung"): "mdhub_child_hung_total",
    ("supervisor", "quarantined"): "mdhub_child_quarantined",
}
"""Counters such as `lost:A`: service and what stands before the colon -> metric."""

_SUM_OF_OTHERS: Final = frozenset({"malformed_rows"})
LEADING: Final = "leading"
STANDBY: Final = "standby"


def samples_of_beat(member: str, state: str, counters: Mapping[str, int]) -> Iterator[Sample]:
    """Yield what a process said: `member` is `service:id`, as in its heartbeat."""
    service, _, name = member.partition(":")
    yield Sample("mdhub_process_state", (member, state), 1)
    yield Sample("mdhub_log_outages_total", (member,), counters.get("outages", 0))
    if service == "arbiter":
        yield from _office(member, state, counters)
    plain, own = _PLAIN.get(service, {}), name if service == "ingest" else member
    for key, value in counters.items():
        before, colon, subject = key.partition(":")
        if before == "outage" and colon:
            yield Sample("mdhub_log_outage_states_total", (member, subject), value)
        elif key in plain:
            yield Sample(plain[key], (own,), value / 1000 if key.endswith("_ms") else value)
        elif service == "arbiter" and before in _VERDICTS and colon:
            yield Sample("mdhub_arbiter_verdicts_total", (member, subject, before), value)
        elif (service, before) in _BY_SUBJECT and colon:
            yield Sample(_BY_SUBJECT[service, before], (own, subject), value)
        elif key not in _SPOKEN and key not in _SUM_OF_OTHERS:
            yield Sample("mdhub_counts", (member, key), value)


_SPOKEN: Final = frozenset({"outages", "shard", "token"})
"""Told already."""


def _office(member: str, state: str, counters: Mapping[str, int]) -> Iterator[Sample]:
    yield Sample("mdhub_arbiter_eligible", (member,), state == STANDBY)
    if "shard" in counters:
        shard = str(counters["shard"])
        yield Sample("mdhub_arbiter_leading", (member, shard), state == LEADING)
        if "token" in counters:
            yield Sample("mdhub_arbiter_takeovers_total", (member, shard), counters["token"])
