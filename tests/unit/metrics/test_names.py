"""The list of metrics, and the files written from it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from mdhub.metrics.markdown import metrics_markdown
from mdhub.metrics.names import BY_NAME, METRICS
from tests.support.prometheus import ROOT, needed

PROMETHEUS = ROOT / "deploy/prometheus"


def test_names_are_as_prometheus_wants_them() -> None:
    """Once each; `_total` at counters alone; seconds and bytes, not milliseconds or kilobytes."""
    names = [metric.name for metric in METRICS]
    assert len(names) == len(BY_NAME)
    assert [name for name in names if not re.fullmatch(r"mdhub_[a-z_]+", name)] == []
    totals = {m.name for m in METRICS if m.name.endswith("_total")}
    assert totals == {m.name for m in METRICS if m.kind == "counter"}
    assert [name for name in names if re.search(r"_(ms|ns|kb|mb|percent)(_|$)", name)] == []


def test_the_page_is_that_of_the_code() -> None:
    """`make metrics-docs` was run."""
    assert (ROOT / "docs/metrics.md").read_text() == metrics_markdown()


def test_the_dashboards_are_those_of_the_list(tmp_path: Path) -> None:
    """`make metrics-docs` was run; there is no file that nobody writes."""
    subprocess.run([sys.executable, ROOT / "scripts/dashboards.py", tmp_path], check=True)
    committed = ROOT / "deploy/grafana/dashboards"
    written = {file.name: file.read_text() for file in tmp_path.iterdir()}
    assert {file.name: file.read_text() for file in committed.iterdir()} == written
    assert len(written) == 6


def test_dashboards_and_alerts_ask_for_metrics_of_the_list() -> None:
    """A renamed metric is missed here, not in an incident."""
    files = [*ROOT.glob("deploy/grafana/dashboards/*.json"), *PROMETHEUS.glob("alerts*.yml")]
    asked = {name for file in files for name in re.findall(r"mdhub_[a-z_]+", file.read_text())}
    unknown = {name for name in asked if re.sub(r"_(bucket|count|sum)$", "", name) not in BY_NAME}
    assert unknown == set()


def test_every_alert_has_words_a_severity_and_a_page() -> None:
    """Who is woken knows where to read on."""
    alerts = (PROMETHEUS / "alerts.yml").read_text().split("- alert: ")[1:]
    assert len(alerts) > 20
    for text in alerts:
        name = text.partition("\n")[0]
        assert re.search(r"severity: [\"{]*(error|warning|\$labels|{)|severity: \"", text), name
        assert "summary:" in text and "description:" in text, name
        assert re.search(r"page: docs/ops/[a-z-]+\.md|page: docs/ops/README\.md", text), name


@pytest.mark.parametrize(
    "arguments",
    [("check", "config", "prometheus.yml"), ("check", "config", "compose.yml"),
     ("check", "rules", "alerts.yml"),
     ("test", "rules", "alerts_test.yml")],
    ids=" ".join,
)  # fmt: skip
def test_promtool_finds_nothing_wrong(arguments: tuple[str, ...]) -> None:
    """Configuration and rules are valid, and rules do what their own tests say."""
    done = subprocess.run(
        [needed("promtool"), *arguments], cwd=PROMETHEUS, capture_output=True, text=True,
        timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
