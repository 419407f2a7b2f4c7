"""Facts become findings once per change."""

from __future__ import annotations

from mdhub_monitor.rules.services import (
    BEAT_LIMIT_NS,
    BeatFact,
    Finding,
    Now,
    ServiceWatch,
)

SECOND_NS = 1_000_000_000
START_NS = 1_700_000_000 * SECOND_NS


def beat(ts_ns: int, *, pid: int = 1, state: str = "running") -> BeatFact:
    return BeatFact("ingest", pid, ts_ns, state, {})


def look(watch: ServiceWatch, fact: BeatFact, now_ns: int) -> list[Finding]:
    return watch.look({"ingest:A": fact}, at(now_ns))


def at(now_ns: int) -> Now:
    """The clock that does not step began earlier."""
    return Now(now_ns, now_ns - START_NS // 2)


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
    found = watch.look(beats, at(START_NS + 60 * SECOND_NS))
    assert [(finding.subject, finding.change) for finding in found] == [("a", "down"), ("b", "up")]


def test_silence_while_the_log_was_away_is_no_sign() -> None:
    """Nobody could say that he lives; who says nothing afterwards either is down."""
    watch = ServiceWatch()
    fact = beat(START_NS)
    assert changes(watch, fact, START_NS) == ["up"]
    watch.excuse(at(START_NS + 10 * SECOND_NS).monotonic_ns)
    assert changes(watch, fact, START_NS + 11 * SECOND_NS) == []
    assert changes(watch, fact, START_NS + 14 * SECOND_NS) == ["down"]


def test_a_service_whose_clock_is_wrong_lives() -> None:
    """Its heartbeats come, whatever time stands in them; silence is measured from the last one."""
    watch = ServiceWatch()
    assert changes(watch, beat(START_NS), START_NS) == ["up"]
    for step_s in range(1, 6):
        stepped_ns = START_NS + (step_s + (-60 if step_s % 2 else 60)) * SECOND_NS
        assert changes(watch, beat(stepped_ns), START_NS + step_s * SECOND_NS) == []
    assert changes(watch, beat(stepped_ns), START_NS + 8 * SECOND_NS) == []
    assert changes(watch, beat(stepped_ns), START_NS + 9 * SECOND_NS) == ["down"]


def test_a_step_of_the_monitors_own_clock_is_no_silence() -> None:
    """Ages are measured by a clock that does not step."""
    watch = ServiceWatch()
    assert changes(watch, beat(START_NS), START_NS) == ["up"]
    stepped = Now(START_NS + 60 * SECOND_NS, at(START_NS + SECOND_NS).monotonic_ns)
    assert watch.look({"ingest:A": beat(START_NS)}, stepped) == []
