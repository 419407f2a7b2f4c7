"""`docs/wire.md` from the structs: `python -m mdhub.wire.markdown > docs/wire.md`.

The prose is `contract.md` beside this file; `{{payload RawTick}}` and the like are filled in
from the code, so a table cannot differ from what is on the wire.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Callable
from enum import Enum, IntFlag
from importlib.resources import files
from typing import Final

from mdhub.wire import entries, live, ops, requests, ticks, topics
from mdhub.wire.digest import schema_digest
from mdhub.wire.examples import EXAMPLES, Piece
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
    return re.sub(r"\{\{(\w+) ?(\w*)\}\}", lambda found: _FILLERS[found[1]](found[2]), prose)


def _payload(name: str) -> str:
    payload = _PAYLOADS[name]
    notes = _attribute_docs(payload)
    rows = [_row(i, field, notes) for i, field in enumerate(fields_of(payload))]
    head = "| # | field | type | nil | default | meaning |\n|---|---|---|---|---|---|"
    return "\n".join([f"**{name}**. {_docstring(payload)}", "", head, *rows, ""])


def _row(position: int, field: Field, notes: dict[str, str]) -> str:
    nil = "yes" if field.nil else ""
    default = "" if field.default is None else f"`{field.default}`"
    note = notes.get(field.name, _NOTES.get(field.name, ""))
    return f"| {position} | {field.name} | {field.type} | {nil} | {default} | {note} |"


_NOTES: Final = {
    "v": f"Schema version, {ticks.SCHEMA_VERSION}.",
    "req_id": "The client's own number.",
    "shard": "Number of the shard, from 0.",
    "patterns": "fnmatch on `symbol.EXCHANGE`; at least one.",
    "source": "Name of the account or feed that delivered the copy.",
}
"""What fields mean that are the same everywhere."""


def _values(name: str) -> str:
    kind = _ENUMS[name]
    notes = _attribute_docs(kind)
    rows = [f"| `{member.value}` | {notes.get(member.name, '')} |" for member in kind]
    return "\n".join([f"**{name}**. {_docstring(kind)}", "", "| value | |", "|---|---|", *rows])


def _flags(name: str) -> str:
    kind = _ENUMS[name]
    notes = _attribute_docs(kind)
    rows = [
        f"| {member.value} | {member.name} | {notes.get(member.name, '')} |"
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


def _docstring(kind: type) -> str:
    return " ".join(inspect.getdoc(kind).split()) if inspect.getdoc(kind) else ""


def _attribute_docs(kind: type) -> dict[str, str]:
    """Read the string below each attribute; Python itself does not keep it."""
    body = ast.parse(inspect.getsource(kind)).body[0]
    assert isinstance(body, ast.ClassDef)
    docs: dict[str, str] = {}
    for attribute, note in zip(body.body, body.body[1:], strict=False):
        match attribute, note:
            case (
                ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                docs[name] = " ".join(text.split())
            case _:
                pass
    return docs


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
