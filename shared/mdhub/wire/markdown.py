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
from itertools import pairwise
from typing import Final, cast

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
    return re.sub(r"\{\{(\w+) ?(\w*)\}\}", _fill, prose)


def _fill(found: re.Match[str]) -> str:
    filler, name = found.groups()
    return _FILLERS[filler](name)


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
    "req_id": "The client's own number.",
    "shard": "Number of the shard, from 0.",
    "patterns": "fnmatch on `symbol.EXCHANGE`; at least one.",
    "source": "Name of the account or feed that delivered the copy.",
    "symbol": "As the exchange writes it, case kept.",
    "exchange": "Name of the exchange.",
    "last": "Last price.",
    "volume": "Contracts traded since the start of the trading day.",
    "turnover": "Money traded since the start of the trading day.",
    "open_interest": "Contracts open.",
    "open": "First price of the trading day.",
    "high": "Highest price of the trading day.",
    "low": "Lowest price of the trading day.",
    "close": "Closing price, once there is one.",
    "settlement": "Settlement price, once there is one.",
    "pre_close": "Closing price of the day before.",
    "pre_settlement": "Settlement price of the day before.",
    "pre_open_interest": "Contracts open at the end of the day before.",
    "limit_up": "Highest price allowed today.",
    "limit_down": "Lowest price allowed today.",
    "average": "Average price as the exchange gives it.",
    "bids": "Levels `[price, volume]`, best first.",
    "asks": "Levels `[price, volume]`, best first.",
    "flags": "Sum of the facts below.",
    "hflags": "Sum of the facts below.",
    "kind": "One of the kinds named on this page, or a newer one.",
    "recv_ns": "When the hub received it.",
    "ts_ns": "When it was written.",
    "arb_ns": "When the arbiter decided.",
    "pub_ns": "When the publisher sent it.",
    "log_ns": "Log time.",
    "market_ns": "Market time: what the session rules of the hub go by.",
    "wall_ns": "Wall time of the arbiter.",
    "epoch": "UTC ms at which the epoch was opened.",
    "writer": "Name of the process or source that writes.",
    "session": "One run of the writer; grows with every run.",
    "seq": "Counts from 1 without holes in a session.",
    "v": f"Schema version, {ticks.SCHEMA_VERSION}.",
    "digest": "Schema digest of the publisher.",
    "publisher_id": "Name of the publisher.",
    "correlation_id": "Ties together what belongs to one action; may be empty.",
    "service": "Who wrote it.",
    "name": "What is asked for.",
    "status": "`ok`, `msg`, `end` or `error`.",
    "id": "Unique.",
    "incarnation": "Run id of the server process the log lives in.",
}
"""What fields mean that are the same everywhere."""


def _values(name: str) -> str:
    kind = _ENUMS[name]
    notes = _attribute_docs(kind)
    rows = [f"| `{member.value}` | {notes.get(member.name, '')} |" for member in kind]
    return "\n".join(
        [f"**{name}**. {_docstring(kind)}", "", "| value | meaning |", "|---|---|", *rows]
    )


def _flags(name: str) -> str:
    kind = _ENUMS[name]
    notes = _attribute_docs(kind)
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


def _docstring(kind: type) -> str:
    return " ".join((kind.__doc__ or "").split())


def _attribute_docs(kind: type) -> dict[str, str]:
    """Read the string below each attribute; Python itself does not keep it."""
    (definition,) = ast.parse(inspect.getsource(kind)).body
    body = cast("ast.ClassDef", definition).body
    docs: dict[str, str] = {}
    for attribute, note in pairwise(body):
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
