"""A real Prometheus (Debian: package `prometheus`) that scrapes what a test runs."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mdhub.host.ports import free_port_pair

__all__ = ["Prometheus", "needed", "running_prometheus"]

ROOT = Path(__file__).resolve().parents[2]


def needed(tool: str) -> str:
    """Path of a program of Debian's package prometheus; without it the test is skipped."""
    path = shutil.which(tool)
    if path is None:
        pytest.skip(f"{tool} was not found: apt-get install prometheus")
    return path


class Prometheus:
    """Answers queries."""

    def __init__(self, url: str) -> None:
        self._url = url

    def get(self, path: str, **query: str) -> Any:
        url = f"{self._url}{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=5) as reply:  # noqa: S310 - loopback
            return json.load(reply)["data"]

    def query(self, expr: str) -> list[dict[str, Any]]:
        """Series of now; an expression it does not understand is an error."""
        found: list[dict[str, Any]] = self.get("/api/v1/query", query=expr)["result"]
        return found

    def up(self) -> dict[str, bool]:
        """Process -> whether its newest scrape succeeded."""
        try:
            found = self.query("up")
        except OSError:
            return {}
        return {each["metric"].get("process", ""): each["value"][1] == "1" for each in found}


@contextmanager
def running_prometheus(folder: Path, targets: Sequence[Path]) -> Iterator[Prometheus]:
    """Run it with the hub's own configuration, five times as fast."""
    program = needed("prometheus")
    (folder / "targets").mkdir(parents=True)
    for number, target in enumerate(targets):
        (folder / "targets" / f"{number}.json").symlink_to(target)
    shutil.copy(ROOT / "deploy/prometheus/alerts.yml", folder)
    config = (ROOT / "deploy/prometheus/prometheus.yml").read_text()
    for slow, fast in (("scrape_interval: 5s", "scrape_interval: 1s"),
                       ("scrape_timeout: 4s", "scrape_timeout: 1s"),
                       ("evaluation_interval: 5s", "evaluation_interval: 1s"),
                       ("refresh_interval: 10s", "refresh_interval: 1s")):  # fmt: skip
        assert slow in config
        config = config.replace(slow, fast)
    (folder / "prometheus.yml").write_text(config)
    port = free_port_pair()
    with (folder / "prometheus.log").open("w") as log:
        process = subprocess.Popen(
            [program, "--config.file", "prometheus.yml", "--storage.tsdb.path", "data",
             "--web.listen-address", f"127.0.0.1:{port}"],
            cwd=folder, stdout=log, stderr=log,
        )  # fmt: skip
        try:
            yield Prometheus(f"http://127.0.0.1:{port}")
        finally:
            process.terminate()
            process.wait(10)
