"""A real Prometheus scrapes a running hub; dashboards and alerts find what they ask for."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from mdhub.health.model import (
    CanaryFacts,
    CoverageFacts,
    Finding,
    HealthReport,
    ServerFacts,
    ServiceFacts,
    ShardFacts,
    SourceFacts,
)
from mdhub.host.metrics import TARGETS
from mdhub.host.ports import free_port_pair
from mdhub.metrics.names import BY_NAME
from mdhub.metrics.of_drill import samples_of_drill
from mdhub.metrics.of_health import samples_of_health
from mdhub.metrics.sample import Sample
from mdhub.runtime.health_http import HealthServer
from mdhub.runtime.metrics import Address, Board
from tests.support.prometheus import ROOT, Prometheus, needed, running_prometheus
from tests.support.wait import until

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]

PROCESSES = {
    "monitor", "ingest 1", "ingest 2", "publisher A", "publisher B", "arbiter A", "arbiter B",
    "source A", "source B",
}  # fmt: skip
CONFIG = """\
[hub]
data = "data"
profile = "fast"
[[publishers]]
port = {port}
[[publishers]]
id = "B"
port = {second}
[[sources]]
name = "A"
type = "sim"
misbehave = "corrupt=0.02,calm_s=0"
[[sources]]
name = "B"
type = "sim"
misbehave = "lag_ms=1-3"
[metrics]
port = {metrics}
"""
RARE = {
    "mdhub_log_outage_states_total", "mdhub_source_malformed_total", "mdhub_arbiter_source_down",
    "mdhub_arbiter_source_muted", "mdhub_arbiter_source_active",
    "mdhub_arbiter_commands_unreadable_total", "mdhub_publisher_access_denied_total",
    "mdhub_publisher_access_denied_untold_total", "mdhub_publisher_clients_allowed",
    "mdhub_publisher_bad_key_files", "mdhub_publisher_connections_cut_total",
    "mdhub_publisher_handshakes_failed_total", "mdhub_publisher_held",
    "mdhub_publisher_unconfirmed_total",
}  # fmt: skip
"""Only there once such a thing has happened, with keys, or in another profile."""
RARE_PANELS = {
    "Gateways: requests refused by the front or held back",
    "Log lines left out",
    "The same by state of the server",
}
"""Simulated sources have no front."""


def free_base() -> int:
    """Return a port from which 300 are most likely free: below those the system gives away."""
    return 20_000 + free_port_pair() % 10_000


def sample_report() -> HealthReport:
    """A report of a market in trouble: what a well hub has none of."""
    now_ns = time.time_ns()
    source = SourceFacts(
        name="S", state="running", age_ms=40, win_rate=0.6, lag_p50_ms=1.5, lag_p99_ms=9.0,
        score=0.8, subscribed=10, confirmed=9, rank=1,
    )  # fmt: skip
    return HealthReport(
        ts_ns=now_ns, monitor="monitor:sample", market_ns=now_ns, trading_day=20261123,
        session="day", next_open_ns=now_ns, horizon_days=40, accepted_per_s=100.0,
        latency_p50_ms=0.7, latency_p99_ms=3.0, sources=[source],
        services=[ServiceFacts(instance="arbiter:S", state="leading", age_ms=300, pid=1)],
        shards=[ShardFacts(shard=0, leader="arbiter:S", standby="arbiter:T", n=10)],
        server=ServerFacts(used_bytes=1, limit_bytes=10, disk_free_bytes=5, disk_total_bytes=10),
        canaries=[CanaryFacts(name="rb2701.SHFE", age_ms=500, limit_ms=5_000, open=True,
                              by_source={"S": 500})],
        coverage=CoverageFacts(wanted=10, seen=9),
        findings=[Finding(key="slow_clients:publisher:A", rule="slow_clients",
                          subject="publisher:A", severity="warning", since_ns=now_ns)],
    )  # fmt: skip


def sample_drill() -> dict[str, Any]:
    return {"id": "P1", "verdict": "pass", "lost": 0, "duplicated": 0, "silence_p50_s": 0.1,
            "silence_p99_s": 0.2, "silence_max_s": 0.2}  # fmt: skip


def samples() -> Iterator[Sample]:
    yield from samples_of_health(sample_report())
    yield from samples_of_drill([sample_drill()], time.time())


@pytest.fixture(scope="module")
def targets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Path]]:
    """A hub, and beside it a process that shows what only a hub in trouble shows."""
    needed("prometheus")
    folder = tmp_path_factory.mktemp("hub")
    file = folder / "hub.toml"
    ports = {"port": free_port_pair(), "second": free_port_pair(), "metrics": free_base()}
    file.write_text(CONFIG.format(**ports))
    board = Board("monitor:sample")
    board.say("watching", {})
    server = HealthServer(Address("127.0.0.1", 0), board, samples)
    sample = folder / "sample.json"
    labels = {"process": "sample"}
    sample.write_text(json.dumps([{"targets": [f"127.0.0.1:{server.port}"], "labels": labels}]))
    with (folder / "up.log").open("w") as log:
        up = subprocess.Popen(
            [sys.executable, "-m", "mdhub.cli.app", "up", "--config", str(file)], stderr=log
        )
        try:
            yield [folder / "data" / TARGETS, sample]
        finally:
            up.send_signal(signal.SIGTERM)
            up.wait(20)
            server.close()


@pytest.fixture(scope="module")
def prometheus(
    targets: list[Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prometheus]:
    """It has scraped everybody often enough to know rates, and clients' ticks have come by."""
    folder = tmp_path_factory.mktemp("prometheus") / "run"
    with running_prometheus(folder, targets) as running:
        until(
            lambda: {name for name, up in running.up().items() if up} >= PROCESSES | {"sample"},
            "every process to be scraped", timeout_s=40,
        )  # fmt: skip
        settled = 'sum(rate(mdhub_hop_seconds_count{hop="callback_to_published"}[1m])) > 0'
        for expr in (
            settled, "mdhub_arbiter_eligible == 1", 'mdhub_shard_led{process="monitor"} == 1',
            'rate(mdhub_arbiter_verdicts_total{verdict="rejected"}[1m]) > 0',
        ):  # fmt: skip
            until(lambda expr=expr: running.query(expr), expr, timeout_s=40)  # type: ignore[misc]
        yield running


