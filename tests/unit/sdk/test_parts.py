"""The smaller parts of the SDK."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from mdhub.sdk.connection import Endpoint, parse_endpoint
from mdhub.sdk.errors import PatternError
from mdhub.sdk.events import Cause, EpochChange, Gap, Message, Outcome, Position, Stall
from mdhub.sdk.hub import Hub
from mdhub.sdk.plan import plan
from mdhub.sdk.stall import StallWatch
from mdhub.sdk.tracker import Limits, Tracker
from mdhub.wire.live import LiveHeader
from mdhub.wire.topics import Selection, instrument_matcher

S = 1_000_000_000


def message(n: int, *, k: int | None = None, epoch: int = 1, name: str = "a.X") -> Message:
    return Message(b"tick.X.a.", LiveHeader(1, 0, epoch, n, k, f"{n}-0", 0, 0, 0), b"", name)


def test_a_stall_is_told_once_and_so_is_its_end() -> None:
    """Only a log time that moves counts, whichever publisher tells of it."""
    watch = StallWatch(0, 0)
    assert watch.heard(5, 0) is None
    assert watch.judge(S) is None
    assert watch.heard(5, S) is None
    assert watch.judge(S + 1) == Stall(0, stalled=True, cause="log")
    assert watch.judge(9 * S) is None
    assert watch.heard(4, 9 * S) is None
    assert watch.heard(6, 9 * S) == Stall(0, stalled=False, cause="")


def test_silence_is_told_from_a_log_that_stands_still() -> None:
    """No heartbeat at all is another fault than heartbeats without progress."""
    watch = StallWatch(0, 0)
    assert watch.judge(2 * S) == Stall(0, stalled=True, cause="silent")


def test_a_busy_strategy_is_no_stall() -> None:
    """Time in which nobody listened does not count."""
    watch = StallWatch(0, 0)
    watch.excuse(5 * S)
    assert watch.judge(5 * S + 1) is None


def test_heartbeats_are_subscribed_last() -> None:
    """The first heartbeat shows that the other filters are in force."""
    wanted = plan(("rb2610.SHFE", "IF*.CFFEX", "rb2610.SHFE"), "live")
    assert wanted.patterns == ("rb2610.SHFE", "IF*.CFFEX")
    assert wanted.prefixes[:2] == (b"tick.SHFE.rb2610.", b"quality.SHFE.rb2610.")
    assert wanted.prefixes[-2:] == (b"epoch.", b"hb.")
    assert plan((), "snapshot").everything
    with pytest.raises(PatternError):
        plan(("rb2610",), "live")
    with pytest.raises(PatternError, match="at most 64"):
        plan(("x" * 70 + ".SHFE",), "live")
    with pytest.raises(ValueError, match="expected 'live'"):
        plan((), "yesterday")
    with pytest.raises(ValueError, match="without a time zone"):
        plan((), datetime(2026, 11, 23, 9))  # noqa: DTZ001 - that is what is refused
    with pytest.raises(ValueError, match="two positions of shard 0"):
        plan((), [Position(0, 1, n=3), Position(0, 1, n=4)])
    with pytest.raises(ValueError, match="expected a Position with an n"):
        plan((), Position(0, 1, k=3))
    with pytest.raises(ValueError, match=r"shards \[0\], expected one for each of \[0, 1\]"):
        plan((), (1, 7)).check_shards([0, 1])


def test_a_start_is_a_time_or_a_position_of_each_shard() -> None:
    """Times are exact to the microsecond; a tuple is a position of the only shard."""
    assert plan((), datetime(2026, 11, 23, 1, 0, 0, 5, tzinfo=UTC)).begin == 1795395600000005000
    assert plan((), (6, 7)).begin_of(0) == (6, 7)
    both = plan((), [Position(0, 1, n=3), Position(1, 2, n=4)])
    assert (both.begin_of(0), both.begin_of(1)) == ((1, 3), (2, 4))


def test_endpoints_know_their_request_port() -> None:
    """Requests go one port above; IPv6 is spelled in brackets."""
    assert parse_endpoint("tcp://hub:5555").requests == "tcp://hub:5556"
    assert parse_endpoint("tcp://[::1]:5555") == Endpoint("[::1]", 5555)


@pytest.mark.parametrize("name", ["a.X", "ab.X", "b.Y", "a[1].X", "AB.X", ""])
def test_a_selection_is_the_matcher_in_parts(name: str) -> None:
    """Sets and single patterns name the same instruments as one regular expression."""
    for patterns in (["a.X"], ["a*.X", "b.Y"], ["a[[]1].X"], ["?.?", "[!a]*"], ["*"], []):
        expected = bool(instrument_matcher(patterns).match(name))
        selection = Selection(patterns)
        assert selection.matches(name) is expected
        assert selection.matches(name) is expected


def test_a_hole_that_nobody_fills_is_given_up_with_its_range() -> None:
    """Only time in which a publisher is reachable counts; then what waits is delivered."""
    tracker = Tracker(everything=True, limits=Limits(patience_ns=5 * S))
    tracker.join(0, epoch=1, n=10)
    tracker.offer(message(14), now_ns=0)
    want = tracker.wanted(0)
    assert want is not None
    assert (want.after_n, want.patterns) == (10, ("*",))
    tracker.failed(want, now_ns=0)
    tracker.tick(now_ns=60 * S, reachable=False)
    tracker.tick(now_ns=64 * S, reachable=True)
    assert tracker.take() == []
    tracker.tick(now_ns=66 * S, reachable=True)
    gap, late = tracker.take()
    assert isinstance(gap, Gap)
    assert (gap.start.n, gap.end.n, gap.outcome, gap.recovered) == (11, 13, "timeout", False)
    assert late == message(14)


def test_too_many_waiting_messages_end_a_hole() -> None:
    """Memory is bounded: the hole is reported as overflow and the stream goes on."""
    tracker = Tracker(everything=True, limits=Limits(waiting=3))
    tracker.join(0, epoch=1, n=1)
    for n in range(3, 12):
        tracker.offer(message(n), now_ns=0)
    out = tracker.take()
    assert isinstance(out[0], Gap)
    assert out[0].outcome == "overflow"
    assert out[1:] == [message(n) for n in range(3, 12)]


def test_an_epoch_that_the_hub_cannot_connect_to_ours_is_a_gap() -> None:
    """If our epoch is not in the hub's list, what lies between is not known, and said."""
    tracker = Tracker(everything=False)
    tracker.join(0, epoch=1, n=100, known=[("a.X", 7)], known_n=100)
    tracker.offer(message(400, k=9, epoch=5), now_ns=0)
    assert tracker.new_epoch(0)
    assert tracker.epochs(0, [(4, 200), (5, 300)], now_ns=0)
    (gap,) = tracker.take()
    assert isinstance(gap, Gap)
    assert (gap.start.n, gap.end.n, gap.cause) == (101, 300, "epoch")
    assert not tracker.new_epoch(0)


