"""What the arbiter was told at start that may influence verdicts, and how it gets into the log.

`decide` looks nothing up: a leader compares its settings with the state and appends what differs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal, NamedTuple

import msgspec

from mdhub.calendar import Calendar
from mdhub.wire.codec import encode
from mdhub.wire.entries import ConfigChange, ContractRow, ControlKind, RulesChange
from mdhub_arbiter.instrument import Contract
from mdhub_arbiter.state import State

__all__ = [
    "RULES_VERSION",
    "Settings",
    "SettingsError",
    "Wanted",
    "is_news",
    "missing",
    "parse_settings",
]

RULES_VERSION: Final = 2
"""Newest version of the rules this code knows: 1 = hard rules only, 2 = the full rule book."""
ROWS: Final = 500
"""Contracts per entry."""


class SettingsError(ValueError):
    """The settings given cannot be understood."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of the rules."""

    version: int = RULES_VERSION
    modes: dict[str, Literal["race", "priority"]] = {}
    """Mode per exchange; an exchange not named races."""
    preference: list[str] = []
    """Mode `priority`: sources, the preferred one first."""
    unknown_instrument: Literal["flag", "hold"] = "flag"


class Wanted(NamedTuple):
    """What a leader brings into the log."""

    settings: Settings
    contracts: Sequence[ContractRow] = ()
    calendar: Calendar | None = None
    """The calendar that shall be in force; None = whichever the log has."""


def parse_settings(text: str) -> Settings:
    """Parse settings given as JSON. Raises SettingsError."""
    try:
        settings = msgspec.json.decode(text, type=Settings)
    except msgspec.DecodeError as error:
        example = '{"modes": {"SHFE": "priority"}, "preference": ["A", "B"]}'
        raise SettingsError(f"rules {text!r}: {error}; expected for example {example}") from error
    if not 1 <= settings.version <= RULES_VERSION:
        raise SettingsError(f"rules version was {settings.version}, expected 1 to {RULES_VERSION}")
    return settings


def missing(state: State, wanted: Wanted) -> Iterator[tuple[str, Any]]:
    """Yield the control entries (kind, body) that bring the state to what is wanted."""
    policy, settings = state.policy, wanted.settings
    if policy.rules != settings.version:
        yield ControlKind.RULES, RulesChange(settings.version)
    if policy.modes != settings.modes:
        yield ControlKind.CONFIG, _change("modes", settings.modes)
    if policy.given != settings.preference:
        yield ControlKind.CONFIG, _change("preference", settings.preference)
    if policy.unknown != settings.unknown_instrument:
        yield ControlKind.CONFIG, _change("unknown_instrument", settings.unknown_instrument)
    changed = [row for row in wanted.contracts if is_news(state, row)]
    for start in range(0, len(changed), ROWS):
        yield ControlKind.CONTRACTS, changed[start : start + ROWS]


def is_news(state: State, row: ContractRow) -> bool:
    """Whether a row says something of its contract that the log does not know."""
    known = state.instruments.get(row.symbol)
    return known is None or known.contract != Contract.of(row)


def _change(name: str, value: object) -> ConfigChange:
    return ConfigChange(name, msgspec.Raw(encode(value)))
