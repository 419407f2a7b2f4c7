"""The built wheel, outside the tree."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]


def test_the_wheel_alone_runs_the_demo(tmp_path: Path) -> None:
    """Code, Lua and entry points are in it; nothing is read from the source tree."""
    wheel = build_wheel(tmp_path)
    installed = tmp_path / "installed"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)
    environment = {**os.environ, "PYTHONPATH": str(installed)}

    names = ("mdhub", "mdhub_arbiter", "mdhub_ingest", "mdhub_monitor", "mdhub_publisher")
    show = f"import {', '.join(names)}; print(*(m.__file__ for m in ({', '.join(names)})))"
    where = run_python(["-c", show], tmp_path, environment).split()
    demo = run_python(
        ["-m", "mdhub.cli.app", "demo", "--seconds", "6", "--json"], tmp_path, environment
    )

    assert all(path.startswith(str(installed)) for path in where), where
    result = json.loads(demo.splitlines()[-1])
    assert (result["lost"], result["duplicated"]) == (0, 0)
    assert result["received"] > 100


def test_the_wheel_declares_the_services(tmp_path: Path) -> None:
    """The command line finds services by entry point, so they must be in the metadata."""
    with zipfile.ZipFile(build_wheel(tmp_path)) as archive:
        name = next(n for n in archive.namelist() if n.endswith("entry_points.txt"))
        entry_points = archive.read(name).decode()
        names = archive.namelist()

    for service in ("arbiter", "ingest", "monitor", "publisher"):
        assert f"{service} = mdhub_{service}.app:main" in entry_points
    assert "mdhub/streams/lua/mdhub_log_v2.lua" in names


def build_wheel(folder: Path) -> Path:
    run_python(
        ["-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], ROOT, dict(os.environ)
    )
    return next(folder.glob("*.whl"))


def run_python(arguments: list[str], folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
