"""The child of a real gateway: ticks of the library through vnpy's binding into raw."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from bench.chain.scene import Scene, bench_module, scene_of
from bench.load import Load
from bench.model import BenchError, Value
from bench.settings import Settings
from bench.standin import Gateway, full_book, gateways, symbols_of
from bench.usage import cpu_s, thread_cpu_s
from mdhub.runtime.heartbeat import decode_beat
from mdhub.streams.open import open_log
from mdhub.streams.port import FIRST_ID, LeadRequest, Log
from mdhub.streams.topology import RAW
from mdhub.wire.codec import decode_raw_tick
from mdhub_ingest.child import WRITER_THREAD
from tests.gateways.front.front import Front
from tests.gateways.front.wire import callback

TICKS = 200_000
PACED = (2_000, 8_000)
PACED_S = 10.0
PATIENCE_S = 60.0
PAGE = 10_000
SOURCE = "ACC1"
VARIABLE = "BENCH_SECRET"
"""Of the environment: what the stand-in takes for a password."""


@dataclass(frozen=True)
class Taken:
    """One load of the library, all of it in raw."""

    ticks: int
    wall_s: float
    """From the first to the last tick in raw, by the server's clock."""
    cpu_s: float
    """Of the whole child, the thread in which the library makes the ticks included."""
    writer_s: float
    """What of it the thread used that takes ticks from the outbox to raw."""
    delays_ms: list[float]
    """From the library's call to raw, whose ids count in whole ms: half a ms too much or little."""

    @property
    def rate(self) -> float:
        return self.ticks / self.wall_s

    @property
    def cpu_us(self) -> float:
        return self.cpu_s * 1e6 / self.ticks

    @property
    def enqueued_us(self) -> float:
        """CPU per tick up to the enqueue: everything but the writer's thread."""
        return (self.cpu_s - self.writer_s) * 1e6 / self.ticks

    def delay_ms(self, share: float) -> float:
        ordered = sorted(self.delays_ms)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def gateway(settings: Settings) -> list[Value]:
    """Binding alone and whole child in turn; CTP also paced."""
    amount, seconds = settings.few(TICKS), min(PACED_S, settings.seconds)
    measured: dict[tuple[str, str], list[float]] = {}
    found = gateways()
    for _ in range(settings.rounds):
        for each in found:
            rates = PACED if each.name == "ctp" else ()
            loads = [(0, amount), *((rate, int(rate * seconds)) for rate in rates)]
            numbers = _alone(each, amount) | _child(each, loads)
            for key, number in numbers.items():
                measured.setdefault(key, []).append(number)
    return [Value(name, unit, rounds) for (name, unit), rounds in measured.items()]


def _alone(which: Gateway, amount: int) -> dict[tuple[str, str], float]:
    found = {}
    for keep_thread, words in ((False, "as it is"), (True, "thread kept")):
        wall_s, used_s = binding(which, amount, keep_thread=keep_thread)
        what = f"{which.title} binding alone, {words}"
        found[f"{what}, ticks", "/s"] = amount / wall_s
        found[f"{what}, CPU per tick", "us"] = used_s * 1e6 / amount
    return found


def _child(which: Gateway, loads: Sequence[tuple[float, int]]) -> dict[tuple[str, str], float]:
    found: dict[tuple[str, str], float] = {}
    for (rate, _), taken in zip(loads, through_child(which, loads), strict=True):
        if rate:
            what = f"{which.title} child, {rate:,.0f} ticks/s"
            found[f"{what}, CPU per tick up to the enqueue", "us"] = taken.enqueued_us
            found[f"{what}, CPU per tick", "us"] = taken.cpu_us
            found[f"{what}, callback to raw, p50", "ms"] = taken.delay_ms(0.5)
            found[f"{what}, callback to raw, p99", "ms"] = taken.delay_ms(0.99)
        else:
            what = f"{which.title} child"
            found[f"{what}, ticks", "/s"] = taken.rate
            found[f"{what}, CPU per tick up to the enqueue", "us"] = taken.enqueued_us
            found[f"{what}, CPU per tick", "us"] = taken.cpu_us
    return found


def binding(which: Gateway, amount: int, *, keep_thread: bool) -> tuple[float, float]:
    """Wall and CPU seconds of the binding for so many ticks, with a callback that does nothing.

    `keep_thread`: with the remedy of `mdhub_ingest.gateways.vendor_thread`.
    """
    keep = ("--keep-thread",) if keep_thread else ()
    mark = callback("OnRspError", error={"ErrorID": 0})
    with _before(which) as (scene, front):
        out = scene.folder / "binding"
        scene.child(
            "binding", *bench_module("binding"), "--gateway", which.name,
            "--address", front.address, "--folder", scene.folder / "gateway", "--out", out, *keep,
            environment=which.environment(),
        )  # fmt: skip
        scene.wait(lambda: bool(front.sessions("md")), "the binding to connect", PATIENCE_S)
        front.push("md", mark)
        _load(scene, front, amount, 0)
        front.push("md", mark)
        front.tick(full_book(symbols_of(front)[0]))
        scene.wait(out.exists, "the binding to end", PATIENCE_S)
        wall_s, used_s = map(float, out.read_text().split())
    return wall_s, used_s


