"""The install script names what a machine lacks and what to do about it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts/gateways.py"

pytestmark = [
    pytest.mark.gateways,
    pytest.mark.process,
    pytest.mark.skipif(sys.platform != "linux", reason="the gateways exist for Linux only"),
]


def install(folder: Path, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run the script with a cache and an environment of its own, on a machine with locales."""
    (folder / "i18n/charmaps").mkdir(parents=True)
    (folder / "i18n/charmaps/GB18030.gz").touch()
    own = {
        "XDG_CACHE_HOME": str(folder / "cache"),
        "VENV": str(folder / "venv"),
        "I18NPATH": str(folder / "i18n"),
    }
    command = [sys.executable, str(SCRIPT), *arguments]
    environment = {**os.environ, **own, **changes}
    return subprocess.run(command, check=False, capture_output=True, text=True, env=environment)


def test_a_missing_compiler_is_named(tmp_path: Path) -> None:
    """What was looked for, and the command that brings it; nothing is downloaded before."""
    done = install(tmp_path, CXX="no-such-compiler")

    assert done.returncode == 3
    assert "looked for 'no-such-compiler'" in done.stderr
    assert "apt-get install g++" in done.stderr
    assert not (tmp_path / "cache/mdhub/gateways/build").exists()


def test_missing_locale_sources_are_named(tmp_path: Path) -> None:
    """The locale is compiled from what the system's package brings."""
    done = install(tmp_path, I18NPATH=str(tmp_path / "nothing"))

    assert done.returncode == 3
    assert "apt-get install locales" in done.stderr


def test_tests_go_on_without_gateways_and_know_why(tmp_path: Path) -> None:
    """With --optional a lack is no failure; the reason is kept for those who ask later."""
    done = install(tmp_path, "--optional", "--set", "pinned", CXX="no-such-compiler")
    later = subprocess.run(
        [sys.executable, str(SCRIPT), "--set", "pinned", "--where"],
        check=False,
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "XDG_CACHE_HOME": str(tmp_path / "cache"),
            "VENV": str(tmp_path / "venv"),
        },
    )

    assert done.returncode == 0
    assert later.returncode == 3
    assert "no C++ compiler" in later.stderr


def test_who_asks_for_gateways_that_are_not_there_is_told_the_command(tmp_path: Path) -> None:
    """Tests run by hand, before `make gateways`."""
    done = install(tmp_path, "--set", "pinned", "--where")

    assert done.returncode == 3
    assert "run make gateways ARGS='--set pinned'" in done.stderr
