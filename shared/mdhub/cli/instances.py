"""Which instance of a service its options name."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from mdhub.runtime.errors import ServiceError

__all__ = ["instances_of", "names_in", "prefix_in", "sources_in"]


def instances_of(service: str, given: Sequence[str]) -> tuple[str, ...]:
    """Names that a service's heartbeat may go by; an ingest process has one of its sources' names.

    Raises ServiceError if the options leave it open.
    """
    names, _ = names_in(given)
    if service != "ingest":
        return (f"{service}:{names.id or 'A'}",)
    own = [names.id] if names.id else sources_in(names.only)
    if not own:
        raise ServiceError("which ingest process? Name it as it was started: --only or --id")
    return tuple(f"supervisor:{name}" for name in own)


def names_in(given: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """Split options into the names among them (`id`, `only`), and all others."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--id")
    parser.add_argument("--only", action="append", default=[])
    return parser.parse_known_args(list(given))


def sources_in(only: Sequence[str]) -> list[str]:
    """Names of sources in `--only` options, which may hold several with commas between."""
    return [name for text in only for name in text.split(",") if name]


def prefix_in(given: Sequence[str], default: str) -> str:
    """Key prefix of the hub."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--prefix", default=default)
    return str(parser.parse_known_args(list(given))[0].prefix)
