"""Quality, phase and end-of-session markers: what is told of instruments, and when."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from mdhub.calendar import Calendar
from mdhub.wire.codec import decode_marker
from mdhub.wire.entries import (
    ContractRow,
    ControlKind,
    EndOfSessionMark,
    MarkerKind,
    PhaseMark,
    QualityMark,
    RulesChange,
)
from mdhub_arbiter.outputs import Clean, Rejected
from mdhub_arbiter.quality import LEARNED_TICKS
from mdhub_arbiter.state import decode_state
from tests.unit.arbiter.builders import (
    SECOND_NS,
    Desk,
    china_ns,
    clock_entry,
    control_entry,
    raw,
    state_bytes,
    tick_entry,
)

CALENDAR = Calendar.load()


class Market(Desk):
    """Sources that deliver rb2701 once a second, clocks ten times a second."""

    def __init__(self, market: str = "2026-11-18 10:00:00", *, every_s: int = 1) -> None:
        super().__init__(market)
        self.fold(control_entry(ControlKind.RULES, RulesChange(2)))
        for part in CALENDAR.parts:
            self.folds(control_entry(ControlKind.CALENDAR, msgspec.Raw(part)))
        self.every_s = every_s
        self.volume = 100
        self.marks: list[tuple[float, object]] = []
        """(seconds since the start, body) of every marker."""
        self._start_ns = self.state.log_ns

    @property
    def now_s(self) -> float:
        return (self.state.log_ns - self._start_ns) / SECOND_NS

    def run(self, seconds: int, sources: str = "AB", *, lots: int = 0) -> None:
        """Let time pass; at the end of each `every_s` the sources named send one snapshot."""
        for step in range(1, seconds + 1):
            for _ in range(10):
                self._keep(self.folds(clock_entry(self.state.log_ns + SECOND_NS // 10)))
            if sources and step % self.every_s == 0:
                self.send(sources, lots=lots)

    def send(self, sources: str, *, lots: int = 0) -> None:
        self.volume += lots
        of_day_s = (self.state.log_ns // SECOND_NS + 8 * 3600) % 86_400
        time = f"{of_day_s // 3600:02}:{of_day_s // 60 % 60:02}:{of_day_s % 60:02}"
        for source in sources:
            tick = raw(time, source=source, volume=self.volume, turnover=None)
            self._keep(self.folds(tick_entry(tick)))

    def _keep(self, outputs: list[Clean | Rejected]) -> None:
        for out in outputs:
            if isinstance(out, Clean) and out.field == b"m":
                self.marks.append((self.now_s, body_of(out)))

    def qualities(self) -> list[str]:
        return [mark.quality for _, mark in self.marks if isinstance(mark, QualityMark)]

    def since(self, quality: str) -> float:
        """When a quality was told first."""
        return next(
            at_s for at_s, m in self.marks if isinstance(m, QualityMark) and m.quality == quality
        )

    def of(self, kind: type) -> Iterator[object]:
        return (mark for _, mark in self.marks if isinstance(mark, kind))


def body_of(out: Clean) -> object:
    found = decode_marker(out.payload)
    kinds: dict[str, type] = {
        MarkerKind.QUALITY: QualityMark,
        MarkerKind.PHASE: PhaseMark,
        MarkerKind.END_OF_SESSION: EndOfSessionMark,
    }
    return msgspec.msgpack.decode(found.body, type=kinds[found.kind])


def test_a_busy_instrument_with_two_sources_is_not_spoken_of() -> None:
    """No news is good news."""
    market = Market()
    market.run(120)
    assert market.qualities() == []


def test_one_of_two_sources_left_is_told_once_and_taken_back() -> None:
    """Within 35 s of its last tick, by name; good again soon after it is back."""
    market = Market()
    market.run(60)
    market.run(120, "A")
    assert market.qualities() == ["single_source"]
    assert 60 + 30 <= market.since("single_source") <= 60 + 36
    (mark,) = market.of(QualityMark)
    assert isinstance(mark, QualityMark)
    assert (mark.symbol, mark.exchange, mark.cause) == ("rb2701", "SHFE", "A")
    market.run(6)
    assert market.qualities() == ["single_source", ""]


def test_a_source_that_repeats_old_ticks_does_not_count() -> None:
    """A stuck front delivers, but nothing that is not older than the mark."""
    market = Market()
    market.run(60)
    stuck = tick_entry(raw("10:00:30", source="B", turnover=None))
    for _ in range(40):
        market.folds(stuck)
        market.run(1, "A")
    assert market.qualities() == ["single_source"]


def test_silence_of_all_is_told_in_two_steps_then_what_is_missing() -> None:
    """Five seconds, thirty seconds (and delivery); then a gap with its length and lots."""
    market = Market()
    market.run(60)
    market.run(50, "")
    assert market.qualities() == ["maybe_stale", "stale"]
    assert 60 + 5 <= market.since("maybe_stale") <= 60 + 13
    assert 60 + 30 <= market.since("stale") <= 60 + 38
    market.send("AB", lots=40)
    market.run(10)
    assert market.qualities() == ["maybe_stale", "stale", "gap", ""]
    causes = [mark.cause for mark in market.of(QualityMark) if isinstance(mark, QualityMark)]
    assert causes[2] == "50.0 s, 40 lots"


def test_a_silence_in_which_nothing_was_traded_is_no_gap() -> None:
    """The market may have stood still; the first tick says that nothing is missing."""
    market = Market()
    market.run(60)
    market.run(20, "")
    market.send("AB")
    assert market.qualities() == ["maybe_stale", ""]


def test_a_contract_is_judged_by_its_own_habits() -> None:
    """One that ticks every 20 s may rest for five times as long."""
    market = Market(every_s=20)
    market.run(20 * (LEARNED_TICKS + 2))
    market.run(90, "")
    assert market.qualities() == []
    market.run(30, "")
    assert market.qualities() == ["maybe_stale"]


def test_one_that_rests_for_minutes_is_never_stale() -> None:
    """Its silence says nothing."""
    market = Market(every_s=150)
    market.run(150 * (LEARNED_TICKS + 2) // 2)
    market.run(600, "")
    assert not {"maybe_stale", "stale"} & set(market.qualities())


def test_a_contract_behind_its_last_day_is_not_missed() -> None:
    """It expired yesterday: its silence is no news."""
    market = Market()
    row = ContractRow("rb2701", "SHFE", "rb", "1", 10.0, 1.0, 20261118)
    market.folds(control_entry(ControlKind.CONTRACTS, [row]))
    market.run(40)
    market.at("2026-11-19 09:30:00")
    market.marks.clear()
    market.run(60, sources="")
    assert not [body for _, body in market.marks if isinstance(body, QualityMark)]


def test_a_new_instrument_has_no_habits_yet() -> None:
    """A few ticks and silence are not called stale."""
    market = Market()
    market.run(LEARNED_TICKS - 5)
    market.run(60, "")
    assert market.qualities() == []


def test_breaks_are_told_as_phases_not_as_silence() -> None:
    """10:15 to 10:30: one phase marker each way for the product, no quality of any instrument."""
    market = Market("2026-11-18 10:13:30")
    market.run(90)
    market.run(15 * 60, "")
    market.run(60)
    phases = [mark.phase for mark in market.of(PhaseMark) if isinstance(mark, PhaseMark)]
    assert phases == ["continuous", "break", "continuous"]
    assert market.qualities() == []


def test_the_end_of_the_last_session_names_the_last_n() -> None:
    """Who has n up to there has everything."""
    market = Market("2026-11-18 14:58:30")
    market.run(90)
    before = market.state.n
    market.run(3 * 3_600, "")
    (mark,) = market.of(EndOfSessionMark)
    assert isinstance(mark, EndOfSessionMark)
    assert before <= mark.final_n < market.state.n
    assert not {"maybe_stale", "stale"} & set(market.qualities())


def test_qualities_survive_a_restart() -> None:
    """A state read back tells nothing twice and forgets nobody's turn."""
    market = Market()
    market.run(60)
    market.run(40, "A")
    scalars, *instruments = state_bytes(market.state)
    market.state = decode_state(scalars, instruments)
    market.run(40, "A")
    assert market.qualities() == ["single_source"]
    market.run(6)
    assert market.qualities() == ["single_source", ""]


def test_the_hard_rules_alone_tell_nothing() -> None:
    """Version 1 of the rules knows no markers of quality."""
    market = Market()
    market.fold(control_entry(ControlKind.RULES, RulesChange(1)))
    market.run(30)
    market.run(60, "")
    assert market.marks == []
    assert market.now_s == 90
    assert china_ns("2026-11-18 10:01:30") == market.state.log_ns
