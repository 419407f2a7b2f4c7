"""The smoke set of `mdhub drill`: real processes are broken, and nothing is lost."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from mdhub.drill.registry import DRILLS

pytestmark = [pytest.mark.process, pytest.mark.timeout(150)]

TIMELY = "not held: silence"
"""Limits of time hold on a machine that does nothing else, which a machine for tests does not."""


def drilled(*options: str) -> tuple[int, dict[str, Any], str]:
    """Run the command as a user would; return its exit code, its object and what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "mdhub.cli.app", "drill", "--json", *options],
        capture_output=True, text=True, check=False, timeout=140,
    )  # fmt: skip
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout.splitlines()[-1]), done.stderr


@pytest.mark.parametrize("row", [drill.id for drill in DRILLS if drill.smoke])
def test_nothing_is_lost(row: str) -> None:
    """Each made tick came once and in order, and the clean log is what raw says."""
    code, found, said = drilled("--only", row)

    (result,) = found["drills"]
    if result["verdict"] == "skipped":
        pytest.skip("; ".join(result["reasons"]))
    assert [why for why in result["reasons"] if not why.startswith(TIMELY)] == [], said
    assert (found["lost"], found["duplicated"], found["disordered"]) == (0, 0, 0), said
    assert found["clean_equals_raw"] is True
    assert result["faults"] >= 1 and result["received"] > 1_000
    assert code == (1 if result["reasons"] else 0)
