"""Each gateway has a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mdhub_ingest.gateways import flow
from mdhub_ingest.gateways.flow import enter, folder_of
from mdhub_ingest.sources.port import SourceError

HOLD = "import sys; from pathlib import Path; from mdhub_ingest.gateways.flow import enter\n"
HOLD += "enter(Path(sys.argv[1])); print('in', flush=True); sys.stdin.read()"


@pytest.fixture(autouse=True)
def back_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_folder_is_made_and_entered(tmp_path: Path) -> None:
    """With the folder that vnpy looks for, readable by its owner only."""
    folder = folder_of(tmp_path, "CTP1")

    enter(folder)

    assert folder == tmp_path / "gateways/CTP1" and Path.cwd() == folder
    assert (folder / ".vntrader").stat().st_mode & 0o077 == 0
    os.close(flow._held.pop())


def test_a_folder_has_one_process(tmp_path: Path) -> None:
    """Two logins of one account would throw each other out; the lock ends with its process."""
    command = [sys.executable, "-c", HOLD, str(tmp_path / "f")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None and other.stdout.readline() == b"in\n"
        with pytest.raises(SourceError, match="is used by another process"):
            enter(tmp_path / "f")
        other.kill()
    enter(tmp_path / "f")
    os.close(flow._held.pop())


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """The vendor's library would end the process without a word."""
    (tmp_path / "file").write_text("")
    with pytest.raises(SourceError, match=r"file/x cannot be written to: .*make it writable"):
        enter(tmp_path / "file/x")
