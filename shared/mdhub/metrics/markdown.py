"""`docs/metrics.md`, written from the list of metrics.

`python -m mdhub.metrics.markdown` prints it; a test compares the file with it.
"""

from __future__ import annotations

from typing import Final

from mdhub.metrics.histogram import BOUNDS_NS, SECOND_NS
from mdhub.metrics.names import METRICS, Group, Metric

__all__ = ["metrics_markdown"]

HEAD: Final = """\
# Metrics

Written from the code by `make metrics-docs`.

**Switch them on.** `port` under `[metrics]` of the configuration (0, the default: none): `mdhub
up` gives the processes the ports from it on, the monitor +0, ingest supervisors from +1,
publishers from +10, arbiters from +30 (in the order of the shards), sources from +200 (in the
order of the file), and writes `metrics-targets.json` into its data folder, which Prometheus reads
(`file_sd_configs`). A service started alone takes `--metrics [ADDRESS:]PORT`; an ingest
supervisor also `--metrics-sources`, the first port of its sources. Loopback, unless an address is
given.

| path | answers |
|---|---|
| `/metrics` | the numbers below, and `process_*` (memory, CPU, files) of the process |
| `/healthz` | 200 while the main loop came round within 60 s, else 503; also without a log |
| `/readyz` | 200 while the process does its work and has said so within 3 s, else 503 and why |

**Prometheus.** `deploy/prometheus/prometheus.yml` scrapes, `alerts.yml` alerts, `promtool test
rules deploy/prometheus/alerts_test.yml` tests the rules (Debian: package `prometheus`).
**Grafana.** `deploy/grafana/` is provisioned as it is: mount `provisioning` to
`/etc/grafana/provisioning` and `dashboards` to `/var/lib/grafana/dashboards`.

**What it costs.** Nothing is counted for metrics that the heartbeat does not count, but one
histogram entry per append of a source and one stamp per 10 ms of a publisher. A scrape is
answered by a thread of its own and takes the interpreter of its process for the milliseconds of
rendering: scrape every 5 s or less often.

**Ages and totals.** A number is at most about a second old. A label `member` names the process as
its heartbeat does (`arbiter:A`). What is not known is absent, never 0. Histogram buckets in
seconds:
{bounds}."""

TITLES: Final[dict[Group, str]] = {
    "process": "Every process",
    "arbiter": "Arbiter",
    "source": "Process of a source",
    "supervisor": "Ingest supervisor",
    "publisher": "Publisher",
    "monitor": "Monitor: the health report",
    "drill": "Drills: `mdhub drill --prom FILE`, for a textfile collector",
}


def metrics_markdown() -> str:
    """One table per kind of process."""
    bounds = ", ".join(f"{bound / SECOND_NS:g}" for bound in BOUNDS_NS)
    return "\n\n".join([HEAD.format(bounds=bounds), *map(_section, TITLES)]) + "\n"


def _section(group: Group) -> str:
    rows = [_row(metric) for metric in METRICS if metric.group == group]
    head = "| name | kind | labels | meaning |\n|---|---|---|---|"
    return "\n".join([f"## {TITLES[group]}", "", head, *rows])


def _row(metric: Metric) -> str:
    labels = ", ".join(metric.labels)
    return f"| `{metric.name}` | {metric.kind} | {labels} | {metric.words} |"


if __name__ == "__main__":
    print(metrics_markdown(), end="")  # noqa: T201 - its result is what it prints
