"""Named scenes for whoever opens pages: a whole console over a made-up hub, filled or empty."""

from __future__ import annotations

import atexit
import secrets
import shutil
import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Final

from mdhub.health.model import HealthReport
from mdhub.runtime.clock import Clock
from mdhub_console.identity.demo_link import DemoLink
from mdhub_console.identity.service import Identity
from mdhub_console.live.service import Live
from mdhub_console.parts import Parts
from tests.support.console import make_accounts, make_identity, make_parts
from tests.support.console_accounts import accounts_scene, tested
from tests.support.console_market import Market, scene
from tests.support.console_records import records_parts
from tests.support.console_scene import NOW_NS, Still, fine, live_of, populate, troubled

__all__ = ["DEMO_TOKEN", "REPLAY", "SCENES", "parts_of", "path_in"]

DEMO_TOKEN: Final = secrets.token_urlsafe(24)
REPLAY: Final = f"/replay?contract=rb2701.SHFE&from={NOW_NS // 10**6 - 60_000}&seconds=60"
"""The last minute before NOW_NS in `fine` and `troubled`."""
_REFUSED: Final = 100
"""Which of them: well after the first clean ticks; later ones may have been added by a test."""
_HUBS: Final[Mapping[str, Callable[[], HealthReport | None]]] = {"fine": fine, "troubled": troubled}
SCENES: Final = ("fine", "troubled", "records", "empty", "new", "demo")
"""`fine`, `troubled`: contracts, accounts and a report; `records`: a log with lines, events and
refused ticks; `empty`: nothing has ever run; `new`: and there is no user; `demo`: nor is there, but
for the demo's, whose link is unused."""


def parts_of(name: str, *, kind: type[Live] = Still, clock: Clock | None = None) -> Parts:
    """The console of a scene, at NOW_NS; a `kind` of Live that runs takes the time from `clock`."""
    if name == "records":
        parts = records_parts(kind=kind, clock=clock)
        populate(parts.identity)
        return parts
    if name in _HUBS:
        market = _market()
        live = tested(live_of(_HUBS[name](), market.server, kind=kind, clock=clock))
        parts = make_parts(market.server, live=live, accounts=accounts_scene())
        populate(parts.identity)
        return parts
    return _bare(name, kind, clock)


def path_in(parts: Parts, path: str) -> str:
    """The path with `{refused}` replaced by the id of a refused tick of the scene."""
    if "{refused}" not in path:
        return path
    return path.format(refused=parts.live.view.rows("rejected:0")[_REFUSED].id.decode())


def _bare(name: str, kind: type[Live], clock: Clock | None) -> Parts:
    server = Market().server
    live = live_of(None, server, kind=kind, clock=clock)
    identity = make_identity(roles=()) if name in {"new", "demo"} else make_identity()
    demo = _demo(identity) if name == "demo" else None
    populate(identity)
    return make_parts(server, live=live, accounts=make_accounts(), identity=identity, demo=demo)


def _demo(identity: Identity) -> DemoLink:
    folder = Path(tempfile.mkdtemp(prefix="mdhub-demo-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    demo = DemoLink(identity, folder)
    demo.begin(DEMO_TOKEN)
    return demo


@cache
def _market() -> Market:
    """Made once: pages only read it."""
    return scene()
