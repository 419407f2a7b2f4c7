"""A service caught in a loop: says the same line again and again, as services say theirs.

`python -m mdhub.drill.flooder --lines-per-s 50000 --count FILE`. At SIGTERM it writes into FILE how
many lines it said.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from mdhub.runtime.logging import service_logger
from mdhub.runtime.service import begin

__all__ = ["main"]

STEP_S: Final = 0.002


def main(argv: Sequence[str] | None = None) -> int:
    """Flood until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m mdhub.drill.flooder", description=__doc__)
    parser.add_argument("--lines-per-s", type=int, required=True)
    parser.add_argument("--count", type=Path, required=True, help="file for what was said")
    options = parser.parse_args(argv)
    stop, logger = begin(), service_logger("flooder", "drill")
    began_s, said = time.monotonic(), 0
    while not stop.wait(STEP_S):
        due = int((time.monotonic() - began_s) * options.lines_per_s)
        for _ in range(due - said):
            logger.warning("loop", reason="the same thing again", attempt=said)
        said = due
    options.count.write_text(str(said))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
