"""What the servers of a log say of themselves: clock, memory, whether they take and keep writes."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from math import inf

from mdhub.streams import functions
from mdhub.streams.client import Link
from mdhub.streams.errors import NoLeader, NotReady, ServerError, Unusable
from mdhub.streams.nodes import Node, info
from mdhub.streams.port import ServerFacts
from mdhub.streams.redis_replies import as_pairs

__all__ = ["check_writable", "durable", "facts"]


def facts(nodes: Sequence[Node]) -> ServerFacts:
    """See `mdhub.streams.port.Log.server_facts`."""
    found = [_facts(node) for node in nodes]
    fullest = max(found, key=lambda each: each.used_bytes / (each.limit_bytes or inf))
    return ServerFacts(
        version=", ".join(sorted({each.version for each in found})),
        now_ms=max(each.now_ms for each in found),
        used_bytes=fullest.used_bytes,
        limit_bytes=fullest.limit_bytes,
        servers=len(found),
        fsync_delayed=sum(each.fsync_delayed for each in found),
    )


def check_writable(nodes: Sequence[Node], *, prefix: str) -> None:
    """See `mdhub.streams.port.Log.check_writable`."""
    # A server judges its state before it runs a function, and nobody leads this key. Not one of
    # the functions that a full server allows.
    for node in nodes:
        nobody = f"{prefix}{node.tag}nobody"
        with contextlib.suppress(NoLeader):
            node.link.call("FCALL", functions.COMMIT_SNAPSHOT, 2, nobody, nobody, 0, b"", 1)


def durable(nodes: Sequence[Node], *, name: str) -> bool:
    """See `mdhub.streams.port.Log.durable`."""
    return all(_durable(node, name) for node in nodes)


def _facts(node: Node) -> ServerFacts:
    about, memory = info(node.link, "server"), info(node.link, "memory")
    disk = info(node.link, "persistence")
    seconds, micros = node.link.call("TIME")
    name = about.get("server_name", "redis")
    return ServerFacts(
        version=f"{name} {about.get(f'{name}_version', '?')}",
        now_ms=int(seconds) * 1000 + int(micros) // 1000,
        used_bytes=int(memory.get("used_memory", 0)),
        limit_bytes=int(memory.get("maxmemory", 0)),
        fsync_delayed=int(disk.get("aof_delayed_fsync", 0)),
    )


def _durable(node: Node, name: str) -> bool:
    if node.replicas or node.link.watched:  # one that takes its place may lack the newest appends
        return False
    # A connection of its own: one that asks what it may not ask is closed.
    link = Link(node.url, name=name)
    try:
        settings = as_pairs(link.call("CONFIG", "GET", "append*"))
    except NotReady:
        raise
    except (ServerError, Unusable):  # renamed or forbidden, as managed servers do
        return False
    finally:
        link.close()
    return (settings.get(b"appendonly"), settings.get(b"appendfsync")) == (b"yes", b"always")
