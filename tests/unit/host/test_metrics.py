"""Which process serves its metrics where."""

from __future__ import annotations

import json
from pathlib import Path

from mdhub.host.metrics import TARGETS, write_targets
from mdhub.host.stack import HubPlan, Publisher, metrics_of
from mdhub.runtime.metrics import Address


def plan(folder: Path, port: int, host: str = "127.0.0.1") -> HubPlan:
    return HubPlan(
        folder=folder, shards=64, standby=True, supervisors=2,
        publishers=tuple(Publisher(f"P{i}", 5555 + 2 * i) for i in range(20)),
        sources=tuple(json.dumps({"name": f"S{i}"}) for i in range(60)),
        metrics=Address(host, port),
    )  # fmt: skip


def test_no_two_processes_share_a_port(tmp_path: Path) -> None:
    """Not even of a hub of 64 shards, 20 publishers and 60 sources."""
    ports = [at.port for at in metrics_of(plan(tmp_path, 9_000)).values()]
    assert len(ports) == 1 + 2 + 20 + 128 + 60
    assert len(set(ports)) == len(ports)
    assert min(ports) == 9_000 and max(ports) < 9_300


def test_the_list_for_prometheus_names_every_process(tmp_path: Path) -> None:
    """Who listens on every address is reached on this host; the list goes when metrics do."""
    processes = metrics_of(plan(tmp_path, 9_000, "0.0.0.0"))  # noqa: S104
    write_targets(tmp_path, processes)
    shown = json.loads((tmp_path / TARGETS).read_text())
    assert shown[0] == {"targets": ["127.0.0.1:9000"], "labels": {"process": "monitor"}}
    assert {each["labels"]["process"] for each in shown} == processes.keys()

    write_targets(tmp_path, metrics_of(plan(tmp_path, 0)))
    assert list(tmp_path.iterdir()) == []
