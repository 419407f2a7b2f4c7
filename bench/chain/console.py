"""A console beside the hub, and a program that holds tabs open on it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final, NamedTuple

from bench.chain.scene import START_S, Scene, bench_module
from bench.tabs import COOKIE_VARIABLE
from mdhub.host.ports import free_port_pair
from mdhub.host.stack import service_module
from mdhub.runtime.heartbeat import decode_beat
from mdhub_console.identity.cookies import PLAIN
from mdhub_console.identity.model import Role
from mdhub_console.identity.service import Identity
from mdhub_console.identity.store.database import Database, file_url

PASSWORD: Final = "tabs of a benchmark, on loopback"  # noqa: S105 - of a database that ends with the run


class Console(NamedTuple):
    """A running console."""

    port: int
    cookie: str
    """Of a viewer who has logged in."""


def start_console(scene: Scene) -> Console:
    """Start it, with one user."""
    folder, port = scene.folder / "console", free_port_pair()
    folder.mkdir()
    cookie = _viewer(folder)
    scene.child(
        "console", sys.executable, "-m", service_module("console"),
        "--bind", f"127.0.0.1:{port}", "--data", folder, "--shards", scene.load.shards,
        environment={"MDHUB_REDIS_URL": scene.host.url},
    )  # fmt: skip
    scene.wait(lambda: _open_now(scene) is not None, "the console", START_S)
    return Console(port, cookie)


def open_tabs(scene: Scene, console: Console) -> None:
    """Open the load's tabs; return when the console says that it serves them all."""
    wanted = scene.load.tabs
    if not wanted:
        return
    scene.child(
        "tabs", *bench_module("tabs"), "--port", console.port, "--tabs", wanted,
        environment={COOKIE_VARIABLE: console.cookie},
    )  # fmt: skip
    scene.wait(lambda: _open_now(scene) == wanted, f"{wanted} open tabs", START_S)


def _viewer(folder: Path) -> str:
    identity = Identity(Database(file_url(folder / "console.db")), folder=folder)
    try:
        identity.add_user("viewer", PASSWORD, Role.VIEWER)
        member = identity.people.named("viewer")
        if member is None:
            raise RuntimeError("the user that was just made is not there")
        return f"{PLAIN}={identity.open_session(member.user)}"
    finally:
        identity.close()


def _open_now(scene: Scene) -> int | None:
    """Tabs that the console's heartbeat tells of; None = it tells nothing yet."""
    log = scene.host.open_log()
    try:
        beat = log.beats().get("console:A")
    finally:
        log.close()
    return decode_beat(beat).counters.get("tabs", 0) if beat else None
