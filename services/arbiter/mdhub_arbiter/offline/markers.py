"""Markers as lines of output (`--markers`): qualities, phases, ends of sessions."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from mdhub.wire.codec import decode_marker, decoder
from mdhub.wire.entries import EndOfSessionMark, MarkerKind, PhaseMark, QualityMark
from mdhub_arbiter.decide import Clean
from mdhub_arbiter.offline.desk import Outcome

__all__ = ["marker_lines"]

_decode_quality: Final = decoder(QualityMark)
_decode_phase: Final = decoder(PhaseMark)
_decode_end: Final = decoder(EndOfSessionMark)


def marker_lines(outcome: Outcome) -> list[dict[str, Any]]:
    """One line per marker that an outcome put out; other kinds than the three have none."""
    lines = []
    for out in outcome.outputs:
        if isinstance(out, Clean) and out.field == b"m":
            found = decode_marker(out.payload)
            body = _body(found.kind, found.body)
            if body:
                lines.append({"marker": found.kind, **body, "log_ns": found.log_ns})
    return lines


def _body(kind: str, body: msgspec.Raw) -> dict[str, Any]:
    if kind == MarkerKind.QUALITY:
        quality = _decode_quality(body)
        instrument = f"{quality.symbol}.{quality.exchange}"
        return {"instrument": instrument, "quality": quality.quality, "cause": quality.cause}
    if kind == MarkerKind.PHASE:
        phase = _decode_phase(body)
        return {"exchange": phase.exchange, "product": phase.product, "phase": phase.phase}
    if kind == MarkerKind.END_OF_SESSION:
        return {"final_n": _decode_end(body).final_n}
    return {}
