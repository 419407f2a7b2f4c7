"""The commented example `deploy/hub.example.toml`, written from the model.

`python -m mdhub.config.example` prints it; a test compares the file with it.
"""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from mdhub.config.knobs import Knob, knobs_of
from mdhub.config.model import (
    GatewaySource,
    HubConfig,
    PublisherKnobs,
    RecordingSource,
    RetentionKnobs,
)
from mdhub.config.show import plain

__all__ = ["example_toml"]

WIDTH: Final = 96
GROUPED_FROM: Final = 10_000
HEAD: Final = """\
# Configuration of one hub. Every key stands here with its default; delete what you do not change.
#
#   mdhub config check hub.toml            # finds every mistake at once
#   mdhub up --config hub.toml             # options override the file
#   mdhub config show --config hub.toml    # what is in force, and where it comes from
#
# Variables override the file: MDHUB_HUB__SHARDS=2, MDHUB_RETENTION__RAW__KEEP_MS=600000; lists
# are JSON: MDHUB_PUBLISHERS='[{"port": 5555}, {"id": "B", "port": 5565}]'."""
SECOND: Final = "# A second one: strategies connect to both and lose nothing when one dies.\n"


def example_toml() -> str:
    """All defaults spelled out, each with its meaning and unit."""
    default = HubConfig()
    second = PublisherKnobs(id="B", port=5565)
    file = Path("recordings/20261120.csv.zst")
    recording = RecordingSource(name="C", type="recording", file=file, loops=0, day="today")
    return (
        "\n\n".join(
            [
                HEAD,
                _table("[hub]", default.hub),
                _table("[server]", default.server),
                _table("[[publishers]]", default.publishers[0]),
                SECOND + _commented(_bare_table("[[publishers]]", second)),
                _table("[[sources]]", default.sources[0]),
                *(_bare_table("[[sources]]", source) for source in default.sources[1:]),
                f"# {RecordingSource.__doc__}\n{_commented(_bare_table('[[sources]]', recording))}",
                f"# {GatewaySource.__doc__}\n{_commented(_account())}",
                _table("[accounts]", default.accounts),
                *_retention(default.retention),
                _table("[arbiter]", default.arbiter),
                _table("[arbiter.rules]", default.arbiter.rules),
                _table("[calendar]", default.calendar),
                _table("[schedule]", default.schedule),
                _table("[[schedule.groups]]", default.schedule.groups[0]),
                *(
                    _bare_table("[[schedule.groups]]", group)
                    for group in default.schedule.groups[1:]
                ),
                _table("[monitor]", default.monitor),
                _table("[alerts]", default.alerts),
                _table("[console]", default.console),
                _table("[logs]", default.logs),
                _table("[metrics]", default.metrics),
            ]
        )
        + "\n"
    )


def _account() -> str:
    settings = {
        "user_id": "123456",
        "password": "env:CTP1_PASSWORD",
        "broker_id": "9999",
        "td_address": "tcp://front.example:41205",
        "md_address": "tcp://front.example:41213",
        "app_id": "client_mdhub_1.0",
        "auth_code": "file:/run/secrets/ctp1_auth_code",
    }
    source = GatewaySource(name="CTP1", type="ctp", settings={}, subscribe=("all",))
    lines = [f"{name} = {_toml(value)}" for name, value in settings.items()]
    return "\n".join([_bare_table("[[sources]]", source), "[sources.settings]", *lines])


def _retention(retention: RetentionKnobs) -> list[str]:
    first, *others = type(retention).model_fields
    return [
        _table(f"[retention.{first}]", getattr(retention, first)),
        *(_bare_table(f"[retention.{name}]", getattr(retention, name)) for name in others),
    ]


def _table(header: str, section: BaseModel) -> str:
    lines = [*_comment(str(type(section).__doc__)), header]
    own = (knob for knob in knobs_of(type(section)) if len(knob.path) == 1)
    for knob in own:
        lines += [*_comment(_explained(knob)), _setting(knob, getattr(section, knob.path[0]))]
    return "\n".join(lines)


def _bare_table(header: str, section: BaseModel) -> str:
    """A table whose keys were explained before: only what differs from the defaults."""
    given = section.model_dump(exclude_defaults=True) or section.model_dump()
    shown = {name: value for name, value in given.items() if value != {}}
    return "\n".join([header, *(f"{name} = {_toml(plain(shown[name]))}" for name in shown)])


def _setting(knob: Knob, value: Any) -> str:
    name = knob.path[0]
    if value is None or value in ({}, ()):
        examples = knob.info.examples or [""]
        return f"# {name} = {_toml(examples[0])}"
    return f"{name} = {_toml(plain(value))}"


def _explained(knob: Knob) -> str:
    told = not knob.unit or knob.unit in knob.meaning.lower()
    unit = "" if told else f" ({knob.unit})"
    return f"{knob.meaning.rstrip('.')}{unit}."


def _comment(words: str) -> list[str]:
    line = " ".join(words.split())
    return textwrap.wrap(line, WIDTH, initial_indent="# ", subsequent_indent="# ")


def _commented(text: str) -> str:
    return "\n".join(line if line.startswith("#") else f"# {line}" for line in text.splitlines())


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"{value:_}" if isinstance(value, int) and value >= GROUPED_FROM else str(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{name} = {_toml(each)}' for name, each in value.items())} }}"
    return json.dumps(str(value), ensure_ascii=False)


if __name__ == "__main__":
    print(example_toml(), end="")  # noqa: T201 - its result is what it prints
