"""What people are told, and when."""

import pytest

from mdhub.health.alerts import Silence
from mdhub.health.model import HealthReport
from mdhub.health.words import PAGES
from mdhub_monitor.alerts.causes import CAUSES
from mdhub_monitor.alerts.policy import MAX_ALERTS, MAX_ITEMS, Policy
from mdhub_monitor.alerts.settings import AlertSettings, Quiet
from tests.unit.monitor.alerts.builders import START_NS, S, Told, finding


def test_what_begins_together_is_one_message() -> None:
    """Three findings within the merge window, one message, the gravest first."""
    told = Told()
    told.began("disk_space:", "warning")
    told.wait(1)
    told.began("clock_offset:server", "warning")
    told.began("shard_unled:0")

    assert told.wait(10) == [
        [("new", "shard_unled:0"), ("new", "disk_space:"), ("new", "clock_offset:server")]
    ]
    assert told.messages[0].severity == "error"


def test_an_alert_is_told_once_and_resolved_once() -> None:
    """Whatever is said of it meanwhile."""
    told = Told()
    told.began("source_silent:A")
    first = told.wait(5)
    for _ in range(20):
        told.began("source_silent:A")
        assert told.wait(1) == []
    told.ended("source_silent:A")
    told.ended("source_silent:A")

    assert first == [[("new", "source_silent:A")]]
    assert told.wait(10) == [[("resolved", "source_silent:A")]]
    assert told.messages[-1].severity == "info"
    assert told.wait(10_000) == []


def test_a_flap_is_no_news() -> None:
    """What ends and comes back within the merge window has never ended."""
    told = Told()
    told.began("source_silent:A")
    told.wait(5)
    told.ended("source_silent:A")
    told.wait(1)
    told.began("source_silent:A")

    assert told.wait(60) == []


def test_a_short_error_is_told_although_it_is_over() -> None:
    """Nobody has to act, but somebody wants to know; a short warning is passed over."""
    told = Told()
    told.began("slow_clients:")
    told.began("source_lagging:A", "warning")
    told.wait(1)
    told.ended("slow_clients:")
    told.ended("source_lagging:A")

    assert told.wait(10) == [[("over", "slow_clients:")]]
    assert told.policy.counters["alerts_passed_over"] == 1


def test_children_are_folded_into_their_cause() -> None:
    """All silent is one alert that names the sources, which are not told apart."""
    told = Told()
    told.began("source_silent:A")
    told.began("source_silent:B")
    told.wait(1)
    told.began("all_sources_silent:")

    assert told.wait(60) == [[("new", "all_sources_silent:")]]
    assert told.messages[0].items[0].also == ["source_silent:A", "source_silent:B"]
    for key in ("all_sources_silent:", "source_silent:A", "source_silent:B"):
        told.ended(key)
    assert told.wait(60) == [[("resolved", "all_sources_silent:")]]


def test_a_child_that_outlasts_its_cause_is_told() -> None:
    """After a moment of grace; one that ends with its cause is not."""
    told = Told()
    told.began("server_away:")
    told.began("service_down:arbiter:A")
    told.began("service_down:publisher:A")
    told.wait(20)
    told.ended("server_away:")
    told.wait(2)
    told.ended("service_down:publisher:A")

    assert told.wait(60) == [[("resolved", "server_away:")], [("new", "service_down:arbiter:A")]]


def test_a_light_cause_does_not_hide_a_grave_child() -> None:
    """An error is never folded into a warning."""
    told = Told()
    told.began("source_silent:A", "warning")
    told.began("source_frozen:A")

    assert told.wait(5) == [[("new", "source_frozen:A"), ("new", "source_silent:A")]]


def test_causes_have_no_circles() -> None:
    """And they are rules that exist."""
    rules = {child: {rule for rule, _ in causes} for child, causes in CAUSES.items()}
    assert set(rules) | {rule for causes in rules.values() for rule in causes} <= set(PAGES)

    def above(rule: str) -> set[str]:
        return {far for near in rules.get(rule, set()) for far in {near} | above(near)}

    assert [rule for rule in rules if rule in above(rule)] == []


def test_what_lasts_is_repeated_with_growing_pauses() -> None:
    """At 30 min, then 1 h later, then 2 h; acknowledged: no more, but its end is told."""
    told = Told()
    told.began("disk_space:")
    told.wait(5)
    again = [("again", "disk_space:")]

    assert told.wait(1_790, step_s=10) == []
    assert told.wait(20, step_s=10) == [again]
    assert told.wait(3_580, step_s=10) == []
    assert told.wait(30, step_s=10) == [again]
    assert told.policy.acknowledge("disk_*", by="ops", now_ns=told.now_ns) == ["disk_space:"]
    assert told.wait(100_000, step_s=60) == []
    told.ended("disk_space:")
    assert told.wait(5) == [[("resolved", "disk_space:")]]


def test_a_worse_alert_is_told_again() -> None:
    """A warning that becomes an error needs somebody now, acknowledged or not."""
    told = Told()
    told.began("server_memory:", "warning")
    told.wait(5)
    told.policy.acknowledge("*", by="ops", now_ns=told.now_ns)
    told.began("server_memory:", "error")

    assert told.wait(60) == [[("worse", "server_memory:")]]
    assert told.policy.book().alerts[0].acked_by == ""


def test_below_the_threshold_nobody_is_told() -> None:
    """And by default information is for nobody."""
    told = Told(AlertSettings(severity="error"))
    told.began("source_lagging:A", "warning")
    default = Told()
    default.began("source_lagging:A", "info")

    assert told.wait(60) == default.wait(60) == []


