"""The form of an account, made from what is known of its gateway; what a person gave, read. Pure.

A secret is never filled in: what was typed is not sent back, what is kept is not known here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from mdhub.accounts.check import problems_of
from mdhub.accounts.edit import of_type, secrets_of, with_kept_secrets
from mdhub.accounts.errors import BadAccount
from mdhub.accounts.kinds import CLASS, FORMS, KINDS, Profile, account_profile
from mdhub.accounts.kinds_tables import Field
from mdhub.accounts.model import Account, AccountHealth, Draft
from mdhub.accounts.sealed import is_sealed
from mdhub.accounts.shape import checked
from mdhub.runtime.secret import Value, is_reference
from mdhub_console.identity.model import Language
from mdhub_console.words.catalogue import translator

__all__ = ["HUB_BOXES", "Box", "Given", "boxes_of", "given_of", "kinds_of", "problems_in"]

SETTINGS: Final = "settings."
DROP: Final = "drop."
OTHERS: Final = "others"
TYPED: Final = "sealed:typed"
"""In the place of a secret that was typed, while a form is checked."""
HUB_BOXES: Final = ("priority", "schedule_group", "subscribe", "health.canaries", "description")
_LINES: Final = frozenset({OTHERS, "subscribe", "health.canaries"})
_MOST: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One input with its words."""

    name: str
    """As problems name the field."""
    label: str
    help: str = ""
    unit: str = ""
    kind: str = "text"
    """`text`, `number`, `secret`, `choice` or `lines`."""
    required: bool = False
    value: str = ""
    state: str = ""
    """Of a secret that is there: `sealed` or `reference`."""
    choices: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Given:
    """What a form says."""

    draft: Draft
    unread: Mapping[str, str]
    """Problems of what could not even be read, by field."""


def kinds_of(language: Language) -> list[tuple[str, str]]:
    """Types of accounts with their labels, in the order of a form."""
    at = 1 if language == "zh" else 0
    return [(kind, profile.label[at]) for kind, profile in FORMS.items()]


def boxes_of(
    draft: Draft, language: Language, typed: Mapping[str, str] | None = None
) -> tuple[list[Box], list[Box]]:
    """Boxes of the gateway's settings, and of what the hub wants to know.

    `typed`: what a person gave and must not lose; without it the draft's own values.
    """
    profile = account_profile(draft.gateway_type, draft.settings)
    states = secrets_of(draft)

    def value(name: str, own: str) -> str:
        return own if typed is None else typed.get(name, "")

    settings = [
        _box(field, draft, states.get(field.name, ""), language, value)
        for field in _fields(draft, profile)
    ]
    if profile.is_open:
        settings.append(_words_box(OTHERS, value(OTHERS, _others(draft, profile)), language))
    return settings, [
        _words_box(name, value(name, _own(draft, name)), language) for name in HUB_BOXES
    ]


def given_of(
    account_id: str, kind: str, form: Mapping[str, str], before: Account | None = None
) -> Given:
    """Read a form. An empty box is a setting left out; an empty secret is kept from `before`."""
    settings = dict(_settings(kind, form))
    unread: dict[str, str] = {}
    priority = form.get("priority", "").strip()
    if not priority.isdecimal():
        unread["priority"] = "bad_priority"
    canaries, limits = _canaries(form.get("health.canaries", ""), unread)
    draft = Draft(
        id=account_id,
        gateway_type=kind,  # type: ignore[arg-type] # the check names one that does not exist
        settings=settings,
        priority=int(priority) if priority.isdecimal() else 0,
        is_enabled=form.get("is_enabled", "") == "on" if before is None else before.is_enabled,
        description=form.get("description", "").strip(),
        schedule_group=form.get("schedule_group", "").strip(),
        subscribe=_lines(form.get("subscribe", "")),
        health=AccountHealth(canaries=canaries, silence_ms=limits),
    )
    return Given(draft, unread)


def problems_in(given: Given, before: Account | None = None) -> dict[str, str]:
    """What does not fit, by field; says of secrets only whether they are there."""
    draft = given.draft if before is None else with_kept_secrets(given.draft, before)
    hidden = Draft(
        **{name: getattr(draft, name) for name in Draft.__struct_fields__}
        | {"settings": dict(_hidden(draft))}
    )
    problems = dict(problems_of(hidden))
    try:
        checked(hidden)
    except BadAccount as error:
        problems |= error.problems
    problems |= given.unread
    return problems


