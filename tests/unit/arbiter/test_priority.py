"""Mode `priority`: one source is heard, and what the others had fills the gap when it fails."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from mdhub.wire.codec import encode
from mdhub.wire.entries import ConfigChange, ControlKind, RulesChange, SourceVerdict
from mdhub.wire.ticks import RawTick
from mdhub_arbiter.outputs import MAX_OUTPUTS, Clean, Rejected
from mdhub_arbiter.priority import KEPT
from mdhub_arbiter.state import decode_state
from tests.unit.arbiter.builders import (
    Desk,
    clean_tick,
    control_entry,
    outcome,
    raw,
    state_bytes,
    tick_entry,
)


def config(name: str, value: Any) -> list[bytes]:
    change = ConfigChange(name, msgspec.Raw(encode(value)))
    return control_entry(ControlKind.CONFIG, change)


def verdict(source: str, said: str, kind: str = ControlKind.VERDICT) -> list[bytes]:
    return control_entry(kind, SourceVerdict(source, said, "test"))


class Market(Desk):
    """SHFE listens to A, then B, then C."""

    def __init__(self) -> None:
        super().__init__()
        self.fold(control_entry(ControlKind.RULES, RulesChange(2)))
        self.fold(config("modes", {"SHFE": "priority"}))
        self.fold(config("preference", ["A", "B", "C"]))

    def tells(self, source: str, step: int, **fields: Any) -> list[str]:
        return [outcome(out) for out in self.folds(tick_entry(tick(source, step, **fields)))]

    def changes(self, entry: list[bytes]) -> list[tuple[str, int]]:
        """(source, volume) of what a control entry puts out."""
        return told(self.folds(entry))


def tick(source: str, step: int, **fields: Any) -> RawTick:
    """The market makes a tick every half second, a lot each."""
    time = f"10:00:{step // 2:02}.{step % 2 * 500}"
    return raw(time, source=source, **{"volume": 100 + step} | fields)


def told(outputs: list[Clean | Rejected]) -> list[tuple[str, int]]:
    return [(t.source, (t.volume or 0) - 100) for t in map(clean_tick, outputs)]


def test_only_the_active_source_is_heard() -> None:
    """The others' ticks wait; copies of what is accepted are duplicates."""
    market = Market()
    assert market.tells("B", 1) == []
    assert market.tells("A", 1) == ["clean"]
    assert market.tells("B", 2) == market.tells("C", 2) == []
    assert market.tells("A", 2) == ["clean"]
    assert market.tells("C", 1) == ["late"]
    assert market.state.sources["B"].standby == 2
    assert not market.state.standing


def test_other_exchanges_race() -> None:
    """The mode is set per exchange."""
    market = Market()
    assert market.tells("B", 1, symbol="m2701", exchange="DCE") == ["clean"]


@pytest.mark.parametrize(
    "entry",
    [
        verdict("A", "down"),
        verdict("A", "mute", ControlKind.OPERATOR),
        verdict("B", "prefer", ControlKind.OPERATOR),
        config("preference", ["B", "A"]),
        config("modes", {}),
    ],
)
def test_at_failover_the_standby_fills_the_gap(entry: list[bytes]) -> None:
    """What the active source had not delivered yet comes from the standby, in order, once."""
    market = Market()
    market.tells("A", 1)
    for step in (1, 2, 3):
        market.tells("B", step)
        market.tells("C", step)

    assert market.changes(entry) == [("B", 2), ("B", 3)]
    assert market.tells("B", 4) == ["clean"]
    assert market.tells("C", 3) == ["late"]
    assert not market.state.backlog


def test_what_the_active_source_skipped_comes_from_the_standby() -> None:
    """It died and came back before anybody noticed: the hole is filled before its next tick."""
    market = Market()
    market.tells("A", 1)
    for step in (1, 2, 3, 4):
        market.tells("B", step)
    outputs = market.folds(tick_entry(tick("A", 4)))

    assert told(outputs) == [("B", 2), ("B", 3), ("A", 4)]
    assert market.tells("B", 3) == ["late"]
    assert not market.state.standing


def test_a_source_that_is_back_leads_again() -> None:
    """`up` undoes `down`."""
    market = Market()
    market.tells("A", 1)
    market.changes(verdict("A", "down"))
    assert market.tells("B", 2) == ["clean"]
    market.changes(verdict("A", "up"))
    assert market.tells("B", 3) == []
    assert market.tells("A", 3) == ["clean"]


def test_without_any_preferred_source_all_race() -> None:
    """Better any source than none."""
    market = Market()
    for source in "ABC":
        market.changes(verdict(source, "down"))
    assert market.tells("D", 1) == ["clean"]


def test_nothing_is_lost_although_nobody_fails_over() -> None:
    """A silent active source: when a contract's list is full, its oldest tick is believed."""
    market = Market()
    found = [market.tells("B", step) for step in range(KEPT + 3)]
    assert found == [[]] * KEPT + [["clean"]] * 3
    left = market.changes(verdict("A", "down"))
    assert left == [("B", step) for step in range(3, KEPT + 3)]


def test_a_muted_source_is_refused() -> None:
    """An operator has the last word, also in a race."""
    market = Market()
    market.changes(verdict("B", "mute", ControlKind.OPERATOR))
    assert market.tells("B", 1, symbol="m2701", exchange="DCE") == ["source_muted"]
    market.changes(verdict("B", "unmute", ControlKind.OPERATOR))
    assert market.tells("B", 1, symbol="m2701", exchange="DCE") == ["clean"]


def test_standby_ticks_survive_a_restart() -> None:
    """They are part of the state."""
    market = Market()
    market.tells("B", 1)
    market.state = decode_state(*_split(state_bytes(market.state)))
    assert market.changes(verdict("A", "down")) == [("B", 1)]


def test_a_failover_of_everything_comes_in_parts() -> None:
    """An entry has at most 4,096 outputs; the rest follows with the next entries, in order."""
    market = Market()
    market.fold(config("modes", {"CFFEX": "priority"}))
    contracts = [f"IO2612-C-{4000 + i}" for i in range(400)]
    for step in range(12):
        for symbol in contracts:
            assert market.tells("B", step, symbol=symbol, exchange="CFFEX") == []
    first = market.folds(verdict("A", "down"))
    second = market.folds(control_entry("weather", None))

    assert (len(first), len(second)) == (MAX_OUTPUTS, 12 * 400 - MAX_OUTPUTS)
    volumes = [volume for _, volume in told(first + second)]
    assert volumes == sorted(volumes)
    assert not market.state.backlog


def _split(parts: list[bytes]) -> tuple[bytes, list[bytes]]:
    return parts[0], parts[1:]
