"""No core file of a process that holds secrets: its memory would lie on a disk."""

from __future__ import annotations

import resource

__all__ = ["forbid_core_dumps"]


def forbid_core_dumps() -> None:
    """Forbid them to this process and to all it starts; they cannot allow them again."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
