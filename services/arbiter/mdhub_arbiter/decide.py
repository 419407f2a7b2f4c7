# HOT: the fold over raw; no clock, no I/O, no settings but those in raw. Measured by bench/.
"""`decide`: what one raw entry means. `clean == f(raw)`, byte for byte but for `arb_ns`.

Everything that may influence a verdict is an entry in raw; log time is the newest clock or
leadership entry and never goes back; market time follows from log time by the `market_clock`
setting, and all session and date rules use market time only.
"""

from __future__ import annotations

from mdhub.wire.codec import DecodeError, decode_control, decode_raw_tick
from mdhub_arbiter.control import control_entry
from mdhub_arbiter.judge import judge
from mdhub_arbiter.outputs import MAX_OUTPUTS, Clean, Output, Rejected, reject
from mdhub_arbiter.state import State

__all__ = ["Clean", "Output", "Rejected", "decide"]


def decide(state: State, entry_id: bytes, fields: list[bytes]) -> list[Output]:
    """Fold one raw entry into the state; return its outputs in order, mostly none or one.

    Never raises on any bytes: what cannot be understood is a rejected output with a reason.
    """
    outputs: list[Output] = []
    state.outputs = outputs
    state.entry_id = state.about = entry_id
    kind, payload = (fields[0], fields[1]) if len(fields) == 2 else (b"", b"")  # noqa: PLR2004
    state.payload = payload
    if kind == b"t":
        try:
            tick = decode_raw_tick(payload)
        except DecodeError:
            reject(state, "undecodable", "")
        else:
            judge(state, tick, waited=False)
    elif kind == b"c":
        try:
            control_entry(state, decode_control(payload))
        except DecodeError:
            reject(state, "undecodable", "")
    else:
        state.payload = b"".join(fields)
        reject(state, "unknown_field", "")
    if state.backlog:
        _work_off(state)
    return outputs


def _work_off(state: State) -> None:
    """Judge standby ticks whose turn has come; what is too much for one entry waits on."""
    while state.backlog and len(state.outputs) < MAX_OUTPUTS:
        state.about, state.payload = state.backlog.pop()
        judge(state, decode_raw_tick(state.payload), waited=True)
