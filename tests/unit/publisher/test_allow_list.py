"""The folder of clients: read again on change, robust against what is put there."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from mdhub.runtime.errors import ServiceError
from mdhub.runtime.logging import Logger
from mdhub.sdk.keys import new_pair, write_public
from mdhub_publisher.allow_list import LOOK_NS, AllowList


class Desk:
    """An allow list with a clock of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now_ns = 1
        self.logged = io.StringIO()
        self.allowed = AllowList(folder, logger=Logger("publisher", "A", self.logged))

    def add(self, name: str) -> str:
        public = new_pair().public
        write_public(self.folder / f"{name}.key", public, name=name)
        return public

    def look(self) -> bool:
        self.now_ns += LOOK_NS
        return self.allowed.changed(self.now_ns)

    def lines(self, event: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.logged.getvalue().splitlines()]
        return [line for line in lines if line["event"] == event]


def test_added_and_removed_files_are_seen(tmp_path: Path) -> None:
    """And nothing is news twice."""
    desk = Desk(tmp_path)
    ann = desk.add("ann")
    assert desk.look() and desk.allowed.names == {ann: "ann"}
    assert not desk.look()

    (tmp_path / "ann.key").unlink()
    assert desk.look() and desk.allowed.names == {}


def test_a_file_that_is_no_key_allows_nobody_and_is_told(tmp_path: Path) -> None:
    """The others stay allowed."""
    desk = Desk(tmp_path)
    ann = desk.add("ann")
    (tmp_path / "bob.key").write_bytes(b"\xff\xfe nonsense")
    (tmp_path / ".draft.key").write_text("half a file")
    desk.look()

    assert desk.allowed.names == {ann: "ann"}
    assert desk.allowed.bad_files == 1
    assert [line["reason"].split(" is ")[0] for line in desk.lines("key_file_ignored")] == [
        f"key file {tmp_path / 'bob.key'}"
    ]


def test_a_folder_that_goes_away_throws_nobody_out(tmp_path: Path) -> None:
    """It is told once, and read again when it is back."""
    folder = tmp_path / "clients"
    folder.mkdir()
    desk = Desk(folder)
    ann = desk.add("ann")
    desk.look()
    folder.rename(tmp_path / "elsewhere")
    assert not desk.look()
    assert not desk.look()

    assert desk.allowed.names == {ann: "ann"}
    assert len(desk.lines("clients_unread")) == 1
    (tmp_path / "elsewhere").rename(folder)
    (folder / "ann.key").unlink()
    assert desk.look() and not desk.allowed.names


def test_a_folder_that_was_never_there_is_an_error(tmp_path: Path) -> None:
    """With the command that makes one."""
    with pytest.raises(ServiceError, match=r"nowhere.*cannot be read.*mdhub keys new"):
        Desk(tmp_path / "nowhere")
