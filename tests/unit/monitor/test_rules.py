"""Facts become findings once per change."""

from __future__ import annotations

from mdhub_monitor.rules import BEAT_LIMIT_NS, BeatFact, Finding, ServiceWatch, SourceRates

SECOND_NS = 1_000_000_000
START_NS = 1_700_000_000 * SECOND_NS


def beat(ts_ns: int, *, pid: int = 1, state: str = "running") -> BeatFact:
    return BeatFact("ingest", pid, ts_ns, state, {})


def look(watch: ServiceWatch, fact: BeatFact, now_ns: int) -> list[Finding]:
    return watch.look({"ingest:A": fact}, now_ns)


def changes(watch: ServiceWatch, fact: BeatFact, now_ns: int) -> list[str]:
    """Look twice: a finding is made once."""
    found = look(watch, fact, now_ns)
    assert look(watch, fact, now_ns) == []
    return [finding.change for finding in found]


def test_a_new_service_is_up() -> None:
    """The first heartbeat of an instance is a finding."""
    watch = ServiceWatch()
    assert look(watch, beat(START_NS), START_NS) == [Finding("ingest:A", "up", {"pid": 1})]
    assert changes(watch, beat(START_NS + SECOND_NS), START_NS + SECOND_NS) == []


def test_silence_is_down_and_the_next_beat_is_up() -> None:
    """Down after more than three seconds, up with the next heartbeat, each once."""
    watch = ServiceWatch()
    look(watch, beat(START_NS), START_NS)
    assert changes(watch, beat(START_NS), START_NS + BEAT_LIMIT_NS) == []
    (down,) = look(watch, beat(START_NS), START_NS + BEAT_LIMIT_NS + 1_000_000)
    assert down == Finding("ingest:A", "down", {"pid": 1, "silent_ms": 3_001})
    assert changes(watch, beat(START_NS), START_NS + 9 * BEAT_LIMIT_NS) == []
    assert changes(watch, beat(START_NS + 60 * SECOND_NS), START_NS + 60 * SECOND_NS) == ["up"]


def test_a_new_process_is_a_restart() -> None:
    """Quick restarts are named, with both pids; slow ones are down and up."""
    watch = ServiceWatch()
    look(watch, beat(START_NS), START_NS)
    found = look(watch, beat(START_NS + SECOND_NS, pid=2), START_NS + SECOND_NS)
    assert found == [Finding("ingest:A", "restarted", {"pid": 2, "before": 1})]

    later_ns = START_NS + 60 * SECOND_NS
    assert changes(watch, beat(START_NS + SECOND_NS, pid=2), later_ns) == ["down"]
    assert changes(watch, beat(later_ns, pid=3), later_ns) == ["up"]


def test_work_that_ended_is_not_down() -> None:
    """A source whose recording is over is silent for good; its next start is up again."""
    watch = ServiceWatch()
    look(watch, beat(START_NS), START_NS)
    ended = beat(START_NS + SECOND_NS, state="ended")
    for passed_ns in (SECOND_NS, BEAT_LIMIT_NS * 10):
        assert changes(watch, ended, START_NS + passed_ns) == []
    later_ns = START_NS + BEAT_LIMIT_NS * 11
    assert changes(watch, beat(later_ns, pid=2), later_ns) == ["up"]


def test_work_that_ended_before_is_no_finding() -> None:
    """A monitor that starts later does not call it up."""
    assert changes(ServiceWatch(), beat(START_NS, state="ended"), START_NS) == []


def test_instances_are_watched_one_by_one() -> None:
    """The silence of one says nothing of another."""
    watch = ServiceWatch()
    beats = {"a": beat(START_NS), "b": beat(START_NS + 60 * SECOND_NS)}
    found = watch.look(beats, START_NS + 60 * SECOND_NS)
    assert [(finding.subject, finding.change) for finding in found] == [("a", "down"), ("b", "up")]


def counted(rates: SourceRates, **ticks: int) -> SourceRates:
    for source, amount in ticks.items():
        for _ in range(amount):
            rates.count(source)
    return rates


def test_rates_are_ticks_per_second_since_the_last_look() -> None:
    """Each source on its own; the first look only starts the clock."""
    rates = counted(SourceRates(), A=5)
    assert rates.take(START_NS) == {}
    counted(rates, A=30, B=10)
    assert rates.take(START_NS + 2 * SECOND_NS) == {"A": 15.0, "B": 5.0}


def test_a_silent_source_shows_zero() -> None:
    """Silence is a rate, not an absence."""
    rates = SourceRates()
    rates.take(START_NS)
    counted(rates, A=1)
    rates.take(START_NS + SECOND_NS)
    assert rates.take(START_NS + 2 * SECOND_NS) == {"A": 0.0}


def test_two_looks_at_once_give_no_rate() -> None:
    """No division by nothing."""
    rates = SourceRates()
    rates.take(START_NS)
    counted(rates, A=4)
    assert rates.take(START_NS) == {}


def test_silence_while_the_log_was_away_is_no_sign() -> None:
    """Nobody could say that he lives; who says nothing afterwards either is down."""
    watch = ServiceWatch()
    beat = BeatFact("arbiter", 1, 10 * SECOND_NS, "leading", {})
    assert [finding.change for finding in watch.look({"a": beat}, 10 * SECOND_NS)] == ["up"]
    watch.excuse(20 * SECOND_NS)
    assert watch.look({"a": beat}, 21 * SECOND_NS) == []
    assert [finding.change for finding in watch.look({"a": beat}, 24 * SECOND_NS)] == ["down"]


def test_sources_with_impossible_names_are_counted_together() -> None:
    """What a stranger calls himself takes no memory; neither do ten thousand strangers."""
    rates = SourceRates()
    rates.take(1)
    for name in ("A", "", "x" * 33, "a\nb", *map(str, range(10_000))):
        rates.count(name)
    found = rates.take(1 + SECOND_NS)
    assert len(found) <= 257
    assert found["A"] == 1.0
    assert sum(found.values()) == 10_004
