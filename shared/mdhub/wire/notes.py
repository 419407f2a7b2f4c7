"""What fields and values mean, in words: for the page and for the JSON schema."""

from __future__ import annotations

import ast
import inspect
from functools import cache
from itertools import pairwise
from typing import Final, cast

from mdhub.wire.ticks import SCHEMA_VERSION

__all__ = ["attribute_notes", "docstring", "note_of"]

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
    "epoch": "UTC ms at which the epoch was opened, up to 66 s ahead.",
    "writer": "Name of the process or source that writes.",
    "session": "One run of the writer; grows with every run.",
    "seq": "Counts from 1 without holes in a session.",
    "v": f"Schema version, {SCHEMA_VERSION}.",
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


def note_of(payload: type, field: str) -> str:
    """Return the meaning of a field; empty if its name says it all."""
    return attribute_notes(payload).get(field, _NOTES.get(field, ""))


def docstring(kind: type) -> str:
    """Return the sentence a payload or a list of values begins with, on one line."""
    return " ".join((kind.__doc__ or "").split())


@cache
def attribute_notes(kind: type) -> dict[str, str]:
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
