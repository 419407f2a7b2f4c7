"""Old raw logs mean today what they meant when they were written, wherever they are folded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.golden_log import EXPECTED, LOGS, replay_all

ROOT = Path(__file__).parents[3]
EXPLAINED = (
    "decide makes something else of an old log: if the rules changed on purpose, renew the digests "
    "with `python -m tests.support.golden_log --write` and say so"
)


def test_golden_logs_mean_what_they_meant() -> None:
    """Every output byte, n, reasons and the state at the end."""
    found = replay_all()

    assert found == json.loads(EXPECTED.read_text()), EXPLAINED
    assert all(found[name]["n"] > 1_000 for name in LOGS)
    assert len(found["raw_hostile"]["reasons"]) >= 8


@pytest.mark.parametrize("seed", ["0", "1", "20261121"])
def test_the_order_of_hashes_decides_nothing(seed: str) -> None:
    """A process with another PYTHONHASHSEED folds the same logs to the same bytes."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.golden_log"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": seed},
    )

    assert json.loads(done.stdout) == json.loads(EXPECTED.read_text()), EXPLAINED