def test_quiet_hours_hold_back_warnings_but_no_errors() -> None:
    """A warning that still lasts in the morning is told then."""
    minute = Quiet().first_min + (START_NS // (60 * S) + 480) % 1_440
    hours = f"{minute // 60:02}:{minute % 60:02}-{(minute // 60 + 1) % 24:02}:{minute % 60:02}"
    told = Told(AlertSettings(quiet=hours))
    told.began("disk_space:", "warning")
    told.began("source_lagging:A", "warning")
    told.began("shard_unled:0")

    assert told.wait(60) == [[("new", "shard_unled:0")]]
    told.ended("source_lagging:A")
    assert told.wait(1_000) == []
    assert ("new", "disk_space:") in [each for m in told.wait(3_600) for each in m]


@pytest.mark.parametrize(
    ("first_min", "end_min", "inside", "outside"),
    [(23 * 60, 7 * 60, (1_380, 0, 419), (420, 1_379)), (60, 120, (60, 119), (59, 120, 0))],
)
def test_quiet_hours_are_of_china_and_may_span_midnight(
    first_min: int, end_min: int, inside: tuple[int, ...], outside: tuple[int, ...]
) -> None:
    """Begin included, end not."""
    quiet = Quiet(first_min, end_min)

    def covers(minute: int) -> bool:
        return quiet.covers((minute - 480 + 1_440 * 20_000) * 60 * S)

    assert all(map(covers, inside))
    assert not any(map(covers, outside))
    assert not Quiet().covers(START_NS)


def test_a_silence_holds_back_until_it_ends() -> None:
    """Also errors; what still lasts then is told. A silenced cause hides nothing else."""
    told = Told()
    until_ns = told.now_ns + 600 * S
    told.policy.silence(Silence(pattern="source_disconnected:*", until_ns=until_ns))
    told.began("source_disconnected:A")
    told.began("source_silent:A")

    assert told.wait(590) == [[("new", "source_silent:A")]]
    assert told.wait(60) == [[("new", "source_disconnected:A")]]
    assert not told.policy.unsilence("source_disconnected:*")


def report(ts_s: float, *keys: str) -> HealthReport:
    return HealthReport(ts_ns=START_NS + int(ts_s * S), findings=[finding(key) for key in keys])


def test_reports_make_good_for_events_that_were_missed() -> None:
    """What a report names has begun, what newer ones lack for some seconds has ended."""
    told = Told()
    told.policy.reconcile(report(0, "slow_clients:"), origin="monitor", now_ns=told.now_ns)
    assert told.wait(5) == [[("new", "slow_clients:")]]
    told.policy.reconcile(report(1), origin="monitor", now_ns=told.now_ns)
    assert told.wait(60) == []
    told.policy.reconcile(report(60), origin="monitor", now_ns=told.now_ns)
    assert told.wait(5) == [[("resolved", "slow_clients:")]]


def test_an_old_report_brings_nothing_back() -> None:
    """One written before the end still names what has ended; nor do reports end what others found.

    A word of the same finding that was said before its end is no news either.
    """
    told = Told()
    told.began("slow_clients:")
    told.began("checklist_failed:day", origin="ingest")
    told.wait(5)
    told.ended("slow_clients:")
    told.policy.reconcile(report(4, "slow_clients:"), origin="monitor", now_ns=told.now_ns)
    assert told.wait(5) == [[("resolved", "slow_clients:")]]
    told.policy.reconcile(report(5, "slow_clients:"), origin="monitor", now_ns=told.now_ns)
    told.policy.reconcile(report(30), origin="monitor", now_ns=told.now_ns)
    assert told.wait(60) == []


def test_a_restart_sends_nothing_twice_and_forgets_nothing() -> None:
    """What was told, acknowledged or silenced before stays so; what was not yet told is told."""
    before = Told()
    before.began("disk_space:")
    before.wait(5)
    before.policy.acknowledge("*", by="ops", now_ns=before.now_ns)
    before.policy.silence(Silence(pattern="slow_clients:*", until_ns=before.now_ns + 3_600 * S))
    before.began("shard_unled:0")

    after = Told()
    after.policy.adopt(before.policy.book())
    after.now_s = before.now_s
    after.began("disk_space:")
    after.began("slow_clients:")
    assert after.wait(1_000) == [[("new", "shard_unled:0")]]
    after.ended("disk_space:")
    assert after.wait(5) == [[("resolved", "disk_space:")]]


def test_nothing_grows_without_bound() -> None:
    """A flood fills the book, then warnings make room for errors; messages are bounded too."""
    policy = Policy(AlertSettings())
    for number in range(MAX_ALERTS + 10):
        warning = finding(f"contract_silent:{number}", "warning")
        policy.began(warning, origin="monitor", said_ns=START_NS, now_ns=START_NS)
    error = finding("shard_unled:0")
    policy.began(error, origin="monitor", said_ns=START_NS, now_ns=START_NS)

    assert len(policy.book().alerts) == MAX_ALERTS
    assert policy.counters["alerts_overflow"] == 11
    message = policy.flush(START_NS + 5 * S)
    assert message is not None
    assert len(message.items) == MAX_ITEMS
    assert message.items[0].finding.key == "shard_unled:0"


def test_a_strange_severity_counts_as_a_warning() -> None:
    """Somebody newer may know more of them."""
    told = Told()
    told.began("slow_clients:", "catastrophe")
    assert told.wait(5) == [[("new", "slow_clients:")]]
    assert told.messages[0].severity == "warning"
