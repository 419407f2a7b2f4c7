# HOT: the loop over raw; what is not per tick happens four times a second, or once.
"""One monitor at work on one connection: reads raw, looks, acts, reports."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any, Final

from mdhub.calendar import Calendar
from mdhub.health.model import HealthReport, encode_health
from mdhub.runtime.clock import AnchoredClock
from mdhub.runtime.heartbeat import ENDED, beat_payload
from mdhub.runtime.logging import Logger
from mdhub.runtime.outage import Outage
from mdhub.streams.port import FIRST_ID, Log, Tail
from mdhub.streams.topology import EVENTS, RAW
from mdhub.wire.codec import DecodeError, decode_event
from mdhub.wire.ops import Event as OpsEvent
from mdhub.wire.ops import EventKind, Severity
from mdhub_monitor.act import Healer, Orders
from mdhub_monitor.day_book import DayBook
from mdhub_monitor.figures import Figures
from mdhub_monitor.habits import HabitFile
from mdhub_monitor.hands import Hands, in_force
from mdhub_monitor.market_clock import ClockSync
from mdhub_monitor.measured import Measured
from mdhub_monitor.probes import Outside, read_asked, read_beats, read_outside, read_server
from mdhub_monitor.ranking import Ranking
from mdhub_monitor.report import Judged, build_report
from mdhub_monitor.rules.canaries import HUB
from mdhub_monitor.rules.clocks import RIGHT, ClockWatch
from mdhub_monitor.rules.connection import Connections
from mdhub_monitor.rules.horizon import horizon_days, horizon_problems
from mdhub_monitor.rules.problem import Ledger, Problem
from mdhub_monitor.rules.readers import reader_problems
from mdhub_monitor.rules.server import ServerFact, ServerWatch
from mdhub_monitor.rules.services import BeatFact, Now, ServiceWatch
from mdhub_monitor.rules.shards import (
    CounterWatch,
    ShardWatch,
    service_problems,
    unwanted_sources,
)
from mdhub_monitor.telling import Teller
from mdhub_monitor.watch import MarketWatch

__all__ = ["Duty", "Knowledge"]

MS_NS: Final = 1_000_000
WATCHING: Final = "watching"
"""State in the heartbeat of a monitor."""
LOOK_EVERY_S: Final = 0.25
REPORT_EVERY_S: Final = 1.0
BLOCK_MS: Final = 100
READ_COUNT: Final = 1_000
EVENTS_READ: Final = 500
GONE_MS: Final = 86_400_000
"""Who has been silent for a day was taken out of service: not missed."""
CONTRACTS_EVERY: Final = 60
"""Looks (one a second) from one count of the contract table to the next."""


@dataclass(slots=True)
class Knowledge:
    """What outlives a connection."""

    watch: MarketWatch
    services: ServiceWatch
    habits: HabitFile
    book: DayBook
    clocks: ClockWatch = field(default_factory=ClockWatch)
    ledger: Ledger = field(default_factory=Ledger)
    healer: Healer = field(default_factory=Healer)
    ranking: Ranking = field(default_factory=Ranking)
    connections: Connections = field(default_factory=Connections)
    shards: ShardWatch = field(default_factory=ShardWatch)
    counters: CounterWatch = field(default_factory=CounterWatch)
    server: ServerWatch = field(default_factory=ServerWatch)
    clock: AnchoredClock = field(default_factory=AnchoredClock)
    noted: dict[str, Problem] = field(default_factory=dict)
    """Problems that events told, until an event takes them back; by key."""
    away_since_ns: int = 0
    adopted: bool = False

    @classmethod
    def fresh(
        cls, calendar: Calendar, silent_ns: int, data: Path, instance_id: str, logger: Logger
    ) -> Knowledge:
        """Begin with what an earlier run has learned."""
        file = HabitFile(data / f"monitor-{instance_id}.habits")
        book = DayBook(data, instance_id, logger)
        return cls(MarketWatch(calendar, file.load()), ServiceWatch(silent_ns), file, book)


class Duty:
    """`run` until stopped. Raises StreamsError when the log is away."""

    def __init__(  # noqa: PLR0913 - what a duty consists of
        self, log: Log, known: Knowledge, *, instance_id: str, shards: int, data: Path,
        logger: Logger, outage: Outage, alerting: Callable[[], dict[str, int]],
        measured: Measured,
    ) -> None:  # fmt: skip
        self._log = log
        self._known = known
        self._instance = f"monitor:{instance_id}"
        self._shards = shards
        self._data = data
        self._logger = logger
        self._outage = outage
        self._alerting = alerting
        self._measured = measured
        self._hands = Hands(log, instance=self._instance)
        self._sync = ClockSync(known.watch)
        self._outside = Outside()
        self._server = ServerFact()
        self._slow: list[Problem] = []
        self._unwanted: frozenset[str] = frozenset()
        self._orders = Orders()
        self._teller = Teller(log, logger, known.clock)
        self._figures = Figures(log, shards)
        self._contracts = 0
        self._looks = 0

    def run(self, stop: Event) -> None:
        """Come round until stopped."""
        tails = [self._newest(RAW, shard) for shard in range(self._shards)]
        events = self._newest(EVENTS, 0)
        known, look_s, report_s = self._known, 0.0, 0.0
        for shard in range(self._shards):
            known.watch.excuse(shard)
        known.shards.excuse()
        self._say_back()
        try:
            while not stop.is_set():
                self._read(tails)
                now_s = time.monotonic()
                if now_s >= look_s:
                    look_s = now_s + LOOK_EVERY_S
                    self._read_events(events)
                    self._look()
                if now_s >= report_s:
                    report_s = now_s + REPORT_EVERY_S
                    self._look_around(tails)
            self._log.beat(self._instance, beat_payload("monitor", self._instance, ENDED, {}))
        finally:
            known.habits.save(known.watch.facts, self._logger)
            known.book.save()
            for tail in (*tails, events):
                tail.close()

    def _newest(self, stream: Any, shard: int) -> Tail:
        newest = self._log.entries(stream, shard=shard, count=1, newest_first=True)
        return self._log.tail(stream, shard=shard, after=newest[0][0] if newest else FIRST_ID)

    def _read(self, tails: list[Tail]) -> None:
        fold = self._known.watch.fold
        for shard, tail in enumerate(tails):
            for entry in tail.read(block_ms=max(1, BLOCK_MS // len(tails)), count=READ_COUNT):
                fold(shard, entry)

    def _read_events(self, tail: Tail) -> None:
        """What sources, schedule and arbiters say of themselves."""
        for _, fields in tail.read(block_ms=0, count=EVENTS_READ):
            with suppress(DecodeError, IndexError):
                self._hear(decode_event(fields[1]))

    def _hear(self, event: OpsEvent) -> None:
        known = self._known
        known.book.heard(event)
        if event.kind == EventKind.SOURCE:
            change = event.body.get("change")
            if isinstance(change, str):
                known.connections.told(event.subject, change, known.clock.now_ns())
        elif event.kind == EventKind.CHECKLIST:
            self._note("checklist_failed", event, wrong=event.severity != Severity.INFO)
        elif event.kind == EventKind.SCHEDULE:
            self._hear_schedule(event)

    def _hear_schedule(self, event: OpsEvent) -> None:
        change = event.body.get("change")
        if "start" in {change, event.body.get("did")}:
            self._known.connections.scheduled(event.subject, self._known.clock.now_ns())
        if change in {"missed", "start", "stop"}:
            self._note("schedule_missed", event, wrong=change == "missed")

    def _note(self, rule: str, event: OpsEvent, *, wrong: bool) -> None:
        facts = {
            name: value
            for name, value in event.body.items()
            if isinstance(value, int | float | str)
        }
        severity = Severity(event.severity) if event.severity in set(Severity) else Severity.ERROR
        problem = Problem(rule, event.subject, severity, facts)
        if wrong and len(self._known.noted) < EVENTS_READ:
            self._known.noted[problem.key] = problem
        else:
            self._known.noted.pop(problem.key, None)

    def _look(self) -> None:
        """Four times a second: the market, and what is done about it."""
        known, steady_ns = self._known, time.monotonic_ns()
        now_ns = known.clock.now_ns()
        problems = known.watch.look(self._unwanted)
        self._orders = known.healer.look(
            known.watch.standings, steady_ns, all_silent=HUB in known.watch.silent
        )
        for source, reason in self._orders.restart:
            command = self._hands.restart(source, reason, now_ns)
            self._logger.warning("restart", source=source, reason=reason, command=command)
        for source in self._orders.quarantined:
            self._slow_free("source_quarantined", source)
            problems.append(Problem("source_quarantined", source, Severity.ERROR))
        sessions = {name: seen.session for name, seen in known.watch.facts.sources.items()}
        problems += known.connections.look(
            sessions, now_ns, day=known.watch.trading_day, unwanted=self._unwanted
        )
        self._verdicts(now_ns)
        self._look_at_clocks()
        every = [*problems, *self._slow, *known.noted.values()]
        for said in known.ledger.look(every, now_ns, self._orders.done):
            self._teller.finding(said)

    def _slow_free(self, rule: str, subject: str) -> None:
        """The supervisor may have said the same: once is enough."""
        self._slow = [p for p in self._slow if (p.rule, p.subject) != (rule, subject)]

    def _look_around(self, tails: list[Tail]) -> None:
        """Once a second: everything but the market, heartbeat and report."""
        known, steady_ns = self._known, time.monotonic_ns()
        if self._looks % CONTRACTS_EVERY == 0:
            self._contracts = len(self._log.contracts().rows)
        self._looks += 1
        known.watch.facts.asked = read_asked(self._log, known.watch.facts.asked)
        self._outside = read_outside(
            self._log, shards=self._shards, server=self._server, contracts=self._contracts
        )
        beats = self._outside.beats
        for fact in self._outside.shards:
            self._sync.committed(fact.shard, fact.log_ns, fact.market_ns)
        self._unwanted = unwanted_sources(beats)
        now = Now(time.time_ns(), steady_ns)
        for finding in known.services.look(beats, now):
            self._logger.info("service", subject=finding.subject, change=finding.change)
            severity = Severity.ERROR if finding.change == "down" else Severity.INFO
            body = {"change": finding.change, **finding.detail}
            self._teller.event(EventKind.SERVICE, finding.subject, body, severity=severity)
        down = {n: ms for n, ms in known.services.down(now).items() if ms < GONE_MS}
        alive = {n: b for n, b in beats.items() if b.state != ENDED and n not in down}
        self._slow = list(self._problems(alive, down, steady_ns))
        self._report(tails)

    def _problems(
        self, alive: Mapping[str, BeatFact], down: Mapping[str, int], steady_ns: int
    ) -> list[Problem]:
        known = self._known
        arbiters = {n: b for n, b in alive.items() if b.service == "arbiter"}
        days = horizon_days(known.watch.facts.hours.calendar, known.watch.market_ns)
        return [
            *service_problems(self._outside.beats, down, self._unwanted),
            *known.shards.look(self._outside.shards, arbiters, steady_ns),
            *known.counters.look(alive, self._unwanted, steady_ns),
            *known.server.look(self._server, steady_ns),
            *reader_problems(self._outside.readers),
            *(horizon_problems(days, live=known.watch.live) if known.watch.market_ns else ()),
            *(
                Problem("source_quarantined", name.partition(":")[2], Severity.ERROR)
                for beat in alive.values()
                for name, value in beat.counters.items()
                if name.startswith("quarantined:") and value
            ),
        ]

    def _verdicts(self, now_ns: int) -> None:
        """Bring the verdicts in force to what the healer wants."""
        for beat in self._outside.beats.values():
            if beat.service == "arbiter" and beat.state == "leading":
                now = in_force(beat.counters)
                if not self._known.adopted:
                    self._known.healer.adopt(now, time.monotonic_ns())
                shard = beat.counters.get("shard", 0)
                if self._known.adopted and 0 <= shard < self._shards:
                    self._hands.say(shard, self._orders.down, sorted(now), now_ns)
        self._known.adopted = self._known.adopted or bool(self._outside.beats)

    def _look_at_clocks(self) -> None:
        self._server, beats = read_server(self._log, self._data), read_beats(self._log)
        now_ns = time.time_ns()
        for finding in self._known.clocks.look(beats, now_ns, server=self._server.offset):
            self._logger.warning("clock", subject=finding.subject, change=finding.change,
                                 **finding.detail)  # fmt: skip
            severity = Severity.INFO if finding.change == RIGHT else Severity.WARNING
            body = {"change": finding.change, **finding.detail}
            self._teller.event(EventKind.CLOCK, finding.subject, body, severity=severity)

    def _report(self, tails: list[Tail]) -> None:
        known, now_ns = self._known, self._known.clock.now_ns()
        self._figures.measure(known.watch.facts, self._outside, now_ns)
        evidence = known.ranking.look(
            self._figures.counts, known.watch.facts.sources, known.connections.restarts, now_ns
        )
        judged = Judged(
            now_ns=now_ns,
            monitor=self._instance,
            horizon_days=horizon_days(known.watch.facts.hours.calendar, known.watch.market_ns),
            evidence=evidence,
            restarts=dict(known.connections.restarts),
            down=self._orders.down,
            unwanted=self._unwanted,
            log_age_ns=known.shards.log_age_ns,
            accepted_per_s=self._figures.accepted_per_s,
            latency_ms=self._figures.latency_ms(),
            findings=known.ledger.findings(),
        )
        report, said = build_report(known.watch, self._outside, judged), self._own_counters()
        self._log.save_health(encode_health(report))
        self._day(report)
        self._log.beat(self._instance, beat_payload("monitor", self._instance, WATCHING, said))
        self._measured.show(report, WATCHING, said)
        for shard, tail in enumerate(tails):
            self._log.set_cursor(shard, RAW, reader=self._instance, cursor=tail.cursor)
        known.habits.due(known.watch.facts, self._logger)
        self._outage.back()

    def _day(self, report: HealthReport) -> None:
        book, watch = self._known.book, self._known.watch
        book.beats(self._outside.beats)
        book.tally.ticks(self._figures.fresh_ms, self._figures.unconfirmed)
        while watch.taken:
            shard, at_ns, silence_ns = watch.taken.popleft()
            book.tally.taken(shard, at_ns, silence_ns / MS_NS)
        for over in book.look(report, watch.facts.hours.calendar, watch.facts.products):
            self._teller.day(over)

    def _own_counters(self) -> dict[str, int]:
        facts, watch = self._known.watch.facts, self._known.watch
        return {
            "contracts": len(facts.contracts),
            "findings": len(self._known.ledger.findings()),
            "findings_dropped": self._known.ledger.dropped,
            "undecodable": facts.undecodable,
            "strangers": facts.strangers,
            "unknown_symbols": facts.unknown,
            "refused_controls": watch.refused,
            **self._known.book.counters(),
            **self._outage.counters(),
            **self._alerting(),
        }

    def _say_back(self) -> None:
        """The log was away: nobody could be told then."""
        known, now_ns = self._known, self._known.clock.now_ns()
        since_ns, known.away_since_ns = known.away_since_ns, 0
        if since_ns:
            facts = {"away_ms": (now_ns - since_ns) // MS_NS}
            for said in known.ledger.look(
                [Problem("server_away", "", Severity.ERROR, facts)], now_ns
            ):
                self._teller.finding(said)
