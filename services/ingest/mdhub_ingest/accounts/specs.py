"""Which source an account is, or why it is none. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

from mdhub.accounts.model import Account
from mdhub.market.errors import MarketError
from mdhub.runtime.secret import variables_of
from mdhub.wire.errors import MdhubError
from mdhub_ingest.spec import SourceSpec, parse_spec

__all__ = ["Judged", "is_own", "judge", "order_of", "spec_of", "specs_of", "variables"]


@dataclass(frozen=True, slots=True)
class Judged:
    """An account, and what it comes to."""

    account: Account
    spec: SourceSpec | None = None
    """None = it is not to run: disabled, or refused."""
    refused: str = ""
    """What is wrong with it; quotes no value of a setting."""


def specs_of(
    accounts: Iterable[Account],
    *,
    described: Container[str],
    check: Callable[[SourceSpec], object],
) -> dict[str, Judged]:
    """Judge accounts. `described`: names of the configuration; `check` raises MdhubError."""
    return {each.id: judge(each, described=described, check=check) for each in accounts}


def judge(
    account: Account, *, described: Container[str], check: Callable[[SourceSpec], object]
) -> Judged:
    """Judge one account; a disabled one too is told what is wrong with it."""
    if account.id in described:
        return Judged(
            account,
            refused=f"the configuration has a source {account.id!r} too, and that one runs: "
            "rename or remove one of them",
        )
    try:
        spec = spec_of(account)
        check(spec)
    except MarketError:  # its words may quote a setting
        words = "no simulated market can be made of these settings: see docs/sources.md"
        return Judged(account, refused=words)
    except MdhubError as error:
        return Judged(account, refused=str(error))
    return Judged(account, spec if account.is_enabled else None)


def spec_of(account: Account) -> SourceSpec:
    """Return an account as a source. Raises MdhubError as `parse_spec` does."""
    settings: dict[str, Any] = dict(account.settings)
    source: dict[str, Any] = {"name": account.id, "schedule": account.schedule_group}
    if account.gateway_type == "sim":
        source["sim"] = settings
    else:
        path = settings.pop("class", "") if account.gateway_type == "vnpy" else ""
        source["gateway"] = {
            "type": account.gateway_type,
            "settings": settings,
            "subscribe": account.subscribe,
        } | ({"class": path} if path else {})
    return parse_spec(msgspec.json.encode(source).decode())


def is_own(account_id: str, part: int, parts: int) -> bool:
    """Whether the supervisor number `part` of `parts` runs an account: by a hash of its id."""
    hashed = hashlib.sha256(account_id.encode()).digest()
    return int.from_bytes(hashed[:8]) % parts == part


def order_of(judged: Iterable[Judged]) -> tuple[str, ...]:
    """Ids of the accounts that may run, the preferred one first.

    Empty where all have one priority: nobody has said what is preferred.
    """
    ranked = sorted((each.account.priority, each.account.id) for each in judged if each.spec)
    return tuple(name for _, name in ranked) if len({rank for rank, _ in ranked}) > 1 else ()


def variables(accounts: Iterable[Account]) -> frozenset[str]:
    """Variables that hold what accounts log in with."""
    return frozenset[str]().union(*(variables_of(each.settings) for each in accounts))
