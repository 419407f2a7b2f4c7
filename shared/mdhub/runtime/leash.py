"""`python -m mdhub.runtime.leash PROGRAM ARGS...`: run a foreign program that dies with us."""

from __future__ import annotations

import os
import sys

from mdhub.runtime.parent import die_with_parent


def main(argv: list[str]) -> None:
    """Tie this process to its parent, then become the program (the tie survives exec)."""
    die_with_parent()
    os.execv(argv[0], argv)  # noqa: S606 - becoming another program is the point


if __name__ == "__main__":
    main(sys.argv[1:])
