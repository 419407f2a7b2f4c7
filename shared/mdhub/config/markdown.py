"""`docs/configuration.md`, written from the model.

`python -m mdhub.config.markdown` prints it; a test compares the file with it.
"""

from __future__ import annotations

import json
from itertools import groupby
from typing import Final, get_args

from pydantic import BaseModel

from mdhub.config.environment import OTHER_VARIABLES
from mdhub.config.knobs import KNOBS, Knob
from mdhub.config.model import HubConfig
from mdhub.config.show import plain

__all__ = ["configuration_markdown"]

HEAD: Final = """\
# Configuration

<!-- Written by `make config-docs` from shared/mdhub/config/model.py; a test compares. -->

`mdhub up` runs without any configuration. To change something:

```sh
mdhub config example > hub.toml        # also kept as deploy/hub.example.toml
mdhub config check hub.toml            # every mistake at once, with its line; exit code 2
mdhub up --config hub.toml
mdhub config show --config hub.toml    # what is in force and where each value comes from
```

What wins: options of `mdhub up`, then variables, then the file, then defaults. A variable is named
after its key, `MDHUB_<SECTION>__<KEY>`, such as `MDHUB_RETENTION__RAW__KEEP_MS=600000`. Lists
(publishers, sources) are taken whole from whoever wins; as a variable they are JSON:
`MDHUB_PUBLISHERS='[{"port": 5555}, {"id": "B", "port": 5565}]'`. Keys and `MDHUB_` variables that
do not exist are refused. Values are shown with secrets redacted; a hub in service is restarted to
take new ones."""

OTHERS: Final = """\
## Other variables

| variable | meaning |
|---|---|"""


def configuration_markdown() -> str:
    """Every knob with unit, default, bounds and variable."""
    sections = [_section(list(knobs)) for _, knobs in groupby(KNOBS, key=_heading)]
    rows = [f"| `{name}` | {meaning} |" for name, meaning in OTHER_VARIABLES.items()]
    rows.append("| `MDHUB_TEST_*` | read by tests only |")
    return "\n\n".join([HEAD, *sections, "\n".join([OTHERS, *rows])]) + "\n"


def _heading(knob: Knob) -> tuple[str, type[BaseModel]]:
    name = ".".join(knob.path[:-1])
    return (f"[[{name}]]" if knob.in_list else f"[{name}]"), knob.model


def _section(knobs: list[Knob]) -> str:
    heading, model = _heading(knobs[0])
    title = f"## `{heading}`"
    if heading == "[[sources]]":
        types = get_args(model.model_fields["type"].annotation)
        title += f" with `type = {' or '.join(json.dumps(each) for each in types)}`"
    words = " ".join(str(model.__doc__).split())
    head = "| key | unit | default | bounds | meaning |\n|---|---|---|---|---|"
    return "\n".join([title, "", words, "", head, *(_row(knob) for knob in knobs)])


def _row(knob: Knob) -> str:
    return (
        f"| `{knob.path[-1]}` | {knob.unit} | {_default(knob)} | {_bounds(knob)} | {knob.meaning} |"
    )


def _default(knob: Knob) -> str:
    if knob.path[0] == "retention":
        default = getattr(getattr(HubConfig().retention, knob.path[1]), knob.path[2])
        return f"`{default}`"
    if knob.required:
        return "(required)"
    default = plain(knob.info.default)
    return "" if default in (None, "", {}, []) else f"`{default}`"


def _bounds(knob: Knob) -> str:
    signs = {"gt": "&gt;", "ge": "&ge;", "le": "&le;"}
    found = [
        f"{sign} {getattr(bound, name)}"
        for bound in knob.info.metadata
        for name, sign in signs.items()
        if hasattr(bound, name)
    ]
    return ", ".join(found)


if __name__ == "__main__":
    print(configuration_markdown(), end="")  # noqa: T201 - its result is what it prints
