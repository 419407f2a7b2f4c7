"""The failover drill: every primary changes place with its backup, once to and once fro.

A client measures what strategies see. Nothing is broken on purpose: leaders resign by command,
publishers end in order and are started again by their parent, sources are preferred or muted by
command (what pulled plugs do is the business of `mdhub drill`).
"""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from mdhub.cli.failover.arbiters import hand_over
from mdhub.cli.failover.client import Client
from mdhub.cli.failover.sources import find_swap
from mdhub.cli.hubs import HubAddress
from mdhub.cli.pipe import reader_may_leave
from mdhub.cli.tail import Publishers
from mdhub.runtime.errors import ServiceError
from mdhub.runtime.heartbeat import ENDED, Beat, decode_beat
from mdhub.runtime.standing import rows_of
from mdhub.streams import open_log
from mdhub.streams.asking import Request, arbiter_of, ask
from mdhub.streams.port import Log
from mdhub.wire.codec import DecodeError

__all__ = ["Row", "plan_of", "run_playbook"]

REASON: Final = "failover drill"
POLL_S: Final = 0.05
WAIT_S: Final = 20.0
"""For whatever has to come back: a standby, a publisher."""
AWAY_S: Final = 2.0
"""Where sources race, the first is muted for so long."""
PIPE_WIDTH: Final = 200


@dataclass(frozen=True, slots=True)
class Row:
    """One swap, as a client saw it."""

    step: str
    ok: bool
    said: str
    before_ms: float
    """Longest time without a tick in as long a time before: the market's own."""
    gap_ms: float
    """Longest time without a tick around the swap."""
    ticks: int
    lost: int


Step = tuple[str, Callable[[], str]]
"""What is swapped, and how: returns what happened, raises ServiceError if it did not."""


def run_playbook(
    hub: HubAddress, where: Publishers, *, seconds: float, really: bool, as_json: bool
) -> int:
    """Run the drill; 0 = each swap was done and no tick was lost. Without `really`: the plan."""
    log = open_log(hub.url, service="cli", prefix=hub.prefix)
    try:
        steps = plan_of(hub, log)
        if not really:
            return _show_plan(steps, as_json=as_json)
        with Client(where) as client:
            rows = [_measured(step, client, seconds=seconds) for step in steps]
    finally:
        log.close()
    good = bool(rows) and all(row.ok and not row.lost for row in rows)
    with reader_may_leave():
        if as_json:
            print(json.dumps({"ok": good, "steps": [asdict(row) for row in rows]}))
        else:
            Console(highlight=False, markup=False, width=PIPE_WIDTH).print(_table(rows))
    return 0 if good else 1


def plan_of(hub: HubAddress, log: Log) -> list[Step]:
    """All swaps of this hub, each twice: afterwards everything is where it was."""
    steps: list[Step] = []
    for shard in range(log.shards() or 1):
        steps += 2 * [(f"arbiter, shard {shard}", _arbiter(log, shard))]
    for name in _publishers(log, hub.silent_ms):
        steps.append((name, _publisher(log, name)))
    return steps + list(_sources(hub, log))


def _measured(step: Step, client: Client, *, seconds: float) -> Row:
    """Swap under the eyes of a client: as long before as behind."""
    name, swap = step
    client.begin()
    _let_run(client, seconds)
    before = client.heard()
    client.begin()
    try:
        said, ok = swap(), True
    except ServiceError as error:
        said, ok = error.sentence, False
    _let_run(client, seconds)
    heard = client.heard()
    return Row(name, ok, said, before.longest_ms, heard.longest_ms, heard.ticks, heard.lost)


def _let_run(client: Client, seconds: float) -> None:
    deadline_s = time.monotonic() + seconds
    while time.monotonic() < deadline_s:
        client.heard()
        time.sleep(POLL_S)


def _arbiter(log: Log, shard: int) -> Callable[[], str]:
    def swap() -> str:
        _wait(lambda: _may_hand_over(log, shard), f"a standby of shard {shard} that agrees")
        handed = hand_over(log, shard, reason=REASON, dry_run=False, timeout_s=WAIT_S)
        if not handed.ok:
            raise ServiceError(handed.sentence)
        return handed.sentence

    return swap


