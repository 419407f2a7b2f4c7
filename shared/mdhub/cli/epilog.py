"""How the help of every command ends: its exit codes, then an example."""

from __future__ import annotations

__all__ = ["epilog"]


def epilog(*examples: str, codes: str = "0 done") -> str:
    """Text below the options; `codes` says what 0 and 1 mean, e.g. `0 stopped, 1 no server`."""
    shown = (f"Example: {example}" for example in examples)
    return "\n\n".join([f"Exit codes: {codes}, 2 wrong options or configuration.", *shown])
