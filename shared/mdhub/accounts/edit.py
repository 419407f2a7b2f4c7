"""What a person sees of an account, and what becomes of what they give back: secrets go in only."""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec
from msgspec.structs import replace

from mdhub.accounts.kinds import Profile, account_profile
from mdhub.accounts.model import Account, Draft
from mdhub.accounts.sealed import is_sealed
from mdhub.runtime.secret import Value, is_reference

__all__ = ["SecretState", "of_type", "secrets_of", "shown", "with_kept_secrets"]

SecretState = Literal["sealed", "reference", "missing"]
MISSING: Final = ""
_TRUE: Final = {"true": True, "false": False}


def secrets_of(draft: Draft) -> dict[str, SecretState]:
    """Return what there is of each secret: those that are needed or given."""
    profile = account_profile(draft.gateway_type, draft.settings)
    states: dict[str, SecretState] = {
        field.name: "missing" for field in profile.fields if field.secret and field.required
    }
    for name, value in draft.settings.items():
        if is_sealed(value) or profile.is_secret(name):
            field = profile.field_of(name)
            known = name if field is None else field.name
            states[known] = (
                "missing" if value == MISSING
                else "reference" if is_reference(value)
                else "sealed"
            )  # fmt: skip
    return states


def shown(account: Account) -> dict[str, Any]:
    """Return an account as it may be shown: JSON, with `secrets` in place of what is secret.

    References are shown: they say where a secret is.
    """
    profile = account_profile(account.gateway_type, account.settings)
    settings = {
        name: value
        for name, value in account.settings.items()
        if not is_sealed(value) and (is_reference(value) or not profile.is_secret(name))
    }
    shape: dict[str, Any] = msgspec.to_builtins(account)
    return shape | {"settings": settings, "secrets": secrets_of(account)}


def with_kept_secrets(draft: Draft, before: Draft) -> Draft:
    """Return a draft that keeps the secrets it does not name, by either name, from `before`.

    An empty secret takes it away. Of another gateway type nothing is kept.
    """
    if draft.gateway_type != before.gateway_type:
        return draft
    profile = account_profile(before.gateway_type, before.settings)
    given = {profile.key_of(name) for name in draft.settings}
    kept = {
        name: value
        for name, value in before.settings.items()
        if profile.key_of(name) not in given
        and (is_sealed(value) or profile.is_secret(name))
    }  # fmt: skip
    return replace(draft, settings={**draft.settings, **kept})


def of_type(profile: Profile, name: str, text: str) -> Value:
    """Read what a person typed: numbers and truth where the form has them, else text."""
    known = profile.field_of(name)
    try:
        match known.type if known is not None and text else "text":
            case "integer":
                return int(text)
            case "number":
                return float(text)
            case "truth":
                return _TRUE[text.lower()]
            case _:
                return text
    except (ValueError, KeyError):
        return text  # the check names it
