# HOT: `fold` once per raw entry.
"""The market as the monitor sees it: folds raw, judges at each look. No clock, no I/O."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Final

from mdhub.calendar import Calendar
from mdhub.calendar.encoding import Gathering, gather
from mdhub.streams.port import Entry
from mdhub.wire.codec import DecodeError, decode_control, decoder
from mdhub.wire.entries import (
    Clock,
    ConfigChange,
    Control,
    ControlKind,
    Lead,
    LostRange,
    MarketClock,
)
from mdhub_monitor.canaries import choose_canaries
from mdhub_monitor.facts import Facts
from mdhub_monitor.hours import Hours
from mdhub_monitor.learn import Habit
from mdhub_monitor.rules.asked import asked_problems
from mdhub_monitor.rules.canaries import HUB, all_silent, canary_problems
from mdhub_monitor.rules.contracts import Seen, contract_problems, contracts_seen
from mdhub_monitor.rules.problem import Problem
from mdhub_monitor.rules.sources import Standing, source_problems, standings
from mdhub_monitor.rules.view import View

__all__ = ["MarketWatch"]

SECOND_NS: Final = 1_000_000_000
JUMP_NS: Final = SECOND_NS
"""Clock entries come every 0.1 s; after a longer hole in log time nobody is to blame for it."""
TAKEN: Final = 64
"""Take-overs between two looks; a look is a second."""
RECOVERY_NS: Final = 15 * SECOND_NS
"""A source that is back has its quieter canaries a little later."""
CONTRACTS_EVERY_NS: Final = 5 * SECOND_NS

_decode_clock: Final = decoder(Clock)
_decode_lead: Final = decoder(Lead)
_decode_config: Final = decoder(ConfigChange)
_decode_market_clock: Final = decoder(MarketClock)
_decode_lost: Final = decoder(LostRange)


class MarketWatch:
    """Feed it all entries of raw, shard by shard, then look."""

    def __init__(self, calendar: Calendar, habits: Mapping[str, Habit] | None = None) -> None:
        self.facts = Facts(Hours(calendar))
        self.facts.kept = dict(habits or {})
        self.standings: dict[str, Standing] = {}
        self.seen = Seen()
        self.silent: dict[str, int] = {}
        self.gap_s = 0.0
        """Seconds of `trading_day` in which canaries were due and nobody delivered any."""
        self.trading_day = 0
        self.taken: deque[tuple[int, int, int]] = deque(maxlen=TAKEN)
        """Newest take-overs: shard, log time, ns since the log's time before; who reads empties."""
        self.refused = 0
        """Control entries that could not be read."""
        self._anchors: dict[int, MarketClock] = {}
        self._excused_ns: dict[int, int] = {}
        self._gathering: dict[int, Gathering] = {}
        self._contracts_due_ns = 0
        self._known = 0
        self._troubled_ns: dict[str, int] = {}
        self._looked_ns = 0
        self.view = View(self.facts, {})

    @property
    def log_ns(self) -> int:
        return max((clock.log_ns for clock in self.facts.clocks.values()), default=0)

    @property
    def market_ns(self) -> int:
        return max((clock.market_ns for clock in self.facts.clocks.values()), default=0)

    def fold(self, shard: int, entry: Entry) -> None:
        """Fold one entry of raw."""
        fields = entry[1]
        if fields[0] == b"t":
            self.facts.tick(shard, fields[1])
            return
        try:
            self._control(shard, decode_control(fields[1]))
        except (DecodeError, IndexError):
            self.refused += 1

    def anchor(self, shard: int, log_ns: int, market_ns: int, rate: float) -> None:
        """Set the market clock as the arbiter committed it: its entry may be long gone."""
        self._anchors[shard] = MarketClock(market_ns, log_ns, rate)
        self.excuse(shard)

    def expected_ns(self, shard: int, log_ns: int) -> int | None:
        """Market time at a log time; None = the market clock is not known."""
        anchor = self._anchors.get(shard)
        if anchor is None:
            return None
        return anchor.market_ns + int((log_ns - anchor.log_ns) * anchor.rate)

    @property
    def live(self) -> bool:
        """Whether market time is real time."""
        return all(a.rate == 1.0 and a.market_ns == a.log_ns for a in self._anchors.values())

    def excuse(self, shard: int) -> None:
        """Nobody is called silent for the time before now."""
        self._excused_ns[shard] = self.facts.clock(shard).market_ns

    def look(self, unwanted: frozenset[str] = frozenset()) -> list[Problem]:
        """Judge the market as of the newest entry folded."""
        market_ns, log_ns = self.market_ns, self.log_ns
        if not market_ns:
            return []
        for product in self.facts.products.values():
            product.stretch = self.facts.hours.at(product.name, market_ns)
        due = log_ns >= self._contracts_due_ns
        if due or len(self.facts.contracts) != self._known:
            self._known = len(self.facts.contracts)
            choose_canaries(self.facts)
        view = self.view = View(self.facts, dict(self._excused_ns), unwanted)
        before = self.standings
        self.standings = standings(view, before)
        view = self.view = self._look_at_silence(view)
        if due:
            self._contracts_due_ns = log_ns + CONTRACTS_EVERY_NS
            self.seen = contracts_seen(view)
        self._count_gap(log_ns)
        recovering = self._recovering(before, log_ns)
        return [
            *source_problems(self.standings, recovering),
            *canary_problems(view, self.silent),
            *asked_problems(view, self.standings, self.silent, recovering),
            *contract_problems(view, self.seen, self.silent),
        ]

    def _recovering(self, before: Mapping[str, Standing], log_ns: int) -> frozenset[str]:
        for name, standing in before.items():
            if standing.trouble:
                self._troubled_ns[name] = log_ns
        return frozenset(
            name for name, at_ns in self._troubled_ns.items() if log_ns - at_ns < RECOVERY_NS
        )

    def _look_at_silence(self, view: View) -> View:
        was_silent, self.silent = HUB in self.silent, all_silent(view)
        if not was_silent or HUB in self.silent:
            return view
        # Who is heard a moment later than the first is not silent on his own.
        for shard in self.facts.clocks:
            self.excuse(shard)
        self.silent = {}
        return View(self.facts, dict(self._excused_ns), view.unwanted)

    def _count_gap(self, log_ns: int) -> None:
        days = [p.stretch.trading_day for p in self.facts.products.values()]
        day = max(days, default=0)
        if day != self.trading_day:
            self.trading_day, self.gap_s = day, 0.0
        if HUB in self.silent and self._looked_ns:
            self.gap_s += (log_ns - self._looked_ns) / SECOND_NS
        self._looked_ns = log_ns

    def _control(self, shard: int, entry: Control) -> None:
        match entry.kind:
            case ControlKind.CLOCK:
                self._tell_time(shard, _decode_clock(entry.body).wall_ns)
            case ControlKind.LEAD:
                lead_ns = _decode_lead(entry.body).wall_ns
                before_ns = self.facts.clock(shard).log_ns
                if before_ns:
                    self.taken.append((shard, lead_ns, max(0, lead_ns - before_ns)))
                self._tell_time(shard, lead_ns)
                self.excuse(shard)
            case ControlKind.CONFIG:
                change = _decode_config(entry.body)
                if change.name == "market_clock":
                    self._anchors[shard] = _decode_market_clock(change.value)
                    self._tell_time(shard, 0)
                    self.excuse(shard)
            case ControlKind.CALENDAR:
                so_far = self._gathering.get(shard, Gathering())
                self._gathering[shard], rows = gather(so_far, entry.body)
                if rows is not None:
                    self.facts.hours = Hours(Calendar(rows))
            case ControlKind.LOST:
                gone, source = _decode_lost(entry.body), self.facts.sources.get(entry.writer)
                if source is not None:
                    source.lost += max(0, gone.last_seq - gone.first_seq + 1)
            case _:
                pass

    def _tell_time(self, shard: int, wall_ns: int) -> None:
        clock, anchor = self.facts.clock(shard), self._anchors.get(shard)
        before_ns, clock.log_ns = clock.log_ns, max(clock.log_ns, wall_ns)
        if anchor is None:
            return
        clock.rate = anchor.rate
        passed_ns = clock.log_ns - anchor.log_ns
        clock.market_ns = anchor.market_ns + (
            passed_ns if anchor.rate == 1.0 else int(passed_ns * anchor.rate)
        )
        if clock.log_ns - before_ns > JUMP_NS:
            self.excuse(shard)
