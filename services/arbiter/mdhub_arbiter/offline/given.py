"""What a run is decided by: options of `mdhub arbitrate`, over a hub's configuration."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from mdhub.market.products import EXCHANGES
from mdhub.runtime.errors import ServiceError
from mdhub_arbiter.settings import RULES_VERSION, Settings, SettingsError, parse_settings

__all__ = ["Given", "given_by"]


class Given(NamedTuple):
    """Rules, contract table and calendar of a run."""

    settings: Settings
    contracts: Path | None
    calendar: Path | None


def given_by(options: argparse.Namespace) -> Given:
    """Options override the file. Raises ConfigError, and ServiceError on what makes no sense."""
    configured = _configured(options.config)
    changes: dict[str, Any] = {}
    if options.mode is not None:
        priority = options.mode == "priority"
        changes["modes"] = dict.fromkeys(EXCHANGES, options.mode) if priority else {}
    if options.preference is not None:
        changes["preference"] = options.preference
    if options.unknown is not None:
        changes["unknown_instrument"] = options.unknown
    if options.rules is not None:
        changes["version"] = options.rules
    settings = msgspec.structs.replace(configured.settings, **changes)
    if not 1 <= settings.version <= RULES_VERSION:
        raise ServiceError(f"rules version was {settings.version}, expected 1 to {RULES_VERSION}")
    if "priority" in settings.modes.values() and not settings.preference:
        raise ServiceError("mode priority needs --preference, such as A,B: the first one is active")
    return Given(
        settings, options.contracts or configured.contracts, options.calendar or configured.calendar
    )


def _configured(file: Path | None) -> Given:
    if file is None:
        return Given(Settings(), None, None)
    from mdhub.config import load  # noqa: PLC0415 - pydantic only where it is asked for

    config = load(file).config
    rules = config.arbiter.rules.model_dump_json(exclude_none=True)
    try:
        settings = parse_settings(rules)
    except SettingsError as error:
        raise ServiceError(f"{file}: {error}") from error
    return Given(settings, config.arbiter.contracts, config.calendar.override)
