"""TCP ports of this machine: which are taken, and by whom."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final

__all__ = ["connections", "holder_of", "port_problem"]

_LISTENING: Final = "0A"
_ESTABLISHED: Final = "01"


def port_problem(bind: str, port: int) -> str:
    """Say why nobody can listen there now, as far as can be told; empty if somebody can."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            None if bind == "*" else bind, port, socket.AF_INET, socket.SOCK_STREAM,
            flags=socket.AI_PASSIVE,
        )[0]  # fmt: skip
        with socket.socket(family, kind, protocol) as probe:
            # What a server on this port left behind (TIME_WAIT) does not hinder the next one.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except socket.gaierror:
        return ""  # the name of an interface, which ZeroMQ knows and this probe does not
    except OSError as error:
        holder = holder_of(port)
        held = f" by {holder}" if holder else ""
        return f"port {port} on {bind} cannot be used: {os.strerror(error.errno or 0)}{held}"
    return ""


def holder_of(port: int) -> str:
    """Name the process that listens on a port, as far as /proc tells: `python3, pid 42`."""
    inodes = _listening_inodes(port)
    for fd in Path("/proc").glob("[0-9]*/fd/*") if inodes else ():
        try:
            if str(fd.readlink()) in inodes:
                process = fd.parent.parent
                return f"{(process / 'comm').read_text().strip()}, pid {process.name}"
        except OSError:
            continue
    return ""


def connections(port: int) -> int | None:
    """Connections to a port of this host that stand; None where /proc does not tell."""
    if not Path("/proc/net/tcp").exists():
        return None
    return sum(1 for _ in _sockets(port, _ESTABLISHED))


def _listening_inodes(port: int) -> set[str]:
    return {f"socket:[{fields[9]}]" for fields in _sockets(port, _LISTENING)}


def _sockets(port: int, state: str) -> Iterator[list[str]]:
    """Rows of /proc with this local port and state."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == state and int(fields[1].rpartition(":")[2], 16) == port:
                yield fields
