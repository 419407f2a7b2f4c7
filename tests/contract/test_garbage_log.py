"""What a stranger wrote into the hashes and lists of a real log is passed over."""

from __future__ import annotations

from contextlib import closing

from mdhub.streams import open_log
from mdhub.streams.client import Link
from mdhub.streams.topology import CLEAN, Keys
from mdhub.wire.codec import encode


def test_what_cannot_be_read_is_left_out(server_url: str, prefix: str) -> None:
    """Manifests, cursors and names of heartbeats: the good ones beside them still count."""
    keys = Keys(prefix)
    good = [b"5-0", 7, "digest", 2, 1, 1]
    bad = [b"\xc1", b"", encode([1]), encode([b"x", *good[1:]]), encode([*good[:3], 1 << 40, 0, 1])]
    with (
        closing(Link(server_url, name="hand")) as hand,
        closing(open_log(server_url, service="arbiter", prefix=prefix)) as log,
    ):
        hand.call("RPUSH", keys.snapshots(0), *bad, encode(good), *bad)
        for value in (b"zzz", b"", b"5-0", b"5-0 -1", b"5-0 1 1", b"\xff", b"1" * 99 + b"-0 1"):
            hand.call("HSET", keys.cursors(0), b"clean:" + value, value)
        hand.call("HSET", keys.cursors(0), b"clean:\xff", b"5-0 1", b"\xff", b"5-0 1")
        hand.call("HSET", keys.beats(), b"\xff[/b]", b"\xc1")

        assert [manifest.raw for manifest in log.manifests(0)] == [b"5-0"]
        assert [reader.cursor for reader in log.cursors(0, CLEAN).values()] == [b"5-0"]
        assert list(log.beats().values()) == [b"\xc1"]