def _hidden(draft: Draft) -> Iterator[tuple[str, Value]]:
    profile = FORMS.get(draft.gateway_type) and account_profile(draft.gateway_type, draft.settings)
    for name, value in draft.settings.items():
        plain = value != "" and not is_reference(value)
        fits = isinstance(value, str) and value.isprintable()
        secret = profile is not None and profile.is_secret(name)
        yield name, TYPED if secret and plain and fits else value


def _fields(draft: Draft, profile: Profile) -> tuple[Field, ...]:
    known = draft.gateway_type == "vnpy" and not profile.is_open
    return (*KINDS["vnpy"].fields, *profile.fields) if known else profile.fields


def _box(field: Field, draft: Draft, state: str, language: Language, value: Any) -> Box:
    at = 1 if language == "zh" else 0
    name = f"{SETTINGS}{field.name}"
    own = draft.settings.get(field.name, draft.settings.get(field.key, ""))
    reference = field.secret and is_reference(own)
    shown = "" if (field.secret and not reference) or is_sealed(own) else _text(own)
    return Box(
        name=name, label=field.label[at], help=field.help[at], unit=field.unit,
        kind=_kind(field), required=field.required,
        value=shown if field.secret else value(name, shown),
        state="" if state == "missing" else state, choices=_choices(field, language),
    )  # fmt: skip


def _kind(field: Field) -> str:
    if field.secret:
        return "secret"
    if field.choices or field.type == "truth":
        return "choice"
    return "number" if field.type in {"integer", "number"} else "text"


def _choices(field: Field, language: Language) -> tuple[tuple[str, str], ...]:
    t = translator(language)
    if field.type == "truth":
        return (("", t("account.default")), ("true", t("account.yes")), ("false", t("account.no")))
    if not field.choices:
        return ()
    named = ((c.value, c.label_zh if language == "zh" else c.value) for c in field.choices)
    return (("", t("account.default")), *named)


def _words_box(name: str, value: str, language: Language) -> Box:
    t = translator(language)
    kind = "lines" if name in _LINES else "number" if name == "priority" else "text"
    label, words = t(f"account.box.{name}"), t(f"account.help.{name}")
    return Box(name=name, label=label, help=words, kind=kind, value=value)


def _own(draft: Draft, name: str) -> str:
    match name:
        case "subscribe":
            return "\n".join(draft.subscribe)
        case "health.canaries":
            limits = draft.health.silence_ms
            names = dict.fromkeys((*draft.health.canaries, *limits))
            return "\n".join(f"{n} {limits[n]}" if n in limits else n for n in names)
        case _:
            return str(getattr(draft, name))


def _others(draft: Draft, profile: Profile) -> str:
    known = {name for field in profile.fields for name in (field.name, field.key)}
    return "\n".join(
        f"{name}={_text(value)}"
        for name, value in draft.settings.items()
        if name not in known
        and not is_sealed(value)
        and (is_reference(value) or not profile.is_secret(name))
    )


def _settings(kind: str, form: Mapping[str, str]) -> Iterator[tuple[str, Value]]:
    class_path = form.get(f"{SETTINGS}{CLASS}", "").strip()
    profile = account_profile(kind, {CLASS: class_path}) if kind in FORMS else Profile()
    for line in _lines(form.get(OTHERS, "")):
        name, _, text = line.partition("=")
        yield name.strip(), text.strip()
    for key, text in form.items():
        name = key.removeprefix(SETTINGS)
        if name == key:
            continue
        if form.get(f"{DROP}{key}"):
            yield name, ""
        elif profile.is_secret(name):
            if text:
                yield name, text
        elif text.strip():
            yield name, of_type(profile, name, text.strip())


def _canaries(text: str, unread: dict[str, str]) -> tuple[tuple[str, ...], dict[str, int]]:
    names, limits = [], {}
    for line in _lines(text):
        name, _, limit = line.partition(" ")
        names.append(name)
        if limit.strip().isdecimal():
            limits[name] = int(limit)
        elif limit.strip():
            unread["health.canaries"] = "bad_silence"
    return tuple(names), limits


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines()[:_MOST] if line.strip())


def _text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
