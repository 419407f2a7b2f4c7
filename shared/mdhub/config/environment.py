"""The `MDHUB_*` variables: `MDHUB_HUB__SHARDS=2`, lists and whole sections as JSON."""

from __future__ import annotations

import os
from typing import Any, Final

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict

from mdhub.config.errors import Problem
from mdhub.config.layers import Layer
from mdhub.config.locate import Key
from mdhub.config.model import HubConfig

__all__ = ["OTHER_VARIABLES", "TEST_VARIABLES", "environment_layers", "unknown_variables"]

PREFIX: Final = "MDHUB_"
DELIMITER: Final = "__"
REDIS_URL: Final = "MDHUB_REDIS_URL"
OTHER_VARIABLES: Final = {
    REDIS_URL: "address of the server; the same as `server.url`",
    "MDHUB_PARENT_PID": "set by mdhub for its own children",
    "MDHUB_PULSE_FD": "set by mdhub for its own children",
    "MDHUB_SERVER_KEY": "file with the publishers' public key; strategies connect with keys",
    "MDHUB_CLIENT_KEY": "file with the pair of a strategy's own; goes with MDHUB_SERVER_KEY",
    "MDHUB_TRADING_DAY": "told to the archive program of `schedule.archive`",
    "MDHUB_SESSION": "told to the archive program: day or night",
    "MDHUB_DEMO_SERVER": "fakeredis lets the demo run without a real server",
    "MDHUB_RECORDINGS": "folder in which tests look for recordings",
}
TEST_VARIABLES: Final = "MDHUB_TEST_"


class _Settings(HubConfig, BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter=DELIMITER, extra="forbid"
    )


class _Variables(EnvSettingsSource):
    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        """Decode JSON; what is none goes on as it is, for the model to name with the rest."""
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError:
            return value


def environment_layers() -> tuple[Layer, Layer]:
    """What the environment sets: the variables of the knobs, then MDHUB_REDIS_URL."""
    url = os.environ.get(REDIS_URL, "")
    named = {"server": {"url": url}} if url else {}
    return Layer(_Variables(_Settings)(), _variable), Layer(named, lambda _key: REDIS_URL)


def unknown_variables() -> list[Problem]:
    """Variables with our prefix that name no section."""
    return [
        Problem(name, "", f"unknown variable; sections are {', '.join(HubConfig.model_fields)}")
        for name in sorted(os.environ)
        if name.startswith(PREFIX)
        and name not in OTHER_VARIABLES
        and not name.startswith(TEST_VARIABLES)
        and _key(name)[0] not in HubConfig.model_fields
    ]


def _key(name: str) -> Key:
    return tuple(name[len(PREFIX) :].lower().split(DELIMITER))


def _variable(key: Key) -> str:
    """Name of the variable that sets a key: its own, or one that holds it as JSON."""
    names = {_key(name): name for name in os.environ if name.upper().startswith(PREFIX)}
    lengths = range(len(key), 0, -1)
    own = (names[key[:length]] for length in lengths if key[:length] in names)
    below = (name for path, name in names.items() if path[: len(key)] == key)
    return next(own, next(below, PREFIX))
