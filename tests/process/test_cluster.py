"""Real processes on a cluster of three masters and four shards: nothing lost, nothing doubled."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from mdhub.demo.checker import Report, check
from mdhub.demo.market import SimDemo
from mdhub.demo.progress import StrategyVoice
from mdhub.demo.receipts import read_receipts
from mdhub.host.cluster import LocalCluster
from mdhub.host.ports import free_port_pair
from mdhub.host.stack import Host, HubPlan, Publisher
from mdhub.runtime.heartbeat import decode_beat
from mdhub.runtime.keeper import ChildSpec
from mdhub.streams.errors import StreamsError
from mdhub.streams.port import Leadership, Log
from mdhub.streams.topology import Keys
from tests.support.recompute import assert_clean_is_f_of_raw
from tests.support.wait import until

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]

SEED = 20261121
SHARDS = 4
TICKS_PER_S = 1_000.0
STILL_ROUNDS = 60
SOURCES = ("ingest:A", "ingest:B")


@dataclass
class Stage:
    """A hub over a cluster, two sources and a strategy."""

    cluster: LocalCluster
    host: Host
    market: SimDemo
    receipts: Path

    @property
    def keys(self) -> Keys:
        return Keys("mdhub:")

    def leaderships(self) -> list[Leadership]:
        """Leadership of each shard, on the server that leads it; empty while one cannot tell."""
        self.host.keeper.converge()
        try:
            log = self.host.open_log()
        except StreamsError:
            return []
        try:
            found = [log.leadership(shard) for shard in range(SHARDS)]
            here = [log.incarnation(shard) for shard in range(SHARDS)]
        except StreamsError:
            return []
        finally:
            log.close()
        return found if [leader.incarnation for leader in found] == here else []

    def received(self) -> int:
        return sum(1 for _ in read_receipts(self.receipts))

    def wait_play(self) -> None:
        """Wait until both sources play and ticks arrive."""
        with closing(self.host.open_log()) as log:
            until(lambda: log.beats().keys() >= set(SOURCES), "both sources to play")
        until(lambda: self.received() > TICKS_PER_S / 2, "the first ticks")

    def run_to_the_end(self) -> Report:
        """Let the sources end, the chain drain and the strategy stop; judge."""
        keeper, log = self.host.keeper, self.host.open_log()

        def ended() -> bool:
            keeper.converge()
            beats = {name: decode_beat(beat) for name, beat in log.beats().items()}
            return all(beats[source].state == "ended" for source in SOURCES)

        until(ended, "both sources to end", timeout_s=40)
        until_still(lambda: sum(log.positions(shard).n for shard in range(SHARDS)))
        until_still(lambda: self.receipts.stat().st_size)
        process = keeper.children["strategy"].process
        assert process is not None
        process.send_signal(signal.SIGTERM)
        process.wait(10)
        keeper.stop("strategy")
        self.judge(log)
        log.close()
        return check(self.market.truth(), read_receipts(self.receipts))

    def judge(self, log: Log) -> None:
        """Each shard's clean stream is what its raw stream gives."""
        checked = [assert_clean_is_f_of_raw(log, shard) for shard in range(SHARDS)]
        assert all(each.raw > 100 for each in checked), checked


def until_still(value: object) -> None:
    """Wait until a number has not changed for some looks (10 ms apart)."""
    assert callable(value)
    seen: list[int] = []

    def looked() -> bool:
        seen.append(value())
        return len(seen) > STILL_ROUNDS and len(set(seen[-STILL_ROUNDS:])) == 1

    until(looked, "the chain to drain")


@contextmanager
def stage(folder: Path, play_s: float) -> Iterator[Stage]:
    market = SimDemo(SEED, TICKS_PER_S, play_s)
    sources = market.sources()
    for source in sources:
        source["misbehave"] = "repeat=0.01,seed=1"
    port = free_port_pair()
    with LocalCluster(folder / "cluster") as cluster:
        plan = HubPlan(
            folder=folder / "data",
            url=cluster.url,
            shards=SHARDS,
            publishers=(Publisher("A", port),),
            sources=tuple(json.dumps(source) for source in sources),
        )
        host = Host(plan)
        receipts = folder / "receipts"
        try:
            host.start_server()
            host.start("arbiter", "publisher")
            host.wait_leader()
            _start_strategy(host, receipts, port)
            host.start("ingest")
            playing = Stage(cluster, host, market, receipts)
            playing.wait_play()
            yield playing
        finally:
            host.stop()


def _start_strategy(host: Host, receipts: Path, port: int) -> None:
    command = [
        sys.executable, "-m", "mdhub.demo.strategy", "--out", str(receipts),
        f"tcp://127.0.0.1:{port}",
    ]  # fmt: skip
    spec = ChildSpec(
        "strategy", lambda _: command, stdout=subprocess.PIPE, restart_after_success=False
    )
    child = host.keeper.want(spec)
    host.keeper.converge()
    assert StrategyVoice(child.output()).ready.wait(20), "the strategy did not connect"


def assert_nothing_wrong(report: Report, play_s: float) -> None:
    assert report.clean, (f"seed {SEED}", report)
    assert report.received > TICKS_PER_S * play_s * 0.8


def test_four_shards_live_on_three_masters(tmp_path: Path) -> None:
    """Arbiters, sources and the publisher each find the master of every shard."""
    with stage(tmp_path, play_s=2.0) as playing:
        owners = {playing.cluster.master_of(playing.keys.leader(x)).name for x in range(SHARDS)}

        assert_nothing_wrong(playing.run_to_the_end(), 2.0)
        assert len(owners) == 3


def test_a_killed_master_that_comes_back_has_lost_nothing(tmp_path: Path) -> None:
    """Appends are on disk before they are answered: a new incarnation, under the same epoch."""
    with stage(tmp_path, play_s=4.0) as playing:
        before = playing.leaderships()
        node = playing.cluster.master_of(playing.keys.leader(0))
        playing.cluster.kill(node)
        playing.cluster.start(node)

        def led_again() -> bool:
            now = playing.leaderships()
            return bool(now) and now[0].incarnation != before[0].incarnation

        until(led_again, "the new process to be led")

        assert_nothing_wrong(playing.run_to_the_end(), 4.0)
        after = playing.leaderships()
        assert [leader.epoch for leader in after] == [leader.epoch for leader in before]
