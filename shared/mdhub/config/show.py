"""What is in force: every value with its origin, secrets redacted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from pydantic import BaseModel, SecretStr

from mdhub.config.knobs import SETTINGS
from mdhub.config.layers import shown_key
from mdhub.config.load import Loaded
from mdhub.config.locate import Key
from mdhub.runtime.secret import in_plain_text, is_reference

__all__ = ["Setting", "plain", "redacted_url", "settings"]

REDACTED: Final = "***"


class Setting(NamedTuple):
    """One value in force."""

    key: str
    value: Any
    """As JSON has it; secrets are redacted."""
    origin: str


def settings(loaded: Loaded) -> list[Setting]:
    """Every value in force."""
    return [
        Setting(shown_key(key), plain(value), loaded.origin(key))
        for key, value in _leaves(loaded.config, ())
    ]


def plain(value: Any) -> Any:
    """A value as JSON and TOML have it."""
    if isinstance(value, SecretStr):
        return redacted_url(value.get_secret_value())
    if isinstance(value, dict):
        return {name: plain(element) for name, element in value.items()}
    if isinstance(value, tuple):
        return [plain(element) for element in value]
    return str(value) if isinstance(value, Path) else value


def redacted_url(url: str) -> str:
    """An address without what may be secret in it: password and query. References stay."""
    if is_reference(url):
        return url
    parts = urlsplit(url)
    login, at, where = parts.netloc.rpartition("@")
    place = f"{login.partition(':')[0]}:***@{where}" if at else where
    return f"{parts.scheme}://{place}{parts.path}"


def _leaves(value: Any, key: Key) -> Iterator[tuple[Key, Any]]:
    if isinstance(value, BaseModel):
        for name, info in type(value).model_fields.items():
            yield from _leaves(getattr(value, name), (*key, info.alias or name))
    elif isinstance(value, tuple) and any(isinstance(each, BaseModel) for each in value):
        for number, element in enumerate(value):
            yield from _leaves(element, (*key, number))
    elif isinstance(value, dict) and key[-1:] == (SETTINGS,):
        for name, setting in value.items():
            yield (*key, name), REDACTED if in_plain_text(name, setting) else setting
    else:
        yield key, value