def series(prometheus: Prometheus) -> set[str]:
    names: list[str] = prometheus.get("/api/v1/label/__name__/values")
    return set(names)


def test_every_metric_of_the_list_is_there(prometheus: Prometheus) -> None:
    """What docs/metrics.md promises a running hub shows, and nothing that is not in the list."""
    found = {
        re.sub(r"_(bucket|sum|count)$", "", name) if name not in BY_NAME else name
        for name in series(prometheus)
        if name.startswith("mdhub_")
    }
    assert BY_NAME.keys() - found - RARE == set()
    assert found - BY_NAME.keys() == set()


def test_nothing_of_the_hubs_own_processes_goes_unnamed(prometheus: Prometheus) -> None:
    """Numbers of arbiters and publishers have metrics of their own; others go by their names."""
    others = prometheus.query('mdhub_counts{member=~"(arbiter|publisher|supervisor):.*"}')
    assert [(each["metric"]["member"], each["metric"]["name"]) for each in others] == []
    assert prometheus.query('mdhub_counts{member="ingest:A",name="corrupted"} > 0')


@pytest.mark.parametrize(
    "name", sorted(file.stem for file in (ROOT / "deploy/grafana/dashboards").glob("*.json"))
)
def test_every_query_of_a_dashboard_finds_something(prometheus: Prometheus, name: str) -> None:
    """No panel of a hub at work is empty but those that wait for an incident."""
    dashboard = json.loads((ROOT / f"deploy/grafana/dashboards/{name}.json").read_text())

    def empty() -> list[tuple[str, str]]:
        return [
            (panel["title"], target["expr"])
            for panel in dashboard["panels"]
            for target in panel["targets"]
            if not prometheus.query(target["expr"]) and panel["title"] not in RARE_PANELS
        ]

    with suppress(AssertionError):  # a rate needs two scrapes
        until(lambda: not empty(), f"every query of {name} to find something", timeout_s=30)
    assert empty() == []


def test_every_alert_asks_for_what_is_there_and_finds_a_well_hub_well(
    prometheus: Prometheus,
) -> None:
    """Each expression is understood, each metric in it exists, and none but the sample fires."""
    groups = prometheus.get("/api/v1/rules")["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    known = series(prometheus)
    asked = {name for rule in rules for name in re.findall(r"mdhub_\w+", rule["query"])}
    firing = {rule["name"] for rule in rules if rule["state"] == "firing"}

    assert len(rules) > 20
    assert asked - known == set()
    assert [rule["name"] for rule in rules if rule["health"] == "err"] == []
    assert firing - {"MdhubFinding"} == set(), "the sample report holds a finding"


def test_every_process_says_that_it_lives_and_does_its_work(
    prometheus: Prometheus, targets: list[Path]
) -> None:
    """GET /healthz and /readyz answer 200 everywhere."""
    addresses = {each["targets"][0] for each in json.loads(targets[0].read_text())}
    said = [
        urllib.request.urlopen(f"http://{address}/{path}", timeout=5).read().decode()
        for address in sorted(addresses)
        for path in ("healthz", "readyz")
    ]
    assert len(addresses) == len(PROCESSES)
    assert [line for line in said if not line.endswith(": ok\n")] == []
