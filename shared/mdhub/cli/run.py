"""`mdhub run`: one service in the foreground."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module

from mdhub.host.stack import service_module

__all__ = ["run_service"]


def run_service(name: str, arguments: Sequence[str]) -> int:
    """Run a service found by its entry point; return its exit code."""
    if name in {"", "--help", "-h"}:
        print("usage: mdhub run {ingest|arbiter|publisher|monitor} [OPTIONS]")
        print("Every service explains its options: mdhub run publisher --help")
        return 0 if name else 2
    main: Callable[[Sequence[str]], int] = import_module(f"{service_module(name)}.app").main
    return main(list(arguments))
