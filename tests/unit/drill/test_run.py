"""A row that cannot run does not stop the rows behind it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from mdhub.drill.port import Drill, Need, NoGear, Options
from mdhub.drill.rig import Rig, RigError
from mdhub.drill.run import FolderTaken, Row, check_keep, run_drill


def no_fault(rig: Rig, random: Random) -> None:
    """Nobody comes this far."""


DRILL = Drill(id="T", title="t", fault="f", criterion="c", run=no_fault)


def row_of(drill: Drill) -> Row:
    return run_drill(drill, Options(seed=1), keep=None, say=lambda _: None)


def test_what_the_machine_lacks_skips_the_row() -> None:
    """And the row says how to get it."""
    row = row_of(replace(DRILL, needs=(Need("netns", lambda: False, "run it as root"),)))

    assert (row.verdict, row.reasons) == ("skipped", ["needs netns: run it as root"])
    assert row.clean_equals_raw is None


def test_a_hub_that_does_not_work_fails_the_row() -> None:
    """With the sentence that says what was waited for."""

    def gear(folder: Path) -> NoGear:
        raise RigError("waited 20 s in vain for the first leader")

    row = row_of(replace(DRILL, gear=gear))

    assert (row.verdict, row.reasons[0]) == ("FAIL", "waited 20 s in vain for the first leader")


def test_a_mistake_of_the_row_itself_fails_it() -> None:
    """It is shown with its place."""

    def gear(folder: Path) -> NoGear:
        raise ZeroDivisionError(folder.name)

    row = row_of(replace(DRILL, gear=gear))

    assert row.verdict == "FAIL"
    assert row.reasons[0].startswith("the drill itself failed: ZeroDivisionError(")
    assert any("in gear" in line for line in row.reasons)


def test_a_folder_of_another_run_is_refused(tmp_path: Path) -> None:
    """A hub on its data would be judged by both runs."""
    check_keep(tmp_path, [DRILL])
    (tmp_path / "T").mkdir()

    with pytest.raises(FolderTaken, match="is there already; name a new folder"):
        check_keep(tmp_path, [DRILL])
