"""Where the real recordings are, if they are here at all."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def recording_path(name: str) -> Path:
    folder = Path(os.environ.get("MDHUB_RECORDINGS", ROOT / "../shared/data/recordings"))
    path = folder / name
    if not path.is_file():
        pytest.skip(f"recording {path} is not here; set MDHUB_RECORDINGS to its folder")
    return path
