"""What accounts ask of the monitor: canaries that they must deliver, limits of their silence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from mdhub.health.watched import Watched

__all__ = ["NOTHING", "Asked", "asked_of"]


@dataclass(frozen=True, slots=True)
class Asked:
    """By contract, `symbol.EXCHANGE`."""

    sources: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Sources that must deliver it."""
    limits_ms: Mapping[str, int] = field(default_factory=dict)
    """The shortest limit that anybody gave."""
    own_limits_ms: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """Limit of one source and contract."""


NOTHING: Final = Asked()


def asked_of(accounts: Iterable[Watched]) -> Asked:
    """Put the wishes of all accounts together. A limit alone asks for the contract, too."""
    sources: dict[str, tuple[str, ...]] = {}
    limits: dict[str, int] = {}
    own: dict[tuple[str, str], int] = {}
    for account in accounts:
        for name in dict.fromkeys((*account.canaries, *account.silence_ms)):
            sources[name] = (*sources.get(name, ()), account.name)
        for name, limit_ms in account.silence_ms.items():
            limits[name] = min(limit_ms, limits.get(name, limit_ms))
            own[account.name, name] = limit_ms
    return Asked(sources, limits, own)
