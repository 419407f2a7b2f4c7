"""`python -m week`: options, and the page of figures."""

from __future__ import annotations

import argparse
import sys
import tempfile
from datetime import date
from pathlib import Path

from mdhub.calendar import Calendar
from week.judge import judge
from week.plan import windows_of
from week.run import run_week

FIRST, LAST = date(2026, 9, 18), date(2026, 9, 28)


def main() -> int:
    """Run; 0 = every claim held."""
    parser = argparse.ArgumentParser(
        prog="python -m week",
        description="A hub that nobody attends over trading days with a holiday in between: real "
        "processes, a played market, outages.",
        epilog="exit codes: 0 every claim held, 1 one did not; example: python -m week --windows 2",
    )
    parser.add_argument("--rate", type=float, default=60.0, help="market seconds per second (60)")
    parser.add_argument("--windows", type=int, default=None, help="only so many windows")
    parser.add_argument("--skip", type=int, default=1, help="leave out so many first (1)")
    parser.add_argument("--keep", type=Path, default=None, help="keep the hub's folder there")
    options = parser.parse_args()
    end = None if options.windows is None else options.skip + options.windows
    windows = windows_of(Calendar.load(), FIRST, LAST)[options.skip : end]
    with tempfile.TemporaryDirectory(prefix="mdhub-week-") as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        story = run_week(folder, windows, options.rate, lambda line: print(line, flush=True))
    claims = judge(story)
    print("\n| claim | held | |\n|---|---|---|")
    for claim in claims:
        print(f"| {claim.words} | {'yes' if claim.held else 'NO'} | {claim.why} |")
    return 0 if all(claim.held for claim in claims) else 1


if __name__ == "__main__":
    sys.exit(main())
