"""Gear changes how the children it is about are started, and no others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mdhub.drill.gears import COMPILER, Clocks, Proxied, ServerDisk
from mdhub.drill.port import Gear
from mdhub.host.stack import URL_VARIABLE
from mdhub.runtime.keeper import ChildSpec

URL = {URL_VARIABLE: "unix:///x/redis.sock"}
CHILDREN = {
    "server": {}, "arbiter A": URL, "publisher A": URL, "ingest 1": URL, "monitor": URL,
    "client": {},
}  # fmt: skip


def changed(gear: Gear) -> set[str]:
    specs = [ChildSpec(name, lambda _: ["x"], env) for name, env in CHILDREN.items()]
    return {spec.name for spec in specs if gear.dress(spec) != spec}


@pytest.mark.parametrize(
    ("make", "children"),
    [
        (ServerDisk, {"server"}),
        (Clocks, CHILDREN.keys() - {"client"}),
        (Proxied, CHILDREN.keys() - {"server", "client"}),
    ],
)
def test_gear_is_put_on_those_it_is_for(
    tmp_path: Path, make: Callable[[Path], Gear], children: set[str]
) -> None:
    """The server's disk, everybody's clock but the client's, every service's way to the server."""
    if make is not Proxied and not COMPILER.present():
        pytest.skip(COMPILER.how)
    gear = make(tmp_path)
    try:
        assert changed(gear) == children
    finally:
        gear.close()


@pytest.mark.skipif(not COMPILER.present(), reason=COMPILER.how)
def test_power_fails_between_two_starts_once(tmp_path: Path) -> None:
    """What was not synced is cut before the server begins again, and only then."""
    gear, folder = ServerDisk(tmp_path), tmp_path / "data/appendonlydir"
    folder.mkdir(parents=True)
    spec = gear.dress(ChildSpec("server", lambda start: [f"start {start}"]))
    file = folder / "appendonly.aof"
    file.write_bytes(b"never synced")
    assert spec.command(1) == ["start 1"]
    assert file.read_bytes() == b"never synced"

    gear.power_fails = True
    assert spec.command(2) == ["start 2"]
    assert (file.read_bytes(), gear.cut_bytes, gear.power_fails) == (b"", 12, False)

    file.write_bytes(b"again")
    spec.command(3)
    assert file.read_bytes() == b"again"
