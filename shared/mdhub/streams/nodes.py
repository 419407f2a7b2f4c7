"""Which server holds a key: one for all, or the masters of a cluster (`mdhub.streams.cluster`).

A `Node` is a server with one connection for one life (see `mdhub.streams.client`): its run id was
read and the log's functions were loaded on this very connection.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from mdhub.streams import functions
from mdhub.streams.client import Link
from mdhub.streams.errors import ServerError

__all__ = ["Node", "Nodes", "OneServer", "connect", "info"]


@dataclass(frozen=True, slots=True)
class Node:
    """A server that holds keys."""

    url: str
    """Address of this one server, for further connections to it. Secret: it may have a login."""
    link: Link
    run_id: str
    tag: str
    """Hash tag that this server holds: a key with it is one that it would take."""
    replicas: int = 0
    """Servers of its cluster that may take its place."""


class Nodes(Protocol):
    """The servers of one log. Every method may raise what `Link` raises."""

    def of(self, key: str) -> Node:
        """The server that holds a key."""

    def every(self) -> Sequence[Node]:
        """All that hold keys."""

    def close(self) -> None:
        """Close every connection; always safe."""


class OneServer:
    """Implements `Nodes` for a server that holds all keys."""

    def __init__(self, url: str, *, name: str, timeout_s: float) -> None:
        self._node = connect(url, name=name, timeout_s=timeout_s, tag="")

    def of(self, key: str) -> Node:  # noqa: ARG002 - one server holds all
        return self._node

    def every(self) -> Sequence[Node]:
        return (self._node,)

    def close(self) -> None:
        self._node.link.close()


def connect(url: str, *, name: str, timeout_s: float, tag: str) -> Node:
    """Connect to a server and see to it that it has the log's functions."""
    link = Link(url, name=name, timeout_s=timeout_s)
    try:
        functions.ensure_loaded(link)
        run_id = _run_id(link)
    except BaseException:
        link.close()
        raise
    # All further connections lead to this server, whomever the Sentinels name by then.
    return Node(link.url, link, run_id, tag)


def info(link: Link, section: str) -> dict[str, str]:
    """A section of what the server says of itself."""
    text: bytes = link.call("INFO", section)
    lines = (line.partition(":") for line in text.decode().splitlines())
    return {name: value for name, colon, value in lines if colon}


def _run_id(link: Link) -> str:
    run_id = info(link, "server").get("run_id")
    if run_id is None:
        raise ServerError("the server's INFO has no run_id")
    return run_id
