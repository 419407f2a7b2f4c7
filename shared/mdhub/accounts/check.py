"""An account as given against what is known of its gateway: every problem at once, no value."""

from __future__ import annotations

import math
import re
from difflib import get_close_matches
from typing import Final

from mdhub.accounts.errors import BadAccount
from mdhub.accounts.kinds import KINDS, Profile, account_profile
from mdhub.accounts.kinds_tables import Field, FieldType
from mdhub.accounts.model import Draft
from mdhub.accounts.sealed import is_sealed
from mdhub.market.products import EXCHANGES
from mdhub.runtime.secret import Value, is_reference

__all__ = ["check", "problems_of"]

_FORMS: Final[dict[FieldType, tuple[re.Pattern[str], str]]] = {
    "address": (
        re.compile(r"(tcp|ssl)://[^\s/:@]+:[0-9]{1,5}", re.ASCII),
        "expected tcp://host:port or ssl://host:port",
    ),
    "class": (
        re.compile(r"[A-Za-z_][A-Za-z0-9_.]*:[A-Za-z_][A-Za-z0-9_]*", re.ASCII),
        "expected module:Class",
    ),
}
_YES_NO: Final = frozenset({"true", "false"})


def check(draft: Draft) -> None:
    """Raises BadAccount naming every field that does not fit its gateway, and no value."""
    problems = problems_of(draft)
    if problems:
        words = "; ".join(f"{field}: {each}" for field, each in problems.items())
        raise BadAccount(f"account {draft.id}: {words}", problems)


def problems_of(draft: Draft) -> dict[str, str]:
    """Return what does not fit, by field (settings as `settings.<name>`), in the form's order.

    A reference or a sealed value counts as given; what is in it is not known here. The rules of
    `subscribe` are read by the gateway's own process.
    """
    profile = _profile(draft)
    if profile is None:
        return {"gateway_type": "there is no gateway of this type"}
    problems = {
        f"settings.{field.name}": words
        for field in _fields(draft, profile)
        if (words := _wrong(field, draft))
    }
    problems |= _strangers(draft, profile)
    if not draft.subscribe:
        problems["subscribe"] = "expected at least one rule, such as all"
    canaries = {*draft.health.canaries, *draft.health.silence_ms}
    if not all(_is_contract(each) for each in canaries):
        problems["health.canaries"] = "expected symbol.EXCHANGE, such as rb2701.SHFE"
    return problems


def _profile(draft: Draft) -> Profile | None:
    try:
        return account_profile(draft.gateway_type, draft.settings)
    except KeyError:
        return None


def _fields(draft: Draft, profile: Profile) -> tuple[Field, ...]:
    """Of a known class under type `vnpy` the fields are that class's, and the class."""
    if draft.gateway_type == "vnpy" and not profile.is_open:
        return (*KINDS["vnpy"].fields, *profile.fields)
    return profile.fields


def _wrong(field: Field, draft: Draft) -> str:
    given = [name for name in {field.name, field.key} if name and name in draft.settings]
    if len(given) > 1:
        return f"is given twice, also as {field.key}"
    value = draft.settings[given[0]] if given else ""
    if value == "":
        return "is missing" if field.required else ""
    if is_reference(value) or is_sealed(value):
        return ""
    return _wrong_value(field, value)


def _wrong_value(field: Field, value: Value) -> str:
    if field.choices:
        known = {word for choice in field.choices for word in (choice.value, choice.own)}
        expected = ", ".join(choice.value for choice in field.choices)
        return "" if value in known else f"expected one of {expected}"
    match field.type:
        case "truth":
            fits = isinstance(value, bool) or str(value).lower() in _YES_NO
            return "" if fits else "expected true or false"
        case "integer" | "number":
            return _wrong_number(value, whole=field.type == "integer")
        case kind:
            if not isinstance(value, str) or not value.isprintable():
                return "expected text of one line"
            form = _FORMS.get(kind)
            return "" if form is None or form[0].fullmatch(value) else form[1]


def _wrong_number(value: Value, *, whole: bool) -> str:
    words = "expected a whole number" if whole else "expected a number"
    if isinstance(value, bool):
        return words
    try:
        number = float(value)
    except ValueError:
        return words
    return "" if math.isfinite(number) and (not whole or number.is_integer()) else words


def _strangers(draft: Draft, profile: Profile) -> dict[str, str]:
    """Settings that no field knows, where the gateway is known to have no others."""
    if profile.is_open:
        return {}
    fields = _fields(draft, profile)
    known = {name for field in fields for name in (field.name, field.key) if name}
    names = [field.name for field in fields]
    problems = {}
    for name in sorted(draft.settings.keys() - known):
        near = get_close_matches(name, names, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
        problems[f"settings.{name}"] = f"is unknown; {hint}"
    return problems


def _is_contract(text: str) -> bool:
    symbol, _, exchange = text.rpartition(".")
    return bool(symbol) and symbol.isprintable() and exchange in EXCHANGES
