"""`docs/wire.md` from the structs: `python -m mdhub.wire.markdown > docs/wire.md`.

The prose is `contract.md` beside this file; `{{payload RawTick}}` and the like are filled in
from the code, so a table cannot differ from what is on the wire.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from enum import Enum, IntFlag
from importlib.resources import files
from typing import Final

from mdhub.wire import entries, live, ops, requests, ticks, topics
from mdhub.wire.digest import schema_digest
from mdhub.wire.examples import EXAMPLES, Piece
from mdhub.wire.notes import attribute_notes, docstring, note_of
from mdhub.wire.schema import PAYLOADS, Field, fields_of

__all__ = ["wire_markdown"]

_PAYLOADS: Final = {payload.__name__: payload for payload in PAYLOADS}
_ENUMS: Final[dict[str, type[Enum]]] = {
    kind.__name__: kind
    for kind in (
        entries.Verdict,
        live.HeaderFlag,
        live.HubState,
        ops.EventKind,
        ops.Severity,
        requests.ErrorCode,
        ticks.Flag,
    )
}
_TOPICS: Final = {
    "tick": topics.tick_topic("SHFE", "cu2610"),
    "quality": topics.quality_topic("SHFE", "cu2610"),
    "phase": topics.phase_topic("SHFE", "cu"),
    "epoch": topics.epoch_topic(0),
    "marker": topics.marker_topic(0),
    "heartbeat": topics.heartbeat_topic(0),
    "status": topics.status_topic("leadership"),
    "log": topics.log_topic("warning", "ingest"),
}
_BYTES_PER_LINE: Final = 32


def wire_markdown() -> str:
    """Return the text of `docs/wire.md`."""
    prose = (files("mdhub.wire") / "contract.md").read_text(encoding="utf-8")
    return re.sub(r"\{\{(\w+) ?(\w*)\}\}", _fill, prose)


def _fill(found: re.Match[str]) -> str:
    filler, name = found.groups()
    return _FILLERS[filler](name)


def _payload(name: str) -> str:
    payload = _PAYLOADS[name]
    rows = [_row(i, field, payload) for i, field in enumerate(fields_of(payload))]
    head = "| # | field | type | nil | default | meaning |\n|---|---|---|---|---|---|"
    return "\n".join([f"**{name}**. {docstring(payload)}", "", head, *rows, ""])


def _row(position: int, field: Field, payload: type) -> str:
    nil = "yes" if field.nil else ""
    default = "" if field.default is None else f"`{field.default}`"
    note = note_of(payload, field.name)
    return f"| {position} | {field.name} | {field.type} | {nil} | {default} | {note} |"


def _values(name: str) -> str:
    kind = _ENUMS[name]
    notes = attribute_notes(kind)
    rows = [f"| `{member.value}` | {notes.get(member.name, '')} |" for member in kind]
    return "\n".join(
        [f"**{name}**. {docstring(kind)}", "", "| value | meaning |", "|---|---|", *rows]
    )


def _flags(name: str) -> str:
    kind = _ENUMS[name]
    notes = attribute_notes(kind)
    rows = [
        f"| {member.value} | {member.name} | {notes.get(str(member.name), '')} |"
        for member in kind
        if isinstance(member, IntFlag)
    ]
    return "\n".join(["| value | name | meaning |", "|---|---|---|", *rows])


def _topic(name: str) -> str:
    return _TOPICS[name].decode()


def _example(name: str) -> str:
    return "\n\n".join(_piece(piece) for piece in EXAMPLES[name])


def _piece(piece: Piece) -> str:
    lines = re.findall(rf"(?:.. ?){{1,{_BYTES_PER_LINE}}}", piece.data.hex(" "))
    code = "\n".join(line.rstrip() for line in lines)
    return f"{piece.title} ({len(piece.data)} bytes):\n\n```text\n{piece.shown}\n\n{code}\n```"


_FILLERS: Final[dict[str, Callable[[str], str]]] = {
    "version": lambda _: str(ticks.SCHEMA_VERSION),
    "digest": lambda _: schema_digest(),
    "payload": _payload,
    "values": _values,
    "flags": _flags,
    "topic": _topic,
    "example": _example,
}

if __name__ == "__main__":
    sys.stdout.write(wire_markdown())
