# HOT: bound once, called per tick; nothing here may allocate beyond the message itself.
"""Encoders and decoders, built once. Plain MessagePack, no extension types.

Decoders raise `msgspec.DecodeError` (or its child `msgspec.ValidationError`) on bad bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

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
    "encode",
    "marker",
]

DecodeError: Final = msgspec.DecodeError

_encoder: Final = msgspec.msgpack.Encoder()
encode: Final[Callable[[Any], bytes]] = _encoder.encode


decode_any: Final = msgspec.msgpack.Decoder().decode
decode_raw_tick: Final = msgspec.msgpack.Decoder(RawTick).decode
decode_clean_tick: Final = msgspec.msgpack.Decoder(CleanTick).decode
decode_control: Final = msgspec.msgpack.Decoder(entries.Control).decode
decode_clean_header: Final = msgspec.msgpack.Decoder(entries.CleanHeader).decode
decode_rejected_header: Final = msgspec.msgpack.Decoder(entries.RejectedHeader).decode
decode_marker: Final = msgspec.msgpack.Decoder(entries.Marker).decode
decode_event: Final = msgspec.msgpack.Decoder(ops.Event).decode
decode_command: Final = msgspec.msgpack.Decoder(ops.Command).decode
decode_log_line: Final = msgspec.msgpack.Decoder(ops.LogLine).decode
decode_live_header: Final = msgspec.msgpack.Decoder(live.LiveHeader).decode
decode_heartbeat: Final = msgspec.msgpack.Decoder(live.Heartbeat).decode
decode_request_head: Final = msgspec.msgpack.Decoder(requests.RequestHead).decode
decode_reply_head: Final = msgspec.msgpack.Decoder(requests.ReplyHead).decode


def control(  # noqa: PLR0913 - the six fields of a control entry
    kind: str, writer: str, session: int, seq: int, recv_ns: int, body: Any
) -> bytes:
    """Encode a control entry; `body` is the kind's own struct."""
    return encode(
        entries.Control(
            SCHEMA_VERSION, kind, writer, session, seq, recv_ns, msgspec.Raw(encode(body))
        )
    )


def marker(kind: str, log_ns: int, body: Any) -> bytes:
    """Encode a marker; `body` is the kind's own struct."""
    return encode(entries.Marker(SCHEMA_VERSION, kind, log_ns, msgspec.Raw(encode(body))))
