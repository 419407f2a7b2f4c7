"""A server that hangs (SIGSTOP) under real services."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from itertools import pairwise

import pytest
import zmq

import mdhub
from mdhub.host.ports import free_port_pair
from mdhub.sdk.events import Stall
from mdhub.wire.codec import decode_heartbeat, encode
from mdhub.wire.live import HubState
from mdhub.wire.requests import ReplayRequest, RequestName
from tests.integration.running import RawClient, Strategy
from tests.support.server import TestServer
from tests.support.wait import until

pytestmark = [pytest.mark.process, pytest.mark.timeout(60)]

FROZEN_S = 6.0


@contextmanager
def service(url: str, *args: str) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, "-m", *args],
        env={**os.environ, "MDHUB_REDIS_URL": url, "MDHUB_PARENT_PID": str(os.getpid())},
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


class Pulse:
    """Heartbeats of one publisher: when each came, and what it said."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], endpoint: str) -> None:
        self.beats: list[tuple[float, str]] = []
        self._socket = context.socket(zmq.SUB)
        self._socket.connect(endpoint)
        self._socket.subscribe(b"hb.")

    def close(self) -> None:
        self._socket.close(linger=0)

    def listen(self, seconds: float) -> None:
        end_s = time.monotonic() + seconds
        while (left_s := end_s - time.monotonic()) > 0:
            if self._socket.poll(int(left_s * 1000) + 1):
                beat = decode_heartbeat(self._socket.recv_multipart()[2])
                self.beats.append((time.monotonic(), beat.state))

    def longest_pause_s(self) -> float:
        times = [moment for moment, _ in self.beats]
        return max(b - a for a, b in pairwise(times))


def test_a_frozen_server_does_not_silence_the_publisher() -> None:
    """Heartbeats say `stalled`, replays of what is held go on; afterwards nothing was lost."""
    port = free_port_pair()
    endpoint = f"tcp://127.0.0.1:{port}"
    source = json.dumps({"name": "A", "sim": {"seed": 7, "ticks_per_s": 400}})
    with TestServer() as server, ExitStack() as stack:
        for args in (
            ("mdhub_arbiter",),
            ("mdhub_publisher", "--port", str(port)),
            ("mdhub_ingest", "--source", source),
        ):
            stack.enter_context(service(server.url, *args))
        context = stack.enter_context(zmq.Context())
        stalls: list[Stall] = []
        hub = mdhub.connect(endpoint, timeout_s=20)
        hub.on_stall = stalls.append
        strategy = stack.enter_context(Strategy(hub))
        until(lambda: len(strategy.got) > 200, "ticks")
        pulse = stack.enter_context(closing(Pulse(context, endpoint)))
        pulse.listen(0.5)
        server.signal(signal.SIGSTOP)
        try:
            pulse.listen(FROZEN_S / 2)
            replayed = replay(endpoint, strategy.got[-1].epoch, strategy.got[-1].n - 10)
            pulse.listen(FROZEN_S / 2)
        finally:
            server.signal(signal.SIGCONT)
        held = len(strategy.got)
        until(lambda: len(strategy.got) > held + 400, "ticks to flow again")
        until(lambda: len(stalls) > 1, "the end of the stall to be told")
        got = [(tick.n, tick.k) for tick in strategy.got]

    assert replayed >= 10
    assert pulse.longest_pause_s() < 1.5, "a call of the log alone would take 2 s"
    assert pulse.beats[-1][1] == HubState.STALLED
    assert [(s.stalled, s.cause) for s in stalls[:2]] == [(True, "log"), (False, "")]
    assert not hub.statistics.unrecovered
    assert [n for n, _ in got] == sorted({n for n, _ in got})


def replay(endpoint: str, epoch: int, after_n: int) -> int:
    """How many messages a replay out of memory has, asked without the SDK."""
    with RawClient(endpoint) as client:
        client.send(encode(ReplayRequest(1, 1, RequestName.REPLAY, 0, epoch, after_n, 100, ["*"])))
        return sum(1 for frames in client.replies() if len(frames) > 1)