def through_child(which: Gateway, loads: Sequence[tuple[float, int]]) -> list[Taken]:
    """What one child made of loads (ticks/s, 0 = at once; and how many), one after the other.

    Raises BenchError unless every tick is in raw, in order.
    """
    with _before(which) as (scene, front):
        scene.host.start_server()
        log = open_log(scene.host.url, service="arbiter", prefix="mdhub:")
        try:
            log.take(0, LeadRequest(0, FIRST_ID, 1, b"lead"))
            _start_child(scene, which, front)
            subscribed = len(front.contracts)
            scene.wait(
                lambda: any(len(s.subscribed) == subscribed for s in front.sessions("md")),
                "the gateway to subscribe", PATIENCE_S,
            )  # fmt: skip
            return [_measured(scene, front, log, amount, rate) for rate, amount in loads]
        finally:
            log.close()


@contextmanager
def _before(which: Gateway) -> Iterator[tuple[Scene, Front]]:
    """A front, and a parent for what connects to it."""
    try:
        with scene_of(Load(ticks_per_s=1, seconds=1)) as scene, which.front() as front:
            yield scene, front
    except AssertionError as error:  # the front's way to say that something is not as it should be
        raise BenchError(f"{which.title}: {error}") from error


def _start_child(scene: Scene, which: Gateway, front: Front) -> None:
    settings = {
        "user_id": "bench", "broker_id": "9999", "password": f"env:{VARIABLE}",
        "td_address": front.address, "md_address": front.address,
        "app_id": "client_mdhub_1.0", "auth_code": f"env:{VARIABLE}",
    }  # fmt: skip
    source = {"name": SOURCE, "gateway": {"type": which.name, "settings": settings}}
    scene.child(
        SOURCE, sys.executable, "-m", "mdhub_ingest.child", "--spec", json.dumps(source),
        "--data", scene.folder / "gateways", "--run", "bench",
        environment=which.environment() | {"MDHUB_REDIS_URL": scene.host.url, VARIABLE: "bench"},
    )  # fmt: skip


def _measured(scene: Scene, front: Front, log: Log, amount: int, rate: float) -> Taken:
    process = scene.host.keeper.children[SOURCE].process
    if process is None:
        raise BenchError(f"the child is gone; {scene.log_tail()}")
    pid, before = process.pid, log.writer_position(0, SOURCE).seq
    last_id = next((i for i, _ in log.entries(RAW, count=1, newest_first=True)), b"0-0")
    used_s, writer_s = cpu_s(pid), thread_cpu_s(pid, WRITER_THREAD)
    _load(scene, front, amount, rate)
    scene.wait(
        lambda: log.writer_position(0, SOURCE).seq - before >= amount,
        f"{amount} ticks in raw", PATIENCE_S,
    )  # fmt: skip
    used_s, writer_s = cpu_s(pid) - used_s, thread_cpu_s(pid, WRITER_THREAD) - writer_s
    _check_nothing_dropped(scene, log, before + amount)
    return _taken(log, last_id, amount, used_s, writer_s)


def _load(scene: Scene, front: Front, amount: int, rate: float) -> None:
    symbols = symbols_of(front)
    done = len(front.loads_done)
    front.load(amount, rate=rate, symbols=symbols, template=full_book(symbols[0]))
    needed_s = PATIENCE_S + (amount / rate if rate else 0)
    scene.wait(lambda: len(front.loads_done) > done, f"{amount} ticks to be made", needed_s)


def _check_nothing_dropped(scene: Scene, log: Log, seq: int) -> None:
    """By its own heartbeat, the first that tells of all ticks."""

    def counters() -> dict[str, int]:
        beat = log.beats().get(f"ingest:{SOURCE}")
        return dict(decode_beat(beat).counters) if beat else {}

    scene.wait(lambda: counters().get("taken", 0) >= seq, "a heartbeat of the child", PATIENCE_S)
    scene.check_none_died()
    if found := {n: c for n, c in counters().items() if c and n.startswith(("dropped", "tick_"))}:
        raise BenchError(f"the child counted {found}, expected that it takes every tick")


def _taken(log: Log, after: bytes, amount: int, used_s: float, writer_s: float) -> Taken:
    """Read raw after an entry and compare it with what the library made."""
    from_monotonic_ns = time.time_ns() - time.monotonic_ns()
    arrived_ms, delays_ms, volumes = [], [], []
    for entry_id, payload in _raw_ticks(log, after):
        tick = decode_raw_tick(payload)
        made_ms = (int(tick.turnover or 0) + from_monotonic_ns) / 1e6
        arrived_ms.append(int(entry_id.partition(b"-")[0]))
        delays_ms.append(arrived_ms[-1] + 0.5 - made_ms)
        volumes.append(tick.volume)
    if volumes != list(range(1, amount + 1)):
        raise BenchError(f"{len(volumes)} ticks are in raw, expected {amount}, each once, in order")
    wall_s = max(1, arrived_ms[-1] - arrived_ms[0]) / 1e3
    return Taken(amount, wall_s, used_s, writer_s, delays_ms)


def _raw_ticks(log: Log, after: bytes) -> Iterator[tuple[bytes, bytes]]:
    while page := log.entries(RAW, first=b"(" + after, count=PAGE):
        yield from ((entry_id, fields[1]) for entry_id, fields in page if fields[0] == b"t")
        after = page[-1][0]
