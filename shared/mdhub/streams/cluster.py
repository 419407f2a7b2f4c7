"""A log over a cluster: each key lives on the master of its hash slot.

An address `redis+cluster://user:password@host:port,host:port/` names some nodes of the cluster;
the first that answers, in random order, tells which master has which slots. That map is valid as
long as no node contradicts it: a node that says otherwise (MOVED, ASK, TRYAGAIN, CLUSTERDOWN)
closes its connection, and the caller starts over with a new map, as after any other failure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from random import Random
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from redis.crc import key_slot

from mdhub.streams.client import CALL_TIMEOUT_S, Link
from mdhub.streams.errors import NotReady, ServerError, StreamsError, Unusable
from mdhub.streams.nodes import Node, Nodes, OneServer, connect, info
from mdhub.streams.states import STATES

__all__ = [
    "CLUSTER_SCHEMES",
    "SLOTS",
    "ClusterNodes",
    "check_masters",
    "cluster_info",
    "masters_of",
    "open_nodes",
    "slot_of",
]

CLUSTER_SCHEMES: Final = {"redis+cluster": "redis", "rediss+cluster": "rediss"}
SLOTS: Final = 16_384
_DEFAULT_PORT: Final = 6379
_NO_CLUSTER: Final = "cluster support disabled"


@dataclass(frozen=True, slots=True)
class _Range:
    """Slots that one master serves."""

    first: int
    last: int
    url: str
    replicas: int


def slot_of(key: str) -> int:
    """Hash slot of a key."""
    return key_slot(key.encode())


def open_nodes(url: str, *, name: str, timeout_s: float) -> Nodes:
    """Connect to the server or the cluster at an address."""
    if is_cluster(url):
        return ClusterNodes(url, name=name, timeout_s=timeout_s)
    return OneServer(url, name=name, timeout_s=timeout_s)


def check_masters(url: str, *, name: str) -> None:
    """Return if the server, or every master of the cluster, answers and serves all slots.

    Raises what stands in the way: NotReady, UnknownOutcome, Unusable.
    """
    if not is_cluster(url):
        _knock(url, name)
        return
    ranges = _map_of(url, name=name)
    served = sum(1 + each.last - each.first for each in ranges)
    if served < SLOTS:
        raise _down(f"{SLOTS - served} of {SLOTS} slots have no master")
    for master in sorted({each.url for each in ranges}):
        _knock(master, name, cluster=True)


def masters_of(url: str, *, name: str) -> list[str]:
    """Address of each server that holds a part of the log. Raises what stands in the way."""
    return sorted({each.url for each in _map_of(url, name=name)}) if is_cluster(url) else [url]


class ClusterNodes:
    """Implements `Nodes`: connects to a master when a key of it is first asked for.

    One map for one life, see above.
    """

    def __init__(self, url: str, *, name: str, timeout_s: float) -> None:
        self._name = name
        self._timeout_s = timeout_s
        self._map = _map_of(url, name=name, timeout_s=timeout_s)
        self._nodes: dict[str, Node] = {}

    def of(self, key: str) -> Node:
        slot = slot_of(key)
        for each in self._map:
            if each.first <= slot <= each.last:
                return self._nodes.get(each.url) or self._connect(each)
        raise _down(f"slot {slot} has no master")

    def every(self) -> Sequence[Node]:
        first_of = {each.url: each for each in reversed(self._map)}
        return [self._nodes.get(url) or self._connect(each) for url, each in first_of.items()]

    def close(self) -> None:
        for node in self._nodes.values():
            node.link.close()

    def _connect(self, served: _Range) -> Node:
        node = connect(
            served.url,
            name=self._name,
            timeout_s=self._timeout_s,
            tag=_tag_in(served.first, served.last),
        )
        # One that has just joined is known to its master before the others have heard of it.
        follow = int(info(node.link, "replication").get("connected_slaves", 0))
        node = replace(node, replicas=max(served.replicas, follow))
        self._nodes[served.url] = node
        return node


def is_cluster(url: str) -> bool:
    return url.partition("://")[0] in CLUSTER_SCHEMES


def _knock(url: str, name: str, *, cluster: bool = False) -> None:
    link = Link(url, name=name)
    try:
        link.call("FUNCTION", "STATS")
        state = cluster_info(link).get("cluster_state") if cluster else "ok"
    finally:
        link.close()
    if state != "ok":
        raise _down(f"a master says cluster_state {state}")


def cluster_info(link: Link) -> dict[str, str]:
    """What a node says of its cluster."""
    text: bytes = link.call("CLUSTER", "INFO")
    return dict(line.split(":", 1) for line in text.decode().splitlines() if ":" in line)


def _map_of(url: str, *, name: str, timeout_s: float = CALL_TIMEOUT_S) -> list[_Range]:
    """Ask the named nodes, in random order, until one tells; raise what the last one said."""
    seeds = _seeds(url)
    Random().shuffle(seeds)
    failure: StreamsError | None = None
    for seed in seeds:
        try:
            return _ask(seed, name=name, timeout_s=timeout_s)
        except Unusable:
            raise
        except StreamsError as error:
            failure = error
    raise failure or _not_understood()


def _ask(seed: str, *, name: str, timeout_s: float) -> list[_Range]:
    link = Link(seed, name=name, timeout_s=timeout_s)
    try:
        rows = link.call("CLUSTER", "SLOTS")
    except ServerError as error:
        if _NO_CLUSTER in str(error):
            row = STATES["alone"]
            raise Unusable(row.name, f"{row.meaning} ({error}): {row.way_out}") from error
        raise
    finally:
        link.close()
    if not rows:
        raise _down("a node of it knows no master")
    return [_range(row, seed) for row in rows]


def _range(row: list[Any], seed: str) -> _Range:
    first, last, master, *replicas = row
    parts = urlsplit(seed)
    login = parts.netloc.rpartition("@")[0]
    # Empty or absent: the node does not know its own address, and it is the one that was asked.
    host = (master[0] or b"").decode() or str(parts.hostname)
    place = f"[{host}]" if ":" in host else host
    netloc = f"{login}@{place}:{master[1]}" if login else f"{place}:{master[1]}"
    return _Range(first, last, urlunsplit(parts._replace(netloc=netloc)), len(replicas))


def _seeds(url: str) -> list[str]:
    """Address of each named node; path and options are those of the whole."""
    try:
        parts = urlsplit(url)
    except ValueError:  # its text may quote a part of the password
        raise _not_understood() from None
    login, at, places = parts.netloc.rpartition("@")
    scheme = CLUSTER_SCHEMES[parts.scheme]
    seeds = [
        urlunsplit(parts._replace(scheme=scheme, netloc=login + at + _with_port(place)))
        for place in places.split(",")
        if place
    ]
    if not seeds or parts.path.strip("/") not in {"", "0"}:  # a cluster has one database
        raise _not_understood()
    return seeds


def _with_port(place: str) -> str:
    bare = ":" not in place.rpartition("]")[2]
    return f"{place}:{_DEFAULT_PORT}" if bare else place


def _not_understood() -> Unusable:
    row = STATES["address"]
    return Unusable(row.name, f"{row.meaning}: {row.way_out}")


def _down(found: str) -> NotReady:
    return NotReady("clusterdown", f"{STATES['clusterdown'].meaning} ({found})")


@cache
def _tag_in(first: int, last: int) -> str:
    """Find a hash tag whose slot is among these."""
    return next(tag for tag in _tags() if first <= slot_of(tag) <= last)


def _tags() -> Iterable[str]:
    number = 0
    while True:
        yield f"{{{number}}}"
        number += 1
