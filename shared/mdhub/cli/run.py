"""`mdhub run`: one service in the foreground; and commands that a service brings along."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.metadata import entry_points
from typing import Final

from mdhub.cli.epilog import epilog
from mdhub.host.stack import service_module
from mdhub.runtime.errors import ServiceError

__all__ = ["RUN_EPILOG", "run_command", "run_service"]

RUN_EPILOG: Final = epilog(
    "mdhub run publisher --port 5555",
    codes="0 stopped, 1 cannot serve here or work with this server",
)


def run_service(name: str, arguments: Sequence[str]) -> int:
    """Run a service found by its entry point; return its exit code."""
    if name in {"", "--help", "-h"}:
        print("usage: mdhub run {ingest|arbiter|publisher|monitor} [OPTIONS]")
        print("\nOne service in the foreground, until Ctrl-C or SIGTERM. It finds the log by")
        print("MDHUB_REDIS_URL. Each explains its options: mdhub run publisher --help")
        print(f"\n{RUN_EPILOG}")
        return 0 if name else 2
    main: Callable[[Sequence[str]], int] = import_module(f"{service_module(name)}.app").main
    return main(list(arguments))


def run_command(name: str, arguments: Sequence[str]) -> int:
    """Run a command that a service brings along, found by its entry point.

    Raises ServiceError if the service is not installed.
    """
    found = entry_points(group="mdhub.commands")
    if name not in found.names:
        raise ServiceError(f'mdhub {name} is part of the arbiter: pip install "mdhub[arbiter,cli]"')
    main: Callable[[Sequence[str]], int] = found[name].load()
    return main(list(arguments))
