"""Messages on their way: order, limits, retries with an end, bounded queues."""

from itertools import pairwise
from random import Random

import pytest

from mdhub.health.alerts import Message
from mdhub_monitor.alerts.post import GIVE_UP_S, MAX_WAITING, PENALTY_S, Fate, Outcome, Post

OK = Outcome(ok=True, took_ms=3)
NO = Outcome(ok=False, problem="no")


def message(number: int, severity: str = "warning") -> Message:
    return Message(id=f"m{number}", ts_ns=number, severity=severity)


def post(**kinds: str) -> Post:
    return Post(kinds or {"ops": "json"}, Random(1))


def sent(there: Post, channel: str, now_s: float) -> list[str]:
    """Send all that may be sent now; return their ids."""
    found = []
    while due := dict(there.due(now_s)):
        found.append(due[channel].id)
        there.done(channel, OK, now_s)
    return found


@pytest.mark.parametrize(
    ("kind", "a_second", "a_minute"),
    [("dingtalk", 18, 18), ("wecombot", 18, 18), ("feishu", 4, 90), ("mailto", 60, 60)],
)
def test_robots_are_not_overrun(kind: str, a_second: int, a_minute: int) -> None:
    """Below what each allows; what is too much waits and comes later, in order."""
    there = post(ops=kind)
    for number in range(95):
        there.put(message(number), 0.0)

    first = sent(there, "ops", 0.0)
    minute = first + [i for tenth in range(1, 590) for i in sent(there, "ops", tenth / 10)]
    assert len(first) == a_second
    assert len(minute) == a_minute
    later = [i for tenth in range(590, 4_000) for i in sent(there, "ops", tenth / 10)]
    assert minute + later == [f"m{number}" for number in range(95)]


def test_a_channel_that_refuses_is_tried_again_with_growing_pauses_and_an_end() -> None:
    """One event when it begins to fail, one when it is given up; then the next has its turn."""
    there = post()
    there.put(message(1), 0.0)
    there.put(message(2), 0.0)
    now_s = 0.0
    tries: list[float] = []
    fates: list[Fate] = []
    while not fates or fates[-1].change != "gave_up":
        now_s += 0.5
        for _ in there.due(now_s):
            tries.append(now_s)
            fates += [fate for fate in [there.done("ops", NO, now_s)] if fate]

    assert [fate.change for fate in fates] == ["failing", "gave_up"]
    pauses = [b - a for a, b in pairwise(tries)]
    assert pauses[0] <= 2.5
    assert max(pauses) <= 120.5
    assert GIVE_UP_S < tries[-1] < GIVE_UP_S + 121
    (_, following) = there.due(now_s + 121)[0]
    assert following.id == "m2"
    (facts,) = there.facts()
    assert (facts.failed, facts.lost, facts.problem) == (len(tries), 1, "no")


def test_a_robot_that_says_too_much_is_left_alone() -> None:
    """For ten minutes, as DingTalk wants it."""
    there = post(ops="dingtalk")
    there.put(message(1), 0.0)
    there.due(0.0)
    there.done("ops", NO._replace(throttled=True), 0.0)

    assert there.due(PENALTY_S - 1) == []
    assert len(there.due(PENALTY_S)) == 1


def test_a_channel_that_hangs_holds_up_no_other() -> None:
    """It is named once, and nothing else is given to it."""
    there = post(ops="json", boss="mailto")
    for number in range(3):
        there.put(message(number), 0.0)
    assert {name for name, _ in there.due(0.0)} == {"ops", "boss"}
    there.done("boss", OK, 0.1)
    assert [name for name, _ in there.due(0.2)] == ["boss"]
    there.done("boss", OK, 0.3)

    assert there.hanging(29.0) == []
    assert [(fate.channel, fate.change) for fate in there.hanging(31.0)] == [("ops", "hangs")]
    assert there.hanging(32.0) == []


def test_the_queue_is_bounded_and_errors_stay_longest() -> None:
    """Each message that is dropped is named; what is in flight stays."""
    there = post()
    there.put(message(0), 0.0)
    there.due(0.0)
    for number in range(1, 11):
        there.put(message(number, "error"), 0.0)
    fates = [f for n in range(11, 11 + MAX_WAITING) for f in there.put(message(n), 0.0)]

    assert [fate.change for fate in fates] == ["dropped"] * 11
    assert [fate.message.id for fate in fates] == [f"m{n}" for n in range(11, 22)]
    assert there.facts()[0].waiting == MAX_WAITING
    done = there.done("ops", OK, 1.0)
    assert done is not None
    assert done.message.id == "m0"


def test_a_restart_goes_on_with_what_was_not_sent() -> None:
    """Per channel; a test and a channel that is gone are left out."""
    before = post(ops="json", boss="mailto")
    before.put(message(1), 0.0)
    before.put(message(2), 0.0, once=True)
    due = dict(before.due(0.0))
    assert set(due) == {"ops", "boss"}
    before.done("boss", OK, 0.0)

    after = post(ops="json", new="json")
    after.adopt(before.parcels(), 0.0)
    assert [(name, found.id) for name, found in after.due(0.0)] == [("ops", "m1")]


def test_a_test_is_tried_once_and_at_once() -> None:
    """Also while the channel pauses after a failure."""
    there = post()
    there.put(message(1), 0.0)
    there.due(0.0)
    there.done("ops", NO, 0.0)
    there.put(message(2), 0.1, once=True)

    assert [found.id for _, found in there.due(0.1)] == ["m2"]
    fate = there.done("ops", NO, 0.2)
    assert fate is not None
    assert fate.change == "gave_up"
