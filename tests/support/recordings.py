"""Where the recordings are; they are not part of the repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

__all__ = ["recording"]

ROOT = Path(__file__).parents[2]


def recording(name: str) -> Path:
    """Path of a recording; the test is skipped, with the reason, where there is none."""
    folder = Path(os.environ.get("MDHUB_RECORDINGS", ROOT / "../shared/data/recordings"))
    if not (folder / name).exists():
        pytest.skip(f"no recording {name}: set MDHUB_RECORDINGS to the folder that has it")
    return (folder / name).resolve()
