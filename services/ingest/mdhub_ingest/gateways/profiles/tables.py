"""Settings of each kind of gateway as data: English names, what is needed, what is secret.

The keys and types themselves come from the class's own `default_setting` when it runs: they differ
between versions. Needs no vnpy, so a configuration can be checked anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from mdhub.runtime.secret import Value, looks_secret

__all__ = ["KINDS", "Profile", "profile_of", "secret_keys"]


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of gateway. All keys but those of `aliases` are the gateway's own."""

    class_path: str = ""
    aliases: Mapping[str, str] = {}
    """English name -> key."""
    words: Mapping[str, Mapping[str, str]] = {}
    """Of a choice: English word -> the gateway's own."""
    required: frozenset[str] = frozenset()
    secrets: frozenset[str] | None = None
    """None = by the look of their names."""
    implied: Mapping[str, str] = {}
    """Keys that older versions lack, and the one value that says what those do anyway."""
    none: frozenset[float] = frozenset()
    """Numbers that mean "no value" in its TickData."""

    def key_of(self, name: str) -> str:
        """Return the gateway's key for a name given in English or as it is."""
        return self.aliases.get(name, name)

    def in_english(self, settings: Mapping[str, Value]) -> dict[str, str]:
        """Return what was given for each of the aliases, as text; empty = nothing."""
        by_key = {self.key_of(name): str(value) for name, value in settings.items()}
        return {alias: by_key.get(key, "") for alias, key in self.aliases.items()}

    def is_secret(self, name: str) -> bool:
        """Whether a setting's value must never be shown, nor stand in the configuration."""
        if self.secrets is None:
            return looks_secret(name)
        return self.key_of(name) in self.secrets


_ACCOUNT: Final = {
    "user_id": "用户名",
    "password": "密码",
    "broker_id": "经纪商代码",
    "td_address": "交易服务器",
    "md_address": "行情服务器",
    "app_id": "产品名称",
    "auth_code": "授权编码",
}
_NEEDED: Final = frozenset({"用户名", "密码", "经纪商代码", "交易服务器", "行情服务器"})
_SECRET: Final = frozenset({"密码", "授权编码"})

_CTP: Final = Profile(
    class_path="vnpy_ctp:CtpGateway",
    aliases=_ACCOUNT | {"environment": "柜台环境"},
    words={"柜台环境": {"live": "实盘", "test": "测试"}},
    required=_NEEDED,
    secrets=_SECRET,
    implied={"柜台环境": "实盘"},
)
_SOPT: Final = Profile(
    class_path="vnpy_sopt:SoptGateway", aliases=_ACCOUNT, required=_NEEDED, secrets=_SECRET
)
_TTS: Final = Profile(
    class_path="vnpy_tts:TtsGateway", aliases=_ACCOUNT, required=_NEEDED, secrets=_SECRET
)
_IB: Final = Profile(
    class_path="vnpy_ib:IbGateway",
    aliases={
        "tws_address": "TWS地址",
        "tws_port": "TWS端口",
        "client_id": "客户号",
        "account": "交易账户",
    },
    secrets=frozenset(),
    none=frozenset({0.0, -1.0}),
)
_UNKNOWN: Final = Profile(none=frozenset({0.0}))

KINDS: Final[Mapping[str, Profile]] = {
    "ctp": _CTP,
    "sopt": _SOPT,
    "tts": _TTS,
    "ib": _IB,
    "vnpy": _UNKNOWN,
}
"""By the source's type."""


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
