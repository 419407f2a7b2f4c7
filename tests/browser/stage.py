"""A console over a made-up hub whose numbers move when a test says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Final

from litestar import Litestar

from mdhub.health.model import HealthReport, encode_health
from mdhub.runtime.clock import Clock
from mdhub_console.identity.cookies import PLAIN
from mdhub_console.identity.model import Role
from mdhub_console.live.service import Live
from tests.support.console import make_identity, make_parts
from tests.support.console_scene import NOW_NS, as_of, fine, live_of, populate, troubled
from tests.support.console_server import Served, served

__all__ = ["SCENES", "Stage", "on_stage"]

SECOND_NS: Final = 1_000_000_000
SCENES: Final[dict[str, Callable[[], HealthReport | None]]] = {
    "fine": fine,
    "troubled": troubled,
    "empty": lambda: None,
    "new": lambda: None,
}
"""`new`: nobody has made the first user."""


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

    def cookies(self, role: Role | None) -> dict[str, str]:
        """Cookies of somebody of this role who has logged in just now; None = nobody."""
        if role is None:
            return {}
        identity = self.served.parts.identity
        member = identity.people.named(role.word)
        assert member is not None
        return {PLAIN: identity.open_session(member.user)}

    def move(self) -> None:
        """A second passes: all numbers are others, no state is."""
        self.time.now_ns += SECOND_NS
        seconds = (self.time.now_ns - NOW_NS) // SECOND_NS
        health = None
        if self.report is not None:
            ts_ns = self.report.ts_ns + seconds * SECOND_NS
            health = encode_health(as_of(self.report, int(seconds), ts_ns))
        view = self.served.parts.live.view
        view.take_look(health=health, beats={}, alerts=None, now_ns=self.time.now_ns)


@contextmanager
def on_stage(scene: str) -> Iterator[Stage]:
    """Serve a scene until the block ends."""
    time, report = _Time(), SCENES[scene]()
    live = live_of(report, kind=Moving, clock=Clock(wall_ns=lambda: time.now_ns))
    roles = () if scene == "new" else tuple(Role)
    identity = make_identity(roles=roles)
    populate(identity)
    with served(make_parts(live=live, identity=identity)) as running:
        yield Stage(running, report, time)
