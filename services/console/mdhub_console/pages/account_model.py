"""Accounts beside what the hub says of them: state, test of the connection, orders. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mdhub.accounts.edit import secrets_of
from mdhub.accounts.kinds import account_profile
from mdhub.accounts.model import Account
from mdhub.calendar.note import SUPERVISOR
from mdhub.runtime.heartbeat import decode_beat
from mdhub.wire.codec import DecodeError
from mdhub.wire.ops import EventKind
from mdhub_console.identity.model import Language
from mdhub_console.live.commands import CommandLife
from mdhub_console.pages.sight import Sight
from mdhub_console.pages.source_model import Action
from mdhub_console.pages.source_state import standing
from mdhub_console.pages.verdict import Tone
from mdhub_console.words.catalogue import catalogue, translator

__all__ = [
    "TEST",
    "Row",
    "Stage",
    "Trial",
    "orders_of",
    "revisions_of",
    "row_of",
    "test_action",
    "trial_of",
]

TEST: Final = "test"
_COUNTER: Final = "account:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An account and how it is."""

    account: Account
    kind: str
    """Label of its gateway."""
    tone: Tone
    state: str
    """Key of a word."""
    why: str = ""
    missing: tuple[str, ...] = ()
    """Secrets that it needs and has not."""
    is_source: bool = False
    """Whether the health report speaks of its source."""
    in_force: bool = True
    """Whether its supervisor has this revision."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of the test of a connection."""

    tone: Tone
    what: str
    said: str = ""
    todo: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """The newest test."""

    life: CommandLife
    stages: tuple[Stage, ...]


def revisions_of(beats: Mapping[str, bytes]) -> dict[str, int]:
    """Revision of each account that a supervisor has taken, from the heartbeats."""
    found: dict[str, int] = {}
    for instance, payload in beats.items():
        if instance.startswith(SUPERVISOR):
            try:
                counters = decode_beat(payload).counters
            except DecodeError:
                continue
            for name, revision in counters.items():
                if name.startswith(_COUNTER):
                    account = name.removeprefix(_COUNTER)
                    found[account] = max(revision, found.get(account, 0))
    return found


def row_of(account: Account, sight: Sight, revisions: Mapping[str, int], language: Language) -> Row:
    """Say how an account is: off, refused, as its source is, or not heard of."""
    label = account_profile(account.gateway_type, account.settings).label
    missing = tuple(n for n, state in secrets_of(account).items() if state == "missing")
    facts, taken = sight.source(account.id), revisions.get(account.id)
    tone, state, why = _state(account, sight, taken)
    return Row(
        account=account, kind=label[1 if language == "zh" else 0], tone=tone, state=state, why=why,
        missing=missing, is_source=facts is not None,
        in_force=taken is None or taken >= account.revision,
    )  # fmt: skip


def _state(account: Account, sight: Sight, taken: int | None) -> tuple[Tone, str, str]:
    refused = _refusal(account, sight)
    if refused:
        return "down", "accounts.state.refused", refused
    if not account.is_enabled:
        return "off", "accounts.state.disabled", ""
    facts, report = sight.source(account.id), sight.report
    if facts is not None and report is not None:
        now = standing(facts, report.session)
        return now.tone, f"sources.state.{now.state}", now.why
    if taken is None:
        return "off", "accounts.state.unheard", ""
    return "info", "accounts.state.taken", ""


def _refusal(account: Account, sight: Sight) -> str:
    """Why the supervisor does not run this revision; empty = it was not refused."""
    for event in reversed(sight.events):
        if event.kind == EventKind.ACCOUNT and event.subject == account.id:
            body = event.body
            refused = body.get("change") == "refused" and body.get("revision") == account.revision
            return str(body.get("reason", "")) if refused else ""
    return ""


def orders_of(commands: Iterable[CommandLife], account_id: str) -> list[CommandLife]:
    """The newest orders to an account and to its source, newest first."""
    own = {f"account:{account_id}", f"source:{account_id}"}
    return [each for each in commands if each.target in own][:8]


def trial_of(orders: Sequence[CommandLife], language: Language) -> Trial | None:
    """The newest test among orders; None = none is held."""
    life = next((each for each in orders if each.action == TEST), None)
    if life is None:
        return None
    result = life.result if isinstance(life.result, Mapping) else {}
    stages = result.get("stages")
    told = [each for each in stages if isinstance(each, Mapping)] if stages else []
    return Trial(life, tuple(_stage(each, language) for each in told))


def test_action(account_id: str, language: Language) -> Action:
    """The button that tests a connection."""
    t = translator(language)
    question = t("accounts.test.ask", name=account_id)
    return Action(TEST, question, (t("accounts.test.does"), t("accounts.test.once")), False, True)


def _stage(each: Mapping[str, Any], language: Language) -> Stage:
    t, suffix = translator(language), "_zh" if language == "zh" else ""
    name, _, check = str(each.get("stage", "")).partition(":")
    keys = (f"accounts.stage.{name}", f"sources.change.{name}")
    known = next((key for key in keys if key in catalogue()), "")
    what = t(known) if known else name.replace("_", " ")
    side = " ".join(part for part in (check, str(each.get("side", "")).upper()) if part)
    said = str(each.get(f"says{suffix}") or each.get("says") or each.get("reason") or "")
    if each.get("code") is not None:
        said = t("sources.code", code=each["code"], means=said)
    if each.get("found"):
        said = t("accounts.stage.found", found=each["found"], expected=each.get("expected", ""))
    tone = "ok" if each.get("ok") is True else _bad(each)
    todo = str(each.get(f"todo{suffix}") or each.get("todo") or "")
    return Stage(tone, f"{what} ({side})" if side else what, said, "" if tone == "ok" else todo)


def _bad(each: Mapping[str, Any]) -> Tone:
    return "warn" if each.get("severity") == "warning" else "down"
