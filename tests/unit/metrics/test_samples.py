"""From heartbeats, reports and drills to samples."""

from __future__ import annotations

from collections import Counter

from mdhub.health.model import CanaryFacts, Finding, HealthReport, ServerFacts, SourceFacts
from mdhub.metrics.histogram import BOUNDS_NS, Histogram
from mdhub.metrics.names import BY_NAME
from mdhub.metrics.of_beat import samples_of_beat
from mdhub.metrics.of_drill import samples_of_drill
from mdhub.metrics.of_health import samples_of_health
from mdhub.metrics.sample import Sample


def beat(member: str, state: str, **counters: int) -> dict[tuple[str, ...], float | Histogram]:
    given = {name.replace("__", ":"): value for name, value in counters.items()}
    found = list(samples_of_beat(member, state, given))
    fits(found)
    return {(sample.name, *sample.labels): sample.value for sample in found}


def fits(samples: list[Sample]) -> None:
    """Each sample has the labels its metric is said to have, and no series comes twice."""
    assert [s for s in samples if len(s.labels) != len(BY_NAME[s.name].labels)] == []
    doubled = [key for key, n in Counter((s.name, s.labels) for s in samples).items() if n > 1]
    assert doubled == []


def test_verdicts_are_told_by_source() -> None:
    """`accepted:A` of the heartbeat is a verdict of source A; milliseconds become seconds."""
    found = beat("arbiter:A", "leading", shard=1, token=3, accepted__A=7, lag_ms=250, lost__A=2)
    assert found["mdhub_arbiter_verdicts_total", "arbiter:A", "A", "accepted"] == 7
    assert found["mdhub_arbiter_lag_seconds", "arbiter:A"] == 0.25
    assert found["mdhub_arbiter_leading", "arbiter:A", "1"] == 1
    assert found["mdhub_arbiter_takeovers_total", "arbiter:A", "1"] == 3
    assert found["mdhub_arbiter_lost_total", "arbiter:A", "A"] == 2


def test_a_standby_leads_nothing() -> None:
    """0 for its shard, so that the sum over a shard says whether anybody leads."""
    found = beat("arbiter:B", "standby", shard=0, waiting=5)
    assert found["mdhub_arbiter_leading", "arbiter:B", "0"] == 0
    assert found["mdhub_arbiter_eligible", "arbiter:B"] == 1
    assert found["mdhub_arbiter_standby_waiting", "arbiter:B"] == 5


def test_what_has_no_metric_of_its_own_keeps_its_name() -> None:
    """No number of a heartbeat gets lost on the way, not even one with a colon."""
    found = beat("ingest:A", "running", taken=9, corrupted=4, strange__thing=1)
    assert found["mdhub_source_ticks_total", "A"] == 9
    assert found["mdhub_counts", "ingest:A", "corrupted"] == 4
    assert found["mdhub_counts", "ingest:A", "strange:thing"] == 1


def test_outages_are_told_also_when_there_was_none() -> None:
    """A counter that appears with its first event hides that event from `increase`."""
    assert beat("publisher:A", "ok")["mdhub_log_outages_total", "publisher:A"] == 0
    found = beat("publisher:A", "ok", outages=2, outage__oom=1)
    assert found["mdhub_log_outages_total", "publisher:A"] == 2
    assert found["mdhub_log_outage_states_total", "publisher:A", "oom"] == 1


def test_a_source_may_be_called_anything() -> None:
    """A colon in a name, or a name like a counter's, moves no number elsewhere."""
    found = beat("arbiter:A", "leading", accepted__x__y=1, rejected__n=2)
    assert found["mdhub_arbiter_verdicts_total", "arbiter:A", "x:y", "accepted"] == 1
    assert found["mdhub_arbiter_verdicts_total", "arbiter:A", "n", "rejected"] == 2


def test_what_a_report_does_not_know_is_absent() -> None:
    """None is not 0: no lag, no latency, no disk."""
    report = HealthReport(sources=[SourceFacts(name="A", state="running")])
    samples = list(samples_of_health(report))
    fits(samples)
    names = {sample.name for sample in samples}
    unknown = {"mdhub_source_lag_seconds", "mdhub_source_age_seconds", "mdhub_disk_free_bytes",
               "mdhub_commit_latency_seconds", "mdhub_source_win_ratio"}  # fmt: skip
    assert names & unknown == set()
    assert "mdhub_source_ticks_per_second" in names


def test_a_report_is_told_in_seconds_and_by_subject() -> None:
    """Milliseconds become seconds; findings are counted by severity, also when there are none."""
    found = Finding(key="a:b", rule="source_silent", subject="B", severity="error", since_ns=1)
    report = HealthReport(
        ts_ns=2_000_000_000, session="day", server=ServerFacts(call_ms=5.0), findings=[found],
        canaries=[CanaryFacts(name="rb.SHFE", age_ms=1_500, limit_ms=3_000, open=True,
                              by_source={"A": 1_500})],
    )  # fmt: skip
    samples = list(samples_of_health(report))
    fits(samples)
    values = {(s.name, *s.labels): s.value for s in samples}
    assert values["mdhub_health_time_seconds",] == 2
    assert values["mdhub_server_call_seconds",] == 0.005
    assert values["mdhub_canary_source_age_seconds", "rb.SHFE", "A"] == 1.5
    assert values["mdhub_session", "day"] == 1 and values["mdhub_session", "night"] == 0
    assert values["mdhub_findings", "error"] == 1 and values["mdhub_findings", "info"] == 0
    assert values["mdhub_finding", "source_silent", "B", "error"] == 1


def test_a_skipped_row_of_a_drill_neither_passed_nor_failed() -> None:
    """It is absent; one that failed is 0."""
    row = {"lost": 3, "duplicated": 0, "silence_p50_s": 0.1, "silence_p99_s": None,
           "silence_max_s": 0.4}  # fmt: skip
    rows = [row | {"id": "P1", "verdict": "FAIL"}, row | {"id": "S1", "verdict": "skipped"}]
    samples = list(samples_of_drill(rows, 5.0))
    fits(samples)
    values = {(s.name, *s.labels): s.value for s in samples}
    assert values["mdhub_drill_passed", "P1"] == 0
    assert values["mdhub_drill_lost", "P1"] == 3
    assert values["mdhub_drill_silence_seconds", "P1", "1"] == 0.4
    assert ("mdhub_drill_silence_seconds", "P1", "0.99") not in values
    assert "S1" not in {key[1] for key in values if len(key) > 1}


def test_a_histogram_counts_each_duration_once() -> None:
    """A bound belongs to the bucket it ends; a negative duration is 0, not an error."""
    histogram = Histogram()
    for ns in (-5, BOUNDS_NS[0], BOUNDS_NS[0] + 1, BOUNDS_NS[-1] + 1):
        histogram.observe(ns)
    buckets = histogram.buckets()
    assert [count for _, count in buckets[:2]] == [2, 3]
    assert buckets[-1] == ("+Inf", 4)
    assert histogram.sum_ns == BOUNDS_NS[0] * 2 + BOUNDS_NS[-1] + 2
