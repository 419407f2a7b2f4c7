"""`mdhub run`: one service in the foreground; and commands that a service brings along."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final

from mdhub.cli.epilog import epilog
from mdhub.cli.instances import instances_of, prefix_in
from mdhub.host.stack import service_module
from mdhub.runtime.errors import ServiceError

__all__ = ["RUN_EPILOG", "run_command", "run_service"]

RUN_EPILOG: Final = epilog(
    "mdhub run publisher --port 5555",
    "mdhub run arbiter --config hub.toml --id B",
    "mdhub run ingest --config hub.toml --only A,C",
    "mdhub run arbiter --id B --check",
    "mdhub run console --bind 127.0.0.1:8080",
    codes="0 stopped (--check: alive and well), 1 cannot serve here or work with this server",
)


def run_service(name: str, arguments: Sequence[str]) -> int:
    """Run a service found by its entry point; return its exit code."""
    if name in {"", "--help", "-h"}:
        print("usage: mdhub run {ingest|arbiter|publisher|monitor|console} [OPTIONS]")
        print("\nOne service in the foreground, until Ctrl-C or SIGTERM. It finds the log by")
        print("MDHUB_REDIS_URL (file:/path: as the file says). Each explains its options:")
        print("mdhub run publisher --help. For all of them:")
        print("  --config FILE  options and variables as mdhub up would give them; given ones win")
        print("  --check        run nothing: say whether this instance, on this machine, is well")
        print(f"\n{RUN_EPILOG}")
        return 0 if name else 2
    own, passed_on = _own_options().parse_known_args(list(arguments))
    module = service_module(name)
    if own.check:
        # No configuration is read: this is asked every few seconds.
        from mdhub.cli.service_check import run_check

        prefix = prefix_in(passed_on, os.environ.get("MDHUB_HUB__PREFIX", "mdhub:"))
        return run_check(instances_of(name, passed_on), prefix=prefix)
    if own.config:
        from mdhub.cli.configured import configured

        told = configured(name, own.config, passed_on)
        os.environ.update(told.environment)
        passed_on = list(told.arguments)
    main: Callable[[Sequence[str]], int] = import_module(f"{module}.app").main
    return main(passed_on)


def _own_options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="mdhub run", add_help=False, allow_abbrev=False)
    parser.add_argument("--config", type=Path)
    parser.add_argument("--check", action="store_true")
    return parser


def run_command(name: str, arguments: Sequence[str]) -> int:
    """Run a command that a service brings along, found by its entry point.

    Raises ServiceError if the service is not installed.
    """
    found = entry_points(group="mdhub.commands")
    if name not in found.names:
        raise ServiceError(f'mdhub {name} is part of the arbiter: pip install "mdhub[arbiter,cli]"')
    main: Callable[[Sequence[str]], int] = found[name].load()
    return main(list(arguments))
