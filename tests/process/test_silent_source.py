"""What a strategy is told when a source falls silent, through the whole chain."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import mdhub
from mdhub.host.ports import free_port_pair
from mdhub.host.stack import Host, HubPlan, Publisher
from mdhub.market.synthetic import SyntheticMarket
from tests.integration.running import Strategy
from tests.support.wait import until

pytestmark = [pytest.mark.process, pytest.mark.timeout(90)]

MARKET = {"seed": 20261121, "ticks_per_s": 90.0}
BUSIEST = SyntheticMarket(seed=20261121, ticks_per_s=90.0).contracts[0]
NAME = f"{BUSIEST.symbol}.{BUSIEST.exchange}"


@contextmanager
def running_hub() -> Iterator[tuple[Host, str]]:
    source = json.dumps({"name": "A", "sim": MARKET})
    port = free_port_pair()
    with tempfile.TemporaryDirectory(prefix="mdhub-silent-") as name:
        publishers = (Publisher("A", port),)
        plan = HubPlan(Path(name), profile="fast", publishers=publishers, sources=(source,))
        host = Host(plan)
        try:
            host.start_server()
            host.start("arbiter", "publisher", "ingest")
            yield host, f"tcp://127.0.0.1:{port}"
        finally:
            host.stop()


def test_a_strategy_is_told_of_silence_and_of_what_it_missed() -> None:
    """The only source dies: `maybe_stale`; back again: `gap`, though no number is missing."""
    told: list[tuple[str, str, str]] = []
    with running_hub() as (host, endpoint), Strategy(mdhub.connect(endpoint), NAME) as strategy:
        strategy.hub.on_quality = lambda *quality: told.append(quality)
        until(lambda: len(strategy.got) > 20, "the contract's habits to be known", timeout_s=30)
        assert told == []
        host.keeper.stop("ingest")
        until(lambda: told, "the silence to be told", timeout_s=20)
        ticks = len(strategy.got)
        host.start("ingest")
        until(lambda: len(strategy.got) > ticks, "ticks to come again", timeout_s=20)
        until(lambda: len(told) > 1, "the hole to be told", timeout_s=5)

    assert [(name, quality) for name, quality, _ in told[:2]] == [
        (NAME, "maybe_stale"),
        (NAME, "gap"),
    ]
    assert "silent for" in told[0][2]
    assert "lots" in told[1][2]
    assert strategy.gaps == [], "a marker is no hole in k"
