"""Control entries of raw: everything but ticks that may influence a verdict."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mdhub.calendar.encoding import gather
from mdhub.calendar.placing import LAST_MOMENT_NS
from mdhub.wire.codec import DecodeError, decoder, marker
from mdhub.wire.entries import (
    Clock,
    ConfigChange,
    ContractRow,
    Control,
    ControlKind,
    EpochMark,
    Lead,
    LostRange,
    MarkerKind,
    MarketClock,
    RulesChange,
    SourceVerdict,
)
from mdhub_arbiter.holds import expire
from mdhub_arbiter.instrument import Contract
from mdhub_arbiter.outputs import mark
from mdhub_arbiter.priority import PRIORITY, RACE, fail_over
from mdhub_arbiter.quality import look
from mdhub_arbiter.state import HOLDS_SINCE, State

__all__ = ["control_entry"]

MAX_COUNT: Final = 1 << 62
MAX_NAMES: Final = 256
"""Exchanges or sources named by one setting."""
MAX_ROWS: Final = 500
"""Contracts in one entry: larger tables come in parts."""

_decode_clock: Final = decoder(Clock)
_decode_lead: Final = decoder(Lead)
_decode_config: Final = decoder(ConfigChange)
_decode_market_clock: Final = decoder(MarketClock)
_decode_lost: Final = decoder(LostRange)
_decode_contracts: Final = decoder(list[ContractRow])
_decode_rules: Final = decoder(RulesChange)
_decode_verdict: Final = decoder(SourceVerdict)
_decode_names: Final = decoder(list[str])
_decode_map: Final = decoder(dict[str, str])
_decode_text: Final = decoder(str)


def control_entry(state: State, entry: Control) -> None:
    """Fold a control entry; kinds this version does not know are ignored. Raises DecodeError."""
    fold = _KINDS.get(entry.kind)
    if fold is not None:
        fold(state, entry)


def _clock(state: State, entry: Control) -> None:
    _set_log_time(state, _decode_clock(entry.body).wall_ns)
    if state.holding:
        expire(state)
    if state.policy.rules >= HOLDS_SINCE:
        look(state)


def _lead(state: State, entry: Control) -> None:
    lead = _decode_lead(entry.body)
    _set_log_time(state, lead.wall_ns)
    if lead.incarnation == state.incarnation and lead.epoch == state.epoch:
        return
    state.incarnation = lead.incarnation
    state.epoch = lead.epoch
    body = EpochMark(lead.epoch, state.n, lead.incarnation)
    mark(state, marker(MarkerKind.EPOCH, state.log_ns, body))


def _config(state: State, entry: Control) -> None:
    change = _decode_config(entry.body)
    fold = _SETTINGS.get(change.name)
    if fold is not None:
        fold(state, change.value)


def _market_clock(state: State, value: bytes) -> None:
    before_ns = state.market_ns
    state.market_clock = _decode_market_clock(value)
    _set_log_time(state, state.log_ns)
    if state.market_ns < before_ns:
        state.forget_marks()


def _modes(state: State, value: bytes) -> None:
    modes = _decode_map(value)
    wrong = sorted(set(modes.values()) - {RACE, PRIORITY})
    if wrong or len(modes) > MAX_NAMES:
        raise DecodeError(f"modes were {wrong}, expected {RACE} or {PRIORITY} per exchange")
    state.policy.modes = modes
    fail_over(state)


def _preference(state: State, value: bytes) -> None:
    names = _decode_names(value)
    if len(names) > MAX_NAMES:
        raise DecodeError(f"{len(names)} preferred sources, expected at most {MAX_NAMES}")
    state.policy.given = state.policy.preference = names
    fail_over(state)


def _unknown_instrument(state: State, value: bytes) -> None:
    policy = _decode_text(value)
    if policy not in {"flag", "hold"}:
        raise DecodeError(f"unknown_instrument was {policy!r}, expected flag or hold")
    state.policy.unknown = policy


def _rules(state: State, entry: Control) -> None:
    state.policy.rules = _decode_rules(entry.body).version


def _verdict(state: State, entry: Control) -> None:
    """The monitor or an operator says what a source is worth."""
    said = _decode_verdict(entry.body)
    policy = state.policy
    for words, table in ((("down", "up"), policy.down), (("mute", "unmute"), policy.muted)):
        if said.verdict == words[0] and len(table) < MAX_NAMES:
            table[said.source] = said.reason
        elif said.verdict == words[1]:
            table.pop(said.source, None)
    if said.verdict == "prefer":
        others = [name for name in policy.preference if name != said.source]
        policy.preference = [said.source, *others][:MAX_NAMES]
    fail_over(state)


def _calendar(state: State, entry: Control) -> None:
    state.gathering, rows = gather(state.gathering, entry.body)
    if rows is not None:
        state.take_calendar(rows)


def _contracts(state: State, entry: Control) -> None:
    rows = _decode_contracts(entry.body)
    if len(rows) > MAX_ROWS:
        raise DecodeError(f"{len(rows)} contracts in an entry, expected at most {MAX_ROWS}")
    for row in rows:
        seen = state.instruments.get(row.symbol) or state.new_instrument(row.symbol, row.exchange)
        if seen.generation != state.generation:
            state.preserve(seen)
        seen.contract = Contract.of(row)
        seen.option = row.product_class == "2" or (not row.product_class and seen.option)
        state.tables.add(seen.exchange)


def _lost(state: State, entry: Control) -> None:
    counts, gone = state.source(entry.writer), _decode_lost(entry.body)
    if gone.last_seq < gone.first_seq:
        raise DecodeError(f"lost range ends at {gone.last_seq}, before {gone.first_seq}")
    counts.lost = min(counts.lost + gone.last_seq - gone.first_seq + 1, MAX_COUNT)


def _set_log_time(state: State, wall_ns: int) -> None:
    state.log_ns = max(state.log_ns, wall_ns)
    clock = state.market_clock
    passed_ns = state.log_ns - clock.log_ns
    market_ns = clock.market_ns + (passed_ns if clock.rate == 1.0 else int(passed_ns * clock.rate))
    state.set_market_ns(max(0, min(market_ns, LAST_MOMENT_NS)))


_KINDS: Final[dict[str, Callable[[State, Control], None]]] = {
    ControlKind.CLOCK: _clock,
    ControlKind.LEAD: _lead,
    ControlKind.CONFIG: _config,
    ControlKind.CALENDAR: _calendar,
    ControlKind.CONTRACTS: _contracts,
    ControlKind.RULES: _rules,
    ControlKind.VERDICT: _verdict,
    ControlKind.OPERATOR: _verdict,
    ControlKind.LOST: _lost,
}

_SETTINGS: Final[dict[str, Callable[[State, bytes], None]]] = {
    "market_clock": _market_clock,
    "modes": _modes,
    "preference": _preference,
    "unknown_instrument": _unknown_instrument,
}
