"""From the accounts as they were to the accounts as they are: who starts, ends, is replaced. Pure.

What does not reach the process restarts nothing: description, priority, how it is watched, its
group, and the same secrets sealed anew.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Final

from mdhub.accounts.model import Account
from mdhub.accounts.shape import changed_fields
from mdhub_ingest.accounts.specs import Judged

__all__ = ["News", "Steps", "steps"]

_OF_THE_PROCESS: Final = ("gateway_type", "settings", "subscribe")


@dataclass(frozen=True, slots=True)
class News:
    """What became of an account, for the events."""

    account: Account
    change: str
    """`added`, `changed`, `enabled`, `disabled`, `removed` or `refused`."""
    fields: tuple[str, ...] = ()
    """Names of what changed."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Steps:
    """What is to be done, by id."""

    drop: tuple[str, ...]
    """End and forget."""
    put: tuple[str, ...]
    """Take in, or take the new description of; whose process runs keeps it."""
    replace: tuple[str, ...]
    """Of those: end the process, for a new one."""
    news: tuple[News, ...]


def steps(
    before: Mapping[str, Judged] | None, now: Mapping[str, Judged], resealed: Container[str]
) -> Steps:
    """Compare. `before`: None = nothing was known yet: whoever is there then is no news.

    `resealed`: ids whose settings are the same, sealed anew.
    """
    was = before or {}
    put = tuple(
        name for name, each in now.items() if each.spec and (name not in was or was[name] != each)
    )
    return Steps(
        drop=tuple(
            name for name, old in was.items() if old.spec and not (name in now and now[name].spec)
        ),
        put=put,
        replace=tuple(
            name
            for name in put
            if name in was and _restarts(was[name], now[name], sealed_anew=name in resealed)
        ),
        news=_news(before, now),
    )


def _restarts(old: Judged, new: Judged, *, sealed_anew: bool) -> bool:
    if old.spec is None:
        return False
    same = ("gateway_type", "subscribe") if sealed_anew else _OF_THE_PROCESS
    return any(getattr(old.account, name) != getattr(new.account, name) for name in same)


def _news(before: Mapping[str, Judged] | None, now: Mapping[str, Judged]) -> tuple[News, ...]:
    was = before or {}
    gone = [News(old.account, "removed") for name, old in was.items() if name not in now]
    told = [_told(was.get(name), each, first=before is None) for name, each in now.items()]
    return (*gone, *(each for each in told if each is not None))


def _told(old: Judged | None, new: Judged, *, first: bool) -> News | None:
    account = new.account
    fields: tuple[str, ...] = ()
    if old is not None:
        if old == new:
            return None
        fields = changed_fields(old.account, account)
    if new.refused:
        return News(account, "refused", fields, new.refused)
    if old is None:
        return None if first else News(account, "added")
    if old.account.is_enabled != account.is_enabled:
        return News(account, "enabled" if account.is_enabled else "disabled", fields)
    return News(account, "changed", fields)