def _may_hand_over(log: Log, shard: int) -> bool:
    return hand_over(log, shard, reason=REASON, dry_run=True, timeout_s=5.0).ok


def _publisher(log: Log, name: str) -> Callable[[], str]:
    def swap() -> str:
        beat = _beats(log).get(name)
        if beat is None or beat.host != socket.gethostname() or not _is_publisher(beat.pid):
            raise ServiceError(f"{name} does not run on this host: run the drill there as well")
        os.kill(beat.pid, signal.SIGTERM)
        _wait(lambda: _is_another(log, name, beat.pid), f"{name} to be started again")
        return f"{name} (pid {beat.pid}) ended and was started again"

    return swap


def _is_another(log: Log, name: str, pid: int) -> bool:
    beat = _beats(log).get(name)
    return beat is not None and beat.pid != pid and beat.state != ENDED


def _is_publisher(pid: int) -> bool:
    """Whether the process is what the heartbeat says: its number may be another's by now."""
    try:
        return b"mdhub_publisher" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _sources(hub: HubAddress, log: Log) -> Iterator[Step]:
    """In mode priority the active one changes; where sources race the first is muted a while."""
    try:
        swap = find_swap(hub)
    except ServiceError:
        rows = rows_of(log.beats(), silent_ms=hub.silent_ms, now_ns=time.time_ns())
        heard = sorted((row for row in rows if not row.standing), key=lambda row: -row.won)
        if len(heard) > 1:
            yield f"source {heard[0].name} away and back", _away(log, heard[0].name)
        return
    yield f"source {swap.active} to {swap.to}", _verdict(log, "prefer", swap.to)
    yield f"source {swap.to} to {swap.active}", _verdict(log, "prefer", swap.active)


def _away(log: Log, source: str) -> Callable[[], str]:
    def mute() -> str:
        try:
            said = _verdict(log, "mute", source)()
            time.sleep(AWAY_S)
        finally:
            _verdict(log, "unmute", source)()  # also when somebody interrupts the drill
        return f"{said} for {AWAY_S:g} s"

    return mute


def _verdict(log: Log, action: str, source: str) -> Callable[[], str]:
    def tell() -> str:
        args = {"source": source, "reason": REASON}
        requests = [Request(arbiter_of(s), action, args) for s in range(log.shards() or 1)]
        answers = ask(log, requests, issuer="cli", timeout_s=5.0)
        if not all(answer is not None and answer.ok for answer in answers):
            raise ServiceError(f"{action} {source} was not obeyed by every shard: {answers}")
        return f"{action} {source}"

    return tell


def _publishers(log: Log, silent_ms: int) -> list[str]:
    now_ns = time.time_ns()
    return [
        name
        for name, beat in sorted(_beats(log).items())
        if name.startswith("publisher:")
        and beat.state != ENDED
        and now_ns - beat.ts_ns <= silent_ms * 1_000_000
    ]


def _beats(log: Log) -> dict[str, Beat]:
    found = {}
    for name, payload in log.beats().items():
        try:
            found[name] = decode_beat(payload)
        except DecodeError:
            continue
    return found


def _wait(condition: Callable[[], bool], what: str) -> None:
    deadline_s = time.monotonic() + WAIT_S
    while not condition():
        if time.monotonic() > deadline_s:
            raise ServiceError(f"waited {WAIT_S:g} s for {what} in vain")
        time.sleep(POLL_S)


def _show_plan(steps: list[Step], *, as_json: bool) -> int:
    names = [name for name, _ in steps]
    with reader_may_leave():
        if as_json:
            print(json.dumps({"ok": True, "dry_run": True, "steps": names}))
        else:
            print("\n".join([*(f"would swap: {name}" for name in names), "say --yes to do it"]))
    return 0


def _table(rows: list[Row]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("SWAP")
    for name in ("before ms", "gap ms", "ticks", "lost"):
        table.add_column(name, justify="right")
    table.add_column("result")
    for row in rows:
        table.add_row(
            row.step, f"{row.before_ms:.0f}", f"{row.gap_ms:.0f}", str(row.ticks), str(row.lost),
            row.said if row.ok else f"FAILED: {row.said}",
        )  # fmt: skip
    return table
