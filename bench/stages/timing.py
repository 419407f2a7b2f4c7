"""How stages are timed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bench.chain.scene import scene_of
from bench.load import Load
from bench.model import Value
from mdhub.streams.server import Profile


def rate(name: str, work: Callable[[], object], items: int, rounds: int) -> Value:
    """Items per second of a piece of work that can be repeated."""
    return Value(name, "/s", [items / _seconds(work) for _ in range(rounds)])


def cost_us(name: str, work: Callable[[], object], items: int, rounds: int) -> Value:
    """Microseconds per item of a piece of work that can be repeated."""
    return Value(name, "us", [1e6 * _seconds(work) / items for _ in range(rounds)])


@contextmanager
def server(profile: Profile) -> Iterator[str]:
    """A server in a folder of its own: its address."""
    with scene_of(Load(ticks_per_s=1, seconds=1, profile=profile)) as scene:
        scene.host.start_server()
        yield scene.host.url


def _seconds(work: Callable[[], object]) -> float:
    began_s = time.perf_counter()
    work()
    return time.perf_counter() - began_s