def test_an_instrument_behind_a_cut_is_read_anew() -> None:
    """Its k as of the cut is not known, so the first entry behind it comes from replay."""
    tracker = Tracker(everything=False)
    tracker.join(0, epoch=1, n=100, known=[("a.X", 7)], known_n=100)
    tracker.offer(message(110, k=8), now_ns=0)
    tracker.take()
    tracker.offer(message(107, k=8, epoch=2), now_ns=0)
    assert tracker.epochs(0, [(1, 0), (2, 105)], now_ns=0)
    assert tracker.take() == [EpochChange(0, 1, 2, 105, 110)]
    tracker.offer(message(108, k=9, epoch=2), now_ns=0)
    want = tracker.wanted(0)
    assert want is not None
    assert want.after_n == 105
    tracker.offer(message(107, k=8, epoch=2), now_ns=0, want=want)
    assert [m.header.n for m in tracker.take() if isinstance(m, Message)] == [107, 108]


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A hub that never spoke to anybody."""
    with Hub(("tcp://127.0.0.1:1",), timeout_s=0.1, repair_timeout_s=1) as hub:
        yield hub


EVENTS: dict[str, Gap | EpochChange | Stall] = {
    "gap": Gap(Position(0, 1, 3), Position(0, 1, 5), Cause.NETWORK, Outcome.TIMEOUT),
    "epoch": EpochChange(0, 1, 2, 105, 110),
    "stall": Stall(0, stalled=True, cause="log"),
    "end": Stall(0, stalled=False, cause=""),
}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gap", "shard 0 n 3 to 5: timeout; cause: network"),
        ("epoch", "epoch 2 follows 1"),
        ("stall", "stands still"),
        ("end", "moves again"),
    ],
)
def test_loss_is_never_silent(
    hub: Hub, caplog: pytest.LogCaptureFixture, name: str, words: str
) -> None:
    """Who set no callback reads one warning of the logger `mdhub`."""
    hub._tell(EVENTS[name])
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("mdhub", "WARNING")
    assert words in record.getMessage()


def test_a_callback_replaces_the_warning(hub: Hub, caplog: pytest.LogCaptureFixture) -> None:
    """And a gap that was filled is no warning at all."""
    hub._tell(Gap(Position(0, 1, 3), Position(0, 1, 5), Cause.NETWORK, Outcome.RECOVERED))
    told: list[object] = []
    hub.on_gap = lambda *gap: told.append(gap)
    hub.on_epoch = hub.on_stall = told.append
    for event in EVENTS.values():
        hub._tell(event)
    assert (len(told), caplog.records) == (4, [])
