"""The arbiter's knobs as the arbiter takes them, and what it would refuse."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from mdhub.config import HubConfig
from mdhub.config.locate import Key
from mdhub.host.stack import service_module
from mdhub.runtime.errors import ServiceError
from mdhub.wire.errors import MdhubError

__all__ = ["rule_problems", "rules_json"]

_RULES: Key = ("arbiter", "rules")


def rules_json(config: HubConfig) -> str:
    """Render the rules as `mdhub run arbiter --rules` takes them."""
    return config.arbiter.rules.model_dump_json(exclude_none=True)


def rule_problems(config: HubConfig, sources: Sequence[str]) -> list[tuple[Key, str]]:
    """What is wrong with the rules and the contract table of a hub with these sources."""
    rules = config.arbiter.rules
    known = ", ".join(sources) or "none"
    found: list[tuple[Key, str]] = [
        ((*_RULES, "preference", i), f"was {name!r}, expected a source of the hub: {known}")
        for i, name in enumerate(rules.preference)
        if name not in sources
    ]
    if "priority" in rules.modes.values() and not rules.preference:
        words = "mode priority needs preference, a list of sources: the first one is active"
        found.append(((*_RULES, "modes"), words))
    return found + _refused_by_the_arbiter(config)


def _refused_by_the_arbiter(config: HubConfig) -> list[tuple[Key, str]]:
    """Let the arbiter itself judge (if it is installed)."""
    try:
        package = service_module("arbiter")
    except ServiceError:
        return []
    found: list[tuple[Key, str]] = []
    settings: Any = import_module(f"{package}.settings")
    try:
        settings.parse_settings(rules_json(config))
    except ValueError as error:
        found.append(((*_RULES, "version"), str(error)))
    file = config.arbiter.contracts
    if file is not None:
        try:
            import_module(f"{package}.contracts").read_contracts(file)
        except (MdhubError, OSError) as error:
            found.append((("arbiter", "contracts"), str(error)))
    return found
