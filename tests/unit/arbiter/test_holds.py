"""Suspect ticks are held, and every hold ends: no true jump freezes a contract."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import Raw

from mdhub.calendar import Calendar
from mdhub.wire.entries import ContractRow, ControlKind, RulesChange, Verdict
from mdhub.wire.ticks import Flag
from mdhub_arbiter.holds import AGREEING, KEPT, UNCONFIRMED
from mdhub_arbiter.outputs import Clean, Rejected
from mdhub_arbiter.state import decode_state
from tests.unit.arbiter.builders import (
    SECOND_NS,
    Desk,
    china_ns,
    clean_tick,
    clock_entry,
    control_entry,
    raw,
    rejected_header,
    state_bytes,
    tick_entry,
)

CONTRACT = ContractRow("rb2701", "SHFE", "rb", "1", 10.0, 1.0, 20270115)
NOW_NS = china_ns("2026-11-18 10:00:00")
GOOD: dict[str, Any] = {"turnover": 3e6}

JUMPS: dict[str, dict[str, Any]] = {
    "time_ahead": {"update_time": "10:05:00"},
    "time_behind": {"update_time": "09:20:00", "volume": 130, "turnover": 3.9e6},
    "crossed_book": {"bids": [(3002.0, 1)], "asks": [(3001.0, 1)]},
    "off_grid": {"last": 3000.3, "volume": 101, "turnover": 3.03e6},
    "scale": {"last": 300.0, "low": 300.0, "volume": 101, "limit_down": 0.0, "turnover": 3.01e6},
    "ohlc": {"high": 2999.0},
    "volume_jump": {"volume": 1_000_100, "turnover": 5e10},
    "last_without_volume": {"last": 3005.0},
    "turnover": {"volume": 101, "turnover": 3e6},
    "limits_changed": {"limit_up": 3310.0},
    "pre_changed": {"pre_close": 3005.0},
}


class Market(Desk):
    """rb2701 under the full rule book; one good tick of 10:00:00 is in."""

    def __init__(self) -> None:
        super().__init__()
        self.fold(control_entry(ControlKind.RULES, RulesChange(2)))
        self.fold(control_entry(ControlKind.CONTRACTS, [CONTRACT]))
        self.steps = 0
        assert self.says(**GOOD) == "clean"

    def steps_on(self, source: str = "A", **fields: Any) -> list[Clean | Rejected]:
        """The next tick of a source, half a second later."""
        self.steps += 1
        time = f"10:00:{self.steps // 2:02}.{self.steps % 2 * 500}"
        tick = raw(time, source=source, **GOOD | fields)
        return self.folds(tick_entry(tick))

    def passes(self, seconds: float) -> list[Clean | Rejected]:
        """Let log time pass."""
        outputs = self.folds(clock_entry(self.state.log_ns + int(seconds * SECOND_NS)))
        return [out for out in outputs if not is_look(out)]


def is_look(out: Clean | Rejected) -> bool:
    """Whether it is a marker of a look at phases and qualities, which is not the matter here."""
    if isinstance(out, Rejected) or out.field == b"t":
        return False
    return UNCONFIRMED.encode() not in out.payload


def words(outputs: list[Clean | Rejected]) -> list[str]:
    return [
        ("tick" if out.field == b"t" else "marker")
        if isinstance(out, Clean)
        else f"{rejected_header(out).verdict}:{rejected_header(out).reason}"
        for out in outputs
    ]


@pytest.mark.parametrize("reason", JUMPS)
def test_what_contradicts_is_held(reason: str) -> None:
    """Each suspicion holds with its own reason, and the mark stays."""
    market = Market()
    n = market.state.n
    outputs = market.steps_on(**JUMPS[reason])

    assert words(outputs) == [f"{Verdict.HOLD}:{reason}"]
    assert (market.state.n, market.state.sources["A"].held) == (n, 1)


@pytest.mark.parametrize("reason", JUMPS)
def test_the_good_copy_of_another_source_is_accepted(reason: str) -> None:
    """A held tick hides nothing, and is given up when the contract goes on without it."""
    market = Market()
    market.steps_on(**JUMPS[reason])
    market.steps = 0

    assert words(market.steps_on("B")) == ["tick"]
    market.passes(10)
    assert words(market.steps_on("A")) == ["tick"]
    assert not market.state.holding
    assert market.passes(10) == []


@pytest.mark.parametrize("reason", JUMPS)
def test_another_source_confirms(reason: str) -> None:
    """The same snapshot from another source is accepted, at once and without a flag."""
    market = Market()
    market.steps_on("A", **JUMPS[reason])
    market.steps = 0
    (out,) = market.steps_on("B", **JUMPS[reason])

    tick = clean_tick(out)
    assert (tick.source, tick.flags) == ("B", 0)
    assert not market.state.holding
    market.steps = 0
    assert words(market.steps_on("A", **JUMPS[reason])) in ([], ["late:late"])


@pytest.mark.parametrize("reason", JUMPS)
def test_what_stays_so_is_accepted_within_three_ticks(reason: str) -> None:
    """A true new state recovers: all held ticks come, in order and flagged, then more."""
    market = Market()
    found: list[str] = []
    for step in range(AGREEING + 3):
        found += words(market.steps_on(**_persistent(reason, step)))

    held = [f"{Verdict.HOLD}:{reason}"] * AGREEING
    assert found == [*held, *["tick"] * AGREEING, "marker", *["tick"] * 3]
    ticks = [clean_tick(out) for out in market.steps_on(**_persistent(reason, AGREEING + 3))]
    assert [tick.flags for tick in ticks] == [0]


@pytest.mark.parametrize("reason", sorted(set(JUMPS) - {"time_ahead", "time_behind"}))
def test_a_lone_source_is_believed_after_two_seconds(reason: str) -> None:
    """Nobody else delivers the contract: a single tick is accepted, flagged as unconfirmed."""
    market = Market()
    market.steps_on(**JUMPS[reason])

    assert market.passes(1.9) == []
    tick, _ = market.passes(0.2)
    assert clean_tick(tick).flags == Flag.UNCONFIRMED
    assert not market.state.holding


def test_one_tick_beside_a_living_source_waits_for_a_second_opinion() -> None:
    """Where another source delivers the contract, a single suspect tick is not released by time."""
    market = Market()
    market.see("10:00:00.000", source="B", **GOOD)
    market.steps_on("A", **JUMPS["volume_jump"])

    assert market.passes(5) == []
    assert market.state.holding


def test_a_source_that_contradicts_itself_begins_anew() -> None:
    """Three suspect ticks that do not agree are three times one tick."""
    market = Market()
    found: list[str] = []
    for volume in (1_000_100, 3_000_100, 2_000_100, 5_000_100):
        found += words(market.steps_on(volume=volume, turnover=volume * 50_000.0))
    assert found == [f"{Verdict.HOLD}:volume_jump"] * 4


def test_a_repeat_of_a_held_tick_is_no_second_one() -> None:
    """The same source pushing it again agrees with nobody."""
    market = Market()
    tick = tick_entry(raw("10:00:01.000", **GOOD | JUMPS["volume_jump"]))
    assert words(market.folds(tick)) == [f"{Verdict.HOLD}:volume_jump"]
    assert [market.folds(tick) for _ in range(5)] == [[]] * 5
    assert market.state.sources["A"].duplicate == 5


def test_waived_rules_speak_again_on_the_next_trading_day() -> None:
    """A day of crossed books does not switch the rule off for good."""
    market = Market()
    for step in range(AGREEING + 1):
        market.steps_on(**_persistent("crossed_book", step))
    assert market.state.instruments["rb2701"].waived == {"crossed_book"}
    market.at("2026-11-18 21:00:00").see("21:00:00", **GOOD)

    assert market.says("21:00:01", **JUMPS["crossed_book"]) == "crossed_book"


def test_held_ticks_are_bounded() -> None:
    """Many sources with as many opinions: the oldest gives way."""
    market = Market()
    for i in range(3 * KEPT):
        volume = 1_000_000 * (i + 1)
        market.steps_on(f"S{i}", volume=volume, turnover=volume * 50_000.0)
    assert len(market.state.instruments["rb2701"].held) == KEPT


def test_holds_survive_a_restart() -> None:
    """Held ticks are part of the snapshot: the fold goes on as if nothing had happened."""
    market = Market()
    market.steps_on(**_persistent("scale", 0))
    scalars, *instruments = state_bytes(market.state)
    market.state = decode_state(scalars, instruments)
    market.steps_on(**_persistent("scale", 1))

    found = words(market.steps_on(**_persistent("scale", 2)))
    assert found == [f"{Verdict.HOLD}:scale", "tick", "tick", "tick", "marker"]


def test_the_first_rules_hold_nothing() -> None:
    """Version 1 of the rules judges old logs as they were judged."""
    market = Market()
    market.fold(control_entry(ControlKind.RULES, RulesChange(1)))
    assert words(market.steps_on(**JUMPS["volume_jump"])) == ["tick"]
    ahead = market.steps_on(update_time="10:05:00", volume=1_000_101)
    assert words(ahead) == ["reject:time_ahead"]


def test_a_volume_corrected_downwards_is_believed_in_the_end() -> None:
    """Ten ticks in a row below the mark, none falling: the exchange has corrected it."""
    market = Market()
    found = [
        words(market.steps_on(volume=50 + i, turnover=1.5e6 + i * 30_000.0)) for i in range(11)
    ]
    assert found[:9] == [["reject:volume_regress"]] * 9
    assert found[9:] == [["tick"], ["tick"]]


def test_money_that_moves_without_lots_is_held() -> None:
    """Turnover is made of trades; only CZCE computes it in two ways."""
    market = Market()
    assert words(market.steps_on(turnover=3.3e6)) == ["hold:turnover"]
    assert words(market.steps_on(turnover=3e6 + 1)) == ["tick"]


def test_a_jump_of_volume_that_is_paid_for_is_true() -> None:
    """Who missed hours of trading sees turnover grow with the volume: nothing is held."""
    market = Market()
    assert words(market.steps_on(volume=1_000_100, turnover=3e6 + 3e10)) == ["tick"]


def test_rules_also_speak_after_the_close() -> None:
    """Where nothing trades any more the book may be anything, price and money may not."""
    market = Market()
    for part in Calendar.load().parts:
        market.folds(control_entry(ControlKind.CALENDAR, Raw(part)))
    market.folds(clock_entry(china_ns("2026-11-18 15:22:00")))
    crossed = JUMPS["crossed_book"]
    assert market.says("15:22:01.000", **GOOD | {"last": 3005.0}) == "last_without_volume"
    assert market.says("15:22:02.000", **GOOD | crossed) == "clean"


def _persistent(reason: str, step: int) -> dict[str, Any]:
    """The jump, gone on with: as a market would look that has really changed so."""
    fields = dict(JUMPS[reason])
    volume = fields.get("volume", 100) + (step if reason != "last_without_volume" else 0)
    fields["volume"] = volume
    if reason == "time_ahead":
        fields["update_time"] = f"10:05:{step:02}"
    if reason == "time_behind":
        fields["update_time"] = f"09:20:{step:02}"
    price = 300.0 if reason == "scale" else 3000.0
    if reason not in {"turnover", "last_without_volume"}:
        fields["turnover"] = fields.get("turnover", 3e6) + step * price * 10
    return fields
