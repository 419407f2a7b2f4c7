"""A console over a made-up hub whose numbers move when a test says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Final

import msgspec
from litestar import Litestar
from msgspec.structs import replace

from mdhub.health.model import HealthReport, encode_health
from mdhub.runtime.clock import Clock
from mdhub.runtime.heartbeat import decode_beat
from mdhub.streams.ids import make_id
from mdhub.wire.codec import encode
from mdhub.wire.ops import Event
from mdhub_console.identity.cookies import PLAIN
from mdhub_console.identity.model import Role
from mdhub_console.live.rows import LogRow, RejectedRow, Row
from mdhub_console.live.service import Live
from tests.support.console_scene import NOW_NS, as_of
from tests.support.console_scenes import parts_of, path_in
from tests.support.console_server import Served, served

__all__ = ["Stage", "on_stage"]

SECOND_NS: Final = 1_000_000_000


class Moving(Live):
    """Streams to tabs run; nothing is read, so only the test changes the view."""

    @asynccontextmanager
    async def lifespan(self, _app: Litestar) -> AsyncIterator[None]:
        pulse = asyncio.create_task(self.streams.run())
        try:
            yield
        finally:
            self.streams.close()
            pulse.cancel()
            await asyncio.gather(pulse, return_exceptions=True)


@dataclass(slots=True)
class _Time:
    now_ns: int = NOW_NS


@dataclass(slots=True)
class Stage:
    """A running console."""

    served: Served
    report: HealthReport | None
    time: _Time

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.served.port}"

    def path(self, path: str) -> str:
        """A path with the ids of this scene in it."""
        return path_in(self.served.parts, path)

    def cookies(self, role: Role | None) -> dict[str, str]:
        """Cookies of somebody of this role who has logged in just now; None = nobody."""
        if role is None:
            return {}
        identity = self.served.parts.identity
        member = identity.people.named(role.word)
        assert member is not None
        return {PLAIN: identity.open_session(member.user)}

    def move(self) -> None:
        """A second passes: all numbers are others, no state is; rows come."""
        self.time.now_ns += SECOND_NS
        seconds = (self.time.now_ns - NOW_NS) // SECOND_NS
        health = None
        if self.report is not None:
            ts_ns = self.report.ts_ns + seconds * SECOND_NS
            health = encode_health(as_of(self.report, int(seconds), ts_ns))
        view, now_ns = self.served.parts.live.view, self.time.now_ns
        view.take_logs([_line(now_ns)])
        for newest in view.rows("rejected:0")[-1:]:  # a scene with rows gets more of them
            view.take_rejected(0, [_again(newest, now_ns)])
            view.take_events([(_id(now_ns).encode(), _event(now_ns))])
        view.take_look(
            health=health, beats={name: _later(each) for name, each in view.beats.items()},
            alerts=view.alerts and replace(view.alerts, ts_ns=view.alerts.ts_ns + SECOND_NS),
            schedules=view.schedules, now_ns=now_ns,
        )  # fmt: skip


def _later(payload: bytes) -> bytes:
    beat = decode_beat(payload)
    return encode(replace(beat, ts_ns=beat.ts_ns + SECOND_NS))


def _id(now_ns: int) -> str:
    return make_id(now_ns // 1_000_000, 0).decode()


def _again(row: Row, now_ns: int) -> RejectedRow:
    refused = msgspec.json.decode(row.json, type=RejectedRow)
    return replace(refused, id=_id(now_ns), ts_ms=now_ns // 1_000_000)


def _event(now_ns: int) -> Event:
    body = {"change": "opened", "session": "day"}
    return Event(1, f"e{now_ns}", now_ns, "ingest", "session", "futures", "info", "", body)


def _line(now_ns: int) -> LogRow:
    return LogRow(
        id=_id(now_ns), ts_ns=now_ns, level="info",
        service="publisher:A", event="client_behind", correlation_id="", fields={"behind_ms": 12},
    )  # fmt: skip


@contextmanager
def on_stage(scene: str) -> Iterator[Stage]:
    """Serve a scene until the block ends."""
    time = _Time()
    parts = parts_of(scene, kind=Moving, clock=Clock(wall_ns=lambda: time.now_ns))
    with served(parts) as running:
        yield Stage(running, parts.live.view.report, time)
