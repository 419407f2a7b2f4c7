"""A source name is at work once."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from threading import Event

import msgspec
import pytest

from mdhub.runtime.heartbeat import beat_payload, decode_beat
from mdhub.streams.memory import MemoryLog, MemoryServer
from mdhub.streams.topology import EVENTS
from mdhub.wire.codec import decode_event, encode
from mdhub_ingest import rivals
from mdhub_ingest.rivals import find_rival, refuse
from tests.support.wait import until

HERE = socket.gethostname()


def beat(server: MemoryServer, *, pid: int, host: str, state: str = "running") -> None:
    own = decode_beat(beat_payload("ingest", "ingest:A", state, {}))
    server.log("ingest").beat("ingest:A", encode(msgspec.structs.replace(own, pid=pid, host=host)))


def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_nobody_else_is_no_rival() -> None:
    """No heartbeat, an ended source, a process of this host that is gone."""
    server = MemoryServer()
    log = server.log("ingest")
    assert find_rival(log, ["A"], Event()) is None
    log.beat("ingest:A", b"\xc1")
    assert find_rival(log, ["A"], Event()) is None
    beat(server, pid=os.getpid(), host=HERE, state="ended")
    assert find_rival(log, ["A"], Event()) is None
    beat(server, pid=dead_pid(), host=HERE)
    assert find_rival(log, ["A"], Event()) is None


def test_a_process_that_only_waits_to_be_buried_is_no_rival() -> None:
    """The child of a killed supervisor may stay in the table for long."""
    server = MemoryServer()
    with subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.read()  # it ends, and nobody has waited for it
        until(lambda: rivals._zombie(process.pid), "the process to end")
        beat(server, pid=process.pid, host=HERE)
        assert find_rival(server.log("ingest"), ["A"], Event()) is None


def test_a_living_process_of_this_host_is_named_in_an_event() -> None:
    """Host and pid, and what to do."""
    server = MemoryServer()
    log = server.log("ingest")
    beat(server, pid=os.getppid(), host=HERE)
    found = find_rival(log, ["B", "A"], Event())
    assert found is not None
    words = refuse(log, *found)
    event = decode_event(log.entries(EVENTS)[-1][1][1])
    assert (event.kind, event.subject, event.severity) == ("source", "A", "error")
    assert (event.body["host"], event.body["pid"]) == (HERE, os.getppid())
    assert f"on host {HERE} as pid {os.getppid()}" in words


def test_another_host_must_say_again_that_it_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that was killed a moment ago is no rival: a hub may move to another host."""
    server = MemoryServer()
    beat(server, pid=1, host="elsewhere")
    monkeypatch.setattr(rivals, "FRESH_NS", 300_000_000)
    assert find_rival(server.log("ingest"), ["A"], Event()) is None
    found = find_rival(_Renewing(server), ["A"], Event())
    assert found is not None
    assert (found[0], found[1].host) == ("A", "elsewhere")


class _Renewing(MemoryLog):
    """A log on which the other one lives: each look finds a newer heartbeat."""

    def __init__(self, server: MemoryServer) -> None:
        super().__init__(server, "ingest")

    def beats(self) -> dict[str, bytes]:
        beat(self._server, pid=1, host="elsewhere")
        return super().beats()
