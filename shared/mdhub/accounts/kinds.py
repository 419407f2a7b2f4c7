"""Settings of each kind of gateway as data: names, words of a form, what is needed or secret.

The keys and types themselves come from the class's own `default_setting` when it runs: they differ
between versions. Needs no vnpy, so an account or a configuration can be checked anywhere.
`kinds_tables` holds the data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from mdhub.accounts.kinds_tables import CTP, IB, SIM, SOPT, TTS, VNPY, Field
from mdhub.runtime.secret import Value, looks_secret

__all__ = [
    "CLASS",
    "FORMS",
    "KINDS",
    "Profile",
    "account_profile",
    "is_secret",
    "profile_of",
    "secret_keys",
]

CLASS: Final = "class"
"""Setting of an account of type `vnpy`: module:Class of its gateway; no key of the gateway's."""


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of gateway. All keys but those of `aliases` are the gateway's own."""

    label: tuple[str, str] = ("", "")
    """English, Chinese."""
    class_path: str = ""
    fields: tuple[Field, ...] = ()
    """What is known of its settings, in the order of a form."""
    is_open: bool = False
    """Whether it may have settings that are no `fields`: the class alone knows them."""
    implied: Mapping[str, str] = {}
    """Keys that older versions lack, and the one value that says what those do anyway."""
    none: frozenset[float] = frozenset()
    """Numbers that mean "no value" in its TickData."""

    @property
    def aliases(self) -> dict[str, str]:
        """English name -> key."""
        return {field.name: field.key for field in self.fields if field.key}

    @property
    def words(self) -> dict[str, dict[str, str]]:
        """Of a choice: English word -> the gateway's own, by key."""
        return {
            field.key: {choice.value: choice.own for choice in field.choices}
            for field in self.fields
            if field.key and field.choices
        }

    @property
    def required(self) -> frozenset[str]:
        """Keys without which it cannot connect."""
        return frozenset(field.key for field in self.fields if field.key and field.required)

    def key_of(self, name: str) -> str:
        """Return the gateway's key for a name given in English or as it is."""
        return self.aliases.get(name, name)

    def field_of(self, name: str) -> Field | None:
        """Return what is known of a setting given by its English name or its key."""
        known = (field for field in self.fields if name in {field.name, field.key})
        return next(known, None)

    def in_english(self, settings: Mapping[str, Value]) -> dict[str, str]:
        """Return what was given for each of the aliases, as text; empty = nothing."""
        by_key = {self.key_of(name): str(value) for name, value in settings.items()}
        return {alias: by_key.get(key, "") for alias, key in self.aliases.items()}

    def is_secret(self, name: str) -> bool:
        """Whether a setting's value must never be shown, nor stand in the configuration.

        Of a setting that is no field the look of its name decides.
        """
        field = self.field_of(name)
        return looks_secret(name) if field is None else field.secret


_CTP: Final = Profile(
    label=("CTP: futures and their options", "CTP 期货与期权"),
    class_path="vnpy_ctp:CtpGateway", fields=CTP, implied={"柜台环境": "实盘"},
)  # fmt: skip
_SOPT: Final = Profile(
    label=("SOPT: stock options", "SOPT 股票期权"),
    class_path="vnpy_sopt:SoptGateway", fields=SOPT,
)  # fmt: skip
_TTS: Final = Profile(
    label=("TTS: OpenCTP test system", "TTS 模拟系统"),
    class_path="vnpy_tts:TtsGateway", fields=TTS,
)  # fmt: skip
_IB: Final = Profile(
    label=("Interactive Brokers", "盈透证券"),
    class_path="vnpy_ib:IbGateway", fields=IB, none=frozenset({0.0, -1.0}),
)  # fmt: skip
_VNPY: Final = Profile(
    label=("Another vnpy gateway", "其他 vnpy 接口"), fields=VNPY, is_open=True,
    none=frozenset({0.0}),
)  # fmt: skip
_SIM: Final = Profile(label=("Simulated market", "模拟行情"), fields=SIM)

KINDS: Final[Mapping[str, Profile]] = {
    "ctp": _CTP,
    "sopt": _SOPT,
    "tts": _TTS,
    "ib": _IB,
    "vnpy": _VNPY,
}
"""By the source's type."""

FORMS: Final[Mapping[str, Profile]] = {**KINDS, "sim": _SIM}
"""By the account's type, in the order of a form."""


def profile_of(kind: str, class_path: str = "") -> tuple[str, Profile]:
    """Return the kind whose profile fits, and the profile.

    A class of `vnpy` that one of the others knows gets that one's. Raises KeyError for a kind that
    does not exist.
    """
    profile = KINDS[kind]
    for known, other in KINDS.items():
        if kind == "vnpy" and class_path and other.class_path == class_path:
            return known, other
    return kind, profile


def secret_keys(kind: str, names: Iterable[str], class_path: str = "") -> frozenset[str]:
    """Return those of the settings' names whose values must be references."""
    _, profile = profile_of(kind, class_path)
    return frozenset(name for name in names if profile.is_secret(name))


def account_profile(gateway_type: str, settings: Mapping[str, Value]) -> Profile:
    """Return the profile of an account. Raises KeyError for a type that does not exist."""
    if gateway_type not in KINDS:
        return FORMS[gateway_type]
    return profile_of(gateway_type, str(settings.get(CLASS, "")))[1]


def is_secret(gateway_type: str, name: str, settings: Mapping[str, Value]) -> bool:
    """Whether a setting of an account is secret. Raises KeyError as `account_profile`."""
    return account_profile(gateway_type, settings).is_secret(name)
