"""What a broken writer might put into a stream: named kinds, and mutations from a seed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random
from typing import Any

import msgspec

from mdhub.wire.codec import encode
from tests.unit.arbiter.builders import raw

__all__ = ["Bad", "bad_entries", "broken_payload", "fuzzed_entry"]

MEGABYTE = 1 << 20
_FIELDS = len(msgspec.to_builtins(raw()))
_ODD: tuple[Any, ...] = (
    None, True, -1, 1 << 63, (1 << 64) - 1, -(1 << 63), 1.5, math.nan, math.inf, -math.inf,
    1.7976931348623157e308, "", "x", "rb2701", "\x00[/b]\x1b[2J", "测试", b"\xff\xfe", [], [[]],
    [[1]], [[None, None]], {}, {"a": {"b": []}},
)  # fmt: skip


@dataclass(frozen=True)
class Bad:
    """An entry that must be rejected, and for which reason."""

    name: str
    fields: list[bytes]
    reason: str


def bad_entries(moment: str) -> list[Bad]:
    """Every kind of entry that no honest writer makes; `moment` is market time, HH:MM:SS."""

    def tick(**fields: Any) -> list[bytes]:
        return [b"t", encode(raw(moment, **fields))]

    cells = msgspec.to_builtins(raw(moment))
    return [
        Bad("no MessagePack", [b"t", b"\xc1"], "undecodable"),
        Bad("nothing", [b"t", b""], "undecodable"),
        Bad("text", [b"t", b"hello"], "undecodable"),
        Bad("cut off", [b"t", encode(raw(moment))[:-9]], "undecodable"),
        Bad("too few cells", [b"t", encode(cells[:9])], "undecodable"),
        Bad("a table", [b"t", encode({"v": 1})], "undecodable"),
        Bad("wrong types", [b"t", encode([*cells[:2], "x", *cells[3:]])], "undecodable"),
        Bad("number too big", [b"t", encode([*cells[:2], 1 << 63, *cells[3:]])], "undecodable"),
        Bad("not UTF-8", [b"t", b"\xdc\x00\x1b\x01\xa2\xff\xfe"], "undecodable"),
        Bad("deep nesting", [b"t", b"\x91" * 100_000 + b"\x01"], "undecodable"),
        Bad("a megabyte of bytes", [b"t", b"\xc1" * MEGABYTE], "undecodable"),
        Bad("a megabyte of symbol", tick(symbol="x" * MEGABYTE), "unknown_symbol"),
        Bad("a megabyte of time", tick(update_time="1" * MEGABYTE), "bad_time"),
        Bad("no symbol", tick(symbol=""), "unknown_symbol"),
        Bad("another exchange", tick(exchange="[/b]"), "wrong_exchange"),
        Bad("no time", tick(update_time=""), "bad_time"),
        Bad("negative volume", tick(volume=-1), "negative_volume"),
        Bad("NaN", tick(last=math.nan), "no_last_although_traded"),
        Bad("infinite", tick(last=math.inf), "no_last_although_traded"),
        Bad("no price", tick(last=0.0), "price_not_positive"),
        Bad("unknown kind", [b"z", encode(raw(moment))], "unknown_field"),
        Bad("no kind", [b"", b""], "unknown_field"),
        Bad("more fields", [b"t", encode(raw(moment)), b"u", b"1"], "unknown_field"),
        Bad("a thousand fields", [b"f"] * 2_000, "unknown_field"),
        Bad("no control", [b"c", b"\xc1"], "undecodable"),
        Bad("clock without body", [b"c", encode([1, "clock", "w", 1, 1, 0, None])], "undecodable"),
        Bad("clock in words", [b"c", encode([1, "clock", "w", 1, 1, 0, ["x"]])], "undecodable"),
        Bad("lead of nobody", [b"c", encode([1, "lead", "w", 1, 1, 0, [1]])], "undecodable"),
        Bad("lost backwards", [b"c", encode([1, "lost", "w", 1, 1, 0, [9, 1, ""]])], "undecodable"),
    ]


def fuzzed_entry(random: Random, moment: str) -> list[bytes]:
    """A tick or a control entry with something wrong, or with nothing wrong."""
    if random.random() < 0.2:
        body = [random.choice(_ODD) for _ in range(random.randrange(4))]
        kind = random.choice(["lost", "rules", "verdict", "operator", "x", ""])
        return [b"c", _damaged(random, encode([1, kind, "w", 1, 1, 0, body]))]
    cells = list(msgspec.to_builtins(raw(moment, symbol=random.choice(["rb2701", "MA701", "?"]))))
    for _ in range(random.randrange(1, 4)):
        cells[random.randrange(_FIELDS)] = random.choice(_ODD)
    return [random.choice([b"t", b"t", b"t", b"q"]), _damaged(random, encode(cells))]


def broken_payload(random: Random) -> bytes:
    """Bytes that look a little like an event, a command, a heartbeat or a snapshot."""
    cells = [random.choice(_ODD) for _ in range(random.randrange(12))]
    return _damaged(random, encode(cells))


def _damaged(random: Random, payload: bytes) -> bytes:
    match random.randrange(6):
        case 0:
            return payload[: random.randrange(len(payload) + 1)]
        case 1:
            at = random.randrange(len(payload))
            return payload[:at] + bytes([random.randrange(256)]) + payload[at + 1 :]
        case 2:
            return payload + random.randbytes(3)
        case _:
            return payload
