# HOT: bound once, called per tick; nothing here may allocate beyond the message itself.
"""Encoders and decoders, built once. Plain MessagePack, no extension types.

Decoders raise `DecodeError` (or its child `msgspec.ValidationError`), whatever the bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec

from mdhub.wire import entries, live, ops, requests
from mdhub.wire.ticks import SCHEMA_VERSION, CleanTick, RawTick

__all__ = [
    "DecodeError",
    "control",
    "decode_any",
    "decode_clean_header",
    "decode_clean_tick",
    "decode_command",
    "decode_control",
    "decode_event",
    "decode_heartbeat",
    "decode_live_header",
    "decode_log_line",
    "decode_marker",
    "decode_raw_tick",
    "decode_rejected_header",
    "decode_reply_head",
    "decode_request_head",
    "decoder",
    "encode",
    "marker",
]

DecodeError: Final = msgspec.DecodeError

T = TypeVar("T")

encode: Final[Callable[[Any], bytes]] = msgspec.msgpack.Encoder().encode


def decoder(kind: type[T]) -> Callable[[bytes], T]:
    """Bind a decoder of one payload; it raises DecodeError on any bytes that are not one."""
    decode = msgspec.msgpack.Decoder(kind).decode

    def decode_or_refuse(data: bytes) -> T:
        try:
            return decode(data)
        # msgspec lets these two through: text that is not UTF-8, and nesting without end.
        except (UnicodeDecodeError, RecursionError) as error:
            raise DecodeError(f"{kind.__name__}: {error}") from error

    return decode_or_refuse


decode_any: Final = decoder(object)
decode_raw_tick: Final = decoder(RawTick)
decode_clean_tick: Final = decoder(CleanTick)
decode_control: Final = decoder(entries.Control)
decode_clean_header: Final = decoder(entries.CleanHeader)
decode_rejected_header: Final = decoder(entries.RejectedHeader)
decode_marker: Final = decoder(entries.Marker)
decode_event: Final = decoder(ops.Event)
decode_command: Final = decoder(ops.Command)
decode_log_line: Final = decoder(ops.LogLine)
decode_live_header: Final = decoder(live.LiveHeader)
decode_heartbeat: Final = decoder(live.Heartbeat)
decode_request_head: Final = decoder(requests.RequestHead)
decode_reply_head: Final = decoder(requests.ReplyHead)


def control(kind: str, writer: str, session: int, seq: int, recv_ns: int, body: object) -> bytes:
    """Encode a control entry; `body` is the kind's own struct."""
    return encode(
        entries.Control(
            SCHEMA_VERSION, kind, writer, session, seq, recv_ns, msgspec.Raw(encode(body))
        )
    )


def marker(kind: str, log_ns: int, body: object) -> bytes:
    """Encode a marker; `body` is the kind's own struct."""
    return encode(entries.Marker(SCHEMA_VERSION, kind, log_ns, msgspec.Raw(encode(body))))
