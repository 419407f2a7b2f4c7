"""What `mdhub doctor` finds on this host, for people in a browser."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mdhub.cli.doctor.finding import Finding

__all__ = ["Examined", "examine_host"]


@dataclass(frozen=True, slots=True)
class Examined:
    """Findings as of a moment."""

    at_ns: int
    findings: tuple[Finding, ...]
    broken: tuple[str, ...] = ()
    """Problems of the configuration: then nothing was checked."""


def examine_host(config: Path | None, data: Path, *, now_ns: int) -> Examined:
    """Run every check; takes some seconds. Nothing is changed, no front is called."""
    # Half a second that a console nobody asks need not spend.
    from mdhub.cli.doctor.run import Asked, examine  # noqa: PLC0415
    from mdhub.config import ConfigError  # noqa: PLC0415

    try:
        found = examine(Asked(config=config, data=None if config else data))
    except ConfigError as error:
        return Examined(now_ns, (), tuple(str(problem) for problem in error.problems))
    return Examined(now_ns, tuple(found))
