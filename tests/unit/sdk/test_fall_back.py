"""An epoch that was cut off, and after which an earlier one came: the hub is believed."""

from __future__ import annotations

from mdhub.sdk.events import EpochChange, Message
from mdhub.sdk.tracker import BEHIND_NS, Tracker
from mdhub.wire.live import LiveHeader

MS = 1_000_000


def tick(n: int, epoch: int) -> Message:
    header = LiveHeader(1, 0, epoch, n, n, f"{n}-0", 0, 0, 0)
    return Message(b"tick.X.a.", header, b"%d" % epoch, "a.X")


def tracker_in_epoch_9() -> Tracker:
    """It saw epoch 5 up to n 4, and epoch 9 behind n 2, which is cut off now."""
    tracker = Tracker(everything=True)
    tracker.join(0, epoch=5, n=0)
    for n in range(1, 5):
        tracker.offer(tick(n, 5), now_ns=n)
    tracker.heard(0, epoch=9, n=3, now_ns=10)
    assert tracker.epochs(0, [(5, 0), (9, 2)], now_ns=11)
    tracker.offer(tick(3, 9), now_ns=12)
    tracker.take()
    return tracker


def test_an_earlier_epoch_that_lasts_is_asked_about_and_gone_back_to() -> None:
    """What is withdrawn is what came behind the parting of both histories."""
    tracker = tracker_in_epoch_9()
    for at_ns in (100, 100 + BEHIND_NS, 101 + BEHIND_NS):
        assert not tracker.new_epoch(0)
        tracker.heard(0, epoch=7, n=4, now_ns=at_ns)
    assert tracker.new_epoch(0)

    assert tracker.epochs(0, [(5, 0), (7, 3)], now_ns=0)
    tracker.offer(tick(3, 7), now_ns=1)

    change, message = tracker.take()
    assert isinstance(change, EpochChange)
    assert (change.epoch, change.resume_after_n, change.withdrawn_to_n) == (7, 2, 3)
    assert isinstance(message, Message)
    assert message.payload == b"7"
    assert not tracker.new_epoch(0)


def test_a_publisher_left_behind_or_not_well_moves_nobody() -> None:
    """One that is in our epoch says that it stands; one that holds says nothing."""
    tracker = tracker_in_epoch_9()
    for i in range(100):
        tracker.heard(0, epoch=7, n=4, now_ns=100 + i * BEHIND_NS, well=i % 2 == 0)
        tracker.heard(0, epoch=9, n=3, now_ns=101 + i * BEHIND_NS)
    assert not tracker.new_epoch(0)
    for i in range(100):
        tracker.heard(0, epoch=7, n=4, now_ns=i * BEHIND_NS, well=False)
    assert not tracker.new_epoch(0)


def test_an_answer_that_knows_our_epoch_changes_nothing() -> None:
    """It was a publisher that had fallen behind."""
    tracker = tracker_in_epoch_9()
    for at_ns in (100, 101 + BEHIND_NS):
        tracker.heard(0, epoch=7, n=4, now_ns=at_ns)
    assert not tracker.epochs(0, [(5, 0), (9, 2)], now_ns=0)
    assert not tracker.new_epoch(0)
    assert tracker.take() == []


def test_entries_of_an_epoch_between_the_parting_and_the_newest_are_taken() -> None:
    """The hub went through two epochs since; a replay brings what the first of them has."""
    tracker = tracker_in_epoch_9()
    for at_ns in (100, 101 + BEHIND_NS):
        tracker.heard(0, epoch=8, n=6, now_ns=at_ns)

    assert tracker.epochs(0, [(5, 0), (7, 4), (8, 6)], now_ns=0)
    for n, epoch in ((3, 5), (4, 5), (5, 7), (6, 7), (7, 8)):
        tracker.offer(tick(n, epoch), now_ns=n)

    _, *messages = tracker.take()
    assert [(m.header.n, m.header.epoch) for m in messages if isinstance(m, Message)] == [
        (3, 5), (4, 5), (5, 7), (6, 7), (7, 8),
    ]  # fmt: skip


def test_a_history_that_is_all_of_ours_but_its_end_withdraws_only_that_end() -> None:
    """The hub has lost its newest epoch and opened none since."""
    tracker = tracker_in_epoch_9()
    for at_ns in (100, 101 + BEHIND_NS):
        tracker.heard(0, epoch=5, n=3, now_ns=at_ns)

    assert tracker.epochs(0, [(5, 0)], now_ns=0)
    tracker.offer(tick(3, 5), now_ns=1)

    change, message = tracker.take()
    assert isinstance(change, EpochChange) and isinstance(message, Message)
    assert (change.epoch, change.resume_after_n, change.withdrawn_to_n) == (5, 2, 3)


def test_a_newer_epoch_that_nobody_is_in_any_more_holds_up_no_repair() -> None:
    """It was heard of, and cut off before the client turned to it."""
    tracker = tracker_in_epoch_9()
    tracker.heard(0, epoch=20, n=9, now_ns=100)
    tracker.heard(0, epoch=9, n=6, now_ns=200)
    assert tracker.new_epoch(0)
    assert tracker.wanted(300) is None

    tracker.heard(0, epoch=9, n=6, now_ns=101 + BEHIND_NS)

    assert not tracker.new_epoch(0)
    want = tracker.wanted(102 + BEHIND_NS)
    assert want is not None
    assert (want.epoch, want.after_n) == (9, 3)
