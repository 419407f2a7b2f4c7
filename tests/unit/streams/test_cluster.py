"""Addresses of clusters: what is understood, and that no message shows a password."""

from __future__ import annotations

import pytest

from mdhub.streams.client import describe_url
from mdhub.streams.cluster import _range, _seeds, slot_of
from mdhub.streams.errors import Unusable
from mdhub.streams.topology import CLEAN, EVENTS, RAW, REJECTED, Keys


@pytest.mark.parametrize(
    ("url", "seeds"),
    [
        ("redis+cluster://h", ["redis://h:6379"]),
        ("redis+cluster://h:1,[::1]:2,[::2]/", ["redis://h:1/", "redis://[::1]:2/", "redis://[::2]:6379/"]),
        ("rediss+cluster://u:p@h:1,g:2/0", ["rediss://u:p@h:1/0", "rediss://u:p@g:2/0"]),
        ("redis+cluster://h:1?health_check_interval=2", ["redis://h:1?health_check_interval=2"]),
    ],
)  # fmt: skip
def test_every_named_node_has_login_and_options_of_the_whole(url: str, seeds: list[str]) -> None:
    """Whatever the first one that answers is, it is asked as the address says."""
    assert _seeds(url) == seeds


@pytest.mark.parametrize("url", ["redis+cluster://", "redis+cluster://h:1/3", "redis+cluster://[h"])
def test_what_names_no_cluster_is_refused(url: str) -> None:
    """A cluster has one database, and at least one node must be named."""
    with pytest.raises(Unusable) as refused:
        _seeds(url)
    assert refused.value.state == "address"


def test_messages_name_the_nodes_without_the_login() -> None:
    """An address may have a password in it, a message may not."""
    assert describe_url("redis+cluster://user:hunter2@h:1,g:2/") == "h:1,g:2"


@pytest.mark.parametrize(
    ("host", "url"),
    [
        (b"10.0.0.7", "redis://u:p@10.0.0.7:7001/"),
        (b"fd00::7", "redis://u:p@[fd00::7]:7001/"),
        (b"", "redis://u:p@seed:7001/"),
        (None, "redis://u:p@seed:7001/"),
    ],
)
def test_a_node_that_does_not_know_its_host_is_where_it_was_asked(
    host: bytes | None, url: str
) -> None:
    """Empty or absent is what a server says of a node whose address it was not told."""
    row = [0, 100, [host, 7001, b"id"], [b"10.0.0.8", 7002, b"id2"]]

    found = _range(row, "redis://u:p@seed:7000/")

    assert (found.first, found.last, found.url, found.replicas) == (0, 100, url, 1)


def test_all_keys_of_a_shard_share_a_slot() -> None:
    """And a command's marker shares the one of `events`, since one call writes both."""
    keys = Keys("hub:")
    of_shard = [keys.stream(stream, 3) for stream in (RAW, CLEAN, REJECTED)]
    of_shard += [keys.positions(3), keys.writers(3), keys.leader(3), keys.snapshots(3)]
    of_shard += [keys.snapshot_chunk(3, "1-0", "state-0"), keys.cursors(3)]

    assert len(set(map(slot_of, of_shard))) == 1
    assert slot_of(keys.command_done("id")) == slot_of(keys.stream(EVENTS))
