"""What a log over a real cluster promises beyond the port: nodes that move, die, wake and fill."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from mdhub.host.cluster import ClusterNode, LocalCluster
from mdhub.host.ports import free_port_pair
from mdhub.streams import open_log
from mdhub.streams.client import Link
from mdhub.streams.errors import NoLeader, NotReady, StreamsError, UnknownOutcome, Unusable
from mdhub.streams.port import FIRST_ID, CleanBatch, LeadRequest, Log, Positions
from mdhub.streams.server import wait_ready
from mdhub.streams.topology import CLEAN, RAW, Keys
from tests.support.wait import until

pytestmark = pytest.mark.timeout(60)

SHARDS = 6


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    """Three masters with a replica each, as deploy/redis/cluster/node.conf has them."""
    folder = tmp_path_factory.mktemp("replicated-cluster")
    with LocalCluster(folder, replicas=1) as running:
        yield running


def open_as(service: str, cluster: LocalCluster, prefix: str) -> Log:
    return open_log(cluster.url, service=service, prefix=prefix)


def owner(cluster: LocalCluster, prefix: str, shard: int) -> ClusterNode:
    return cluster.master_of(Keys(prefix).stream(RAW, shard))


def is_replicated(master: ClusterNode) -> bool:
    about: bytes = master.ask("INFO", "replication")
    acknowledged = re.search(rb"state=online,offset=(\d+)", about)
    written = re.search(rb"master_repl_offset:(\d+)", about)
    return acknowledged is not None and written is not None and acknowledged[1] == written[1]


def take(log: Log, shard: int = 0, *, expected_token: int = 0) -> int:
    return log.take(shard, LeadRequest(expected_token, FIRST_ID, 5, b"lead")).token


def commit(log: Log, token: int, raw: bytes) -> None:
    log.clean_append(
        0, CleanBatch(token, FIRST_ID, Positions(raw=raw, n=1), [(b"1-1", b"h", b"t", b"x")])
    )


def test_each_shard_lives_on_the_node_of_its_slot(cluster: LocalCluster, prefix: str) -> None:
    """Its incarnation is that node's run id, and one log reads and writes all of them."""
    with closing(open_as("arbiter", cluster, prefix)) as log:
        for shard in range(SHARDS):
            take(log, shard)
        run_ids = [owner(cluster, prefix, shard).ask("INFO", "server") for shard in range(SHARDS)]
        for shard in range(SHARDS):
            assert log.incarnation(shard).encode() in run_ids[shard]
            assert [fields for _, fields in log.entries(RAW, shard=shard)] == [[b"c", b"lead"]]
        assert len(set(map(log.incarnation, range(SHARDS)))) == 3
        assert log.server_facts().servers == 3


def test_positions_of_many_nodes_come_in_the_order_asked(
    cluster: LocalCluster, prefix: str
) -> None:
    """Whichever node answers first."""
    with closing(open_as("arbiter", cluster, prefix)) as log:
        raw = [b"%d-0" % (10 + shard) for shard in range(SHARDS)]
        for shard in range(SHARDS):
            log.clean_append(shard, CleanBatch(take(log, shard), FIRST_ID, Positions(raw[shard])))
        order = [3, 0, 5, 1, 4, 2]
        found: list[list[Positions]] = []

        log.ask_positions(order)

        def answered() -> bool:
            taken = log.take_positions()
            found.extend([taken] if taken is not None else [])
            return bool(found)

        until(answered, "the positions")
        assert [positions.raw for positions in found[0]] == [raw[shard] for shard in order]


def test_where_a_replica_may_take_over_nothing_is_durable(
    cluster: LocalCluster, prefix: str
) -> None:
    """Every master syncs each append, yet its replica may lack the newest when it takes over."""
    for node in cluster.nodes:
        assert node.ask("CONFIG", "GET", "appendfsync") == [b"appendfsync", b"always"]
    with closing(open_as("arbiter", cluster, prefix)) as log:
        assert log.durable() is False


