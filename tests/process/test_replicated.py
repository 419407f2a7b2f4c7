"""Profile `replicated` on real servers from the documented files: replicas stop, the master dies.

Strategies lose nothing and see nothing that is taken back.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mdhub.demo.market import SimDemo
from mdhub.demo.receipts import read_receipts
from mdhub.host.ports import free_port_pair
from mdhub.host.replicated import SERVERS, ReplicatedRig
from mdhub.host.stack import Host, HubPlan, Publisher
from mdhub.streams.client import Link
from mdhub.streams.errors import StreamsError, UnknownOutcome
from mdhub.streams.sentinel import STALL_S
from mdhub.streams.server import wait_ready
from mdhub.streams.topology import CLEAN
from mdhub.wire.codec import encode
from mdhub.wire.live import HubState
from tests.process.test_kills import REPEATS, Stage, start_strategy
from tests.support.recompute import assert_clean_is_f_of_raw
from tests.support.wait import until

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]

SEED = 20261121
TICKS_PER_S = 500.0
PLAY_S = 10.0


@contextmanager
def stage(rig: ReplicatedRig, folder: Path) -> Iterator[Stage]:
    """Two sources, arbiter, publisher and strategy around the servers of a rig."""
    market = SimDemo(SEED, TICKS_PER_S, PLAY_S)
    sources = market.sources()
    sources[0]["misbehave"] = REPEATS
    port = free_port_pair()
    plan = HubPlan(
        folder=folder / "data",
        profile="replicated",
        url=rig.url,
        publishers=(Publisher("A", port),),
        sources=tuple(json.dumps(source) for source in sources),
    )
    host = Host(plan)
    receipts = folder / "receipts"
    try:
        host.start_server()
        host.start("arbiter", "publisher")
        start_strategy(host, receipts, port)
        host.start("ingest")
        playing = Stage(host, market, receipts, host.open_log())
        until(lambda: playing.received() > TICKS_PER_S, "the first second of ticks")
        yield playing
        playing.log.close()
    finally:
        host.stop()


def others(master: str) -> list[str]:
    return [name for name in SERVERS if name != master]


def holds(playing: Stage) -> bool:
    beat = playing.beats()["publisher:A"]
    return beat.state == HubState.HOLDING and beat.counters["held"] > 0


def writable(playing: Stage, incarnation: str) -> bool:
    """Whether the Sentinels lead to another server, and an arbiter leads it."""
    try:
        playing.reopen()
        leader = playing.log.leadership(0)
    except StreamsError:
        return False
    return incarnation != playing.log.incarnation() == leader.incarnation


def assert_clean_is_what_was_received(playing: Stage) -> None:
    """Nothing was sent that the log does not have now, byte for byte, and all of that was sent."""
    entries = playing.log.entries(CLEAN, count=1_000_000)
    ticks = [fields[3] for _, fields in entries if fields[2] == b"t"]
    assert [encode(tick) for tick in read_receipts(playing.receipts)] == ticks


def assert_the_past_is_left(rig: ReplicatedRig, old: str) -> None:
    """A master of the past is not gone back to; one that hangs is left after half a second."""
    rig.restart(old)
    wait_ready(f"redis://{rig.address(old)}")
    zombie = Link(f"redis://{rig.address(old)}", name="test")
    try:
        assert zombie.call("ROLE")[0] == b"master", "the Sentinels have not told it yet"
        assert {rig.master() for _ in range(10)} == {rig.master()} != {old}
    finally:
        zombie.close()
    link = Link(rig.url, name="test")
    rig.pause(rig.master())
    began_s = time.monotonic()
    with pytest.raises(UnknownOutcome):
        link.call("TIME")
    assert STALL_S <= time.monotonic() - began_s < 2 * STALL_S


def test_replicas_stop_and_the_master_dies_and_nobody_notices() -> None:
    """While no replica has them, ticks wait; after the failover none was lost, doubled, unsaid."""
    with tempfile.TemporaryDirectory(prefix="mdhub-replicated-") as name:
        folder = Path(name)
        with ReplicatedRig(folder) as rig, stage(rig, folder) as playing:
            master = rig.master()
            rig.pause(*others(master))
            until(lambda: holds(playing), "the publisher to hold")
            received, clean_n = playing.received(), playing.log.positions(0).n
            until(lambda: playing.log.positions(0).n > clean_n + 50, "the log to go on")
            assert playing.received() == received
            rig.resume(*others(master))
            until(lambda: playing.received() > received + 50, "what was held")

            before = playing.log.leadership(0)
            killed_s = time.monotonic()
            rig.kill(master)
            until(lambda: writable(playing, before.incarnation), "the failover")
            received = playing.received()
            until(lambda: playing.received() > received, "ticks after the failover")
            silence_s = time.monotonic() - killed_s
            report = playing.run_to_the_end()

            assert rig.master() != master
            assert playing.log.leadership(0).epoch > before.epoch
            assert report.clean, (f"seed {SEED}", report)
            assert report.received > TICKS_PER_S * PLAY_S * 0.8
            assert_clean_is_f_of_raw(playing.log)
            assert silence_s < 10, "2 to 3 s on an idle machine"
            assert_clean_is_what_was_received(playing)
            assert_the_past_is_left(rig, master)
