"""Ends event streams whose session or token has ended: logged out, revoked, expired, disabled.

Whoever ended it, here or by another console on the same database, the streams are gone within
`ASK_EVERY_S` and the time of one question; one question covers all tabs.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

from litestar import Litestar

from mdhub.wire.errors import MdhubError
from mdhub_console.live.streams import Streams

__all__ = ["ASK_EVERY_S", "leases"]

ASK_EVERY_S: Final = 1.0

Over = Callable[[frozenset[str]], frozenset[str]]
"""Which of these visits are over. Blocks: it is called in a thread."""


def leases(streams: Streams, over: Over) -> Callable[[Litestar], AbstractAsyncContextManager[None]]:
    """Return a lifespan of the application: it asks while the application runs."""

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        asking = asyncio.create_task(_ask(streams, over), name="console-leases")
        try:
            yield
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)

    return lifespan


async def _ask(streams: Streams, over: Over) -> None:
    while True:
        await asyncio.sleep(ASK_EVERY_S)
        visits = streams.visits
        if not visits:
            continue
        try:
            streams.end(await asyncio.to_thread(over, visits))
        except MdhubError:
            continue  # the database is away: nobody can come in, those who are in stay
