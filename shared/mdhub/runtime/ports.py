"""TCP ports of this machine: which are taken, and by whom."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Final

__all__ = ["holder_of", "port_problem"]

_LISTENING: Final = "0A"


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


def _listening_inodes(port: int) -> set[str]:
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                inodes.add(f"socket:[{fields[9]}]")
    return inodes