def test_one_full_master_is_a_full_hub(cluster: LocalCluster, prefix: str) -> None:
    """A service that starts asks them all."""
    full = cluster.nodes[1]
    with closing(open_as("arbiter", cluster, prefix)) as log:
        log.check_writable()
        full.ask("CONFIG", "SET", "maxmemory", "1")
        with pytest.raises(NotReady) as refused:
            log.check_writable()
        facts = log.server_facts()
        full.ask("CONFIG", "SET", "maxmemory", "0")
        log.check_writable()

    assert refused.value.state == "oom"
    assert facts.limit_bytes == 1


def test_one_node_alone_is_not_the_cluster(cluster: LocalCluster, prefix: str) -> None:
    """Who names a node as if it were a server learns it at the first key of another node."""
    node = owner(cluster, prefix, 0)
    with closing(open_log(node.url, service="cli", prefix=prefix)) as log:
        assert log.positions(0) == Positions()
        elsewhere = next(x for x in range(SHARDS) if owner(cluster, prefix, x) is not node)
        with pytest.raises(UnknownOutcome) as met:
            log.positions(elsewhere)

    assert met.value.state == "moved"
    assert "redis+cluster://" in met.value.way_out


def test_named_nodes_that_are_away_are_passed_over(cluster: LocalCluster, prefix: str) -> None:
    """One of the named nodes suffices to find the others."""
    url = f"redis+cluster://127.0.0.1:{free_port_pair()},127.0.0.1:{cluster.nodes[0].port}/"
    for _ in range(4):  # they are asked in random order
        with closing(open_log(url, service="cli", prefix=prefix)) as log:
            assert log.server_facts().servers == 3


def test_a_master_that_is_replaced_and_wakes_has_no_say(cluster: LocalCluster, prefix: str) -> None:
    """Its replica is a new server that waits for a leader; what the old leader writes is gone."""
    old = owner(cluster, prefix, 0)
    with closing(open_as("arbiter", cluster, prefix)) as leader:
        token, before = take(leader), leader.incarnation(0)
        until(lambda: is_replicated(old), "the replica to have it")
        cluster.pause(old)
        until(lambda: owner(cluster, prefix, 0) is not old, "the replica to take over")

        with closing(open_as("arbiter", cluster, prefix)) as log:
            assert log.incarnation(0) != before
            assert log.leadership(0).incarnation == before
            with pytest.raises(NoLeader):
                log.keep_lead(0, token=token)
            assert take(log, expected_token=token) == token + 1

            cluster.resume(old)
            with suppress(StreamsError):
                commit(leader, token, b"7-0")
            until(lambda: b"role:slave" in old.ask("INFO", "replication"), "the old one to follow")
            assert (log.entries(CLEAN), log.positions(0)) == ([], Positions())
        with pytest.raises(UnknownOutcome):
            leader.positions(0)


def test_a_server_that_is_no_node_is_said_to_be_alone(server_url: str, tmp_path: Path) -> None:
    """The address says cluster, the server does not: waiting does not help."""
    port = free_port_pair()
    with closing(Link(server_url, name="admin")) as admin:
        admin.call("CONFIG", "SET", "port", port)
        try:
            with pytest.raises(Unusable) as met:
                open_log(f"redis+cluster://127.0.0.1:{port}", service="cli")
        finally:
            admin.call("CONFIG", "SET", "port", 0)

    assert met.value.state == "alone"


def test_nodes_without_slots_are_waited_for(tmp_path: Path) -> None:
    """A cluster that is not made yet, or has lost its masters, is down, not wrong."""
    rig = LocalCluster(tmp_path, masters=1)
    rig.start(rig.nodes[0])
    try:
        wait_ready(rig.nodes[0].url)
        with pytest.raises(NotReady) as of_cluster:
            open_log(rig.url, service="cli").close()
        with pytest.raises(NotReady) as of_node:
            rig.nodes[0].ask("SET", "key", "value")
    finally:
        rig.stop()

    assert (of_cluster.value.state, of_node.value.state) == ("clusterdown", "clusterdown")
