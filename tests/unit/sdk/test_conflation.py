"""What is left out for a strategy that does not keep up, and what never is."""

from __future__ import annotations

from random import Random

from mdhub.sdk.causes import WINDOW_NS, Causes
from mdhub.sdk.conflation import Conflation
from mdhub.sdk.events import Cause, Gap, Message, Outcome, Stall
from mdhub.sdk.lane import Lane, Output
from mdhub.wire.live import LiveHeader

STALL = Stall(0, stalled=True, cause="log")


def tick(n: int, name: str, kind: bytes = b"tick.") -> Message:
    return Message(kind + name.encode(), LiveHeader(1, 0, 1, n, n, f"{n}-0", 0, 0, 0), b"", name)


def drained(waiting: Conflation[Stall]) -> list[tuple[Message | Stall, int]]:
    found: list[tuple[Message | Stall, int]] = []
    while (taken := waiting.take()) is not None:
        found.append(taken)
    return found


def test_only_the_newest_tick_of_an_instrument_waits() -> None:
    """It says how many it stands for; what was fetched is not counted again."""
    waiting = Conflation[Stall]()
    waiting.add([tick(1, "a.X"), tick(2, "b.X"), tick(3, "a.X"), tick(4, "a.X")])
    assert len(waiting) == 2
    assert drained(waiting) == [(tick(2, "b.X"), 0), (tick(4, "a.X"), 2)]
    waiting.add([tick(5, "a.X")])
    assert drained(waiting) == [(tick(5, "a.X"), 0)]
    assert not waiting


def test_markers_and_news_are_never_left_out() -> None:
    """They keep their place before the ticks that came behind them."""
    mark = tick(2, "a.X", b"quality.")
    waiting = Conflation[Stall]()
    waiting.add([tick(1, "a.X"), mark, STALL, mark, tick(5, "a.X")])
    assert [event for event, _ in drained(waiting)] == [mark, STALL, mark, tick(5, "a.X")]


def test_what_is_delivered_and_what_is_counted_is_all_there_was() -> None:
    """At whatever pace it is fetched, order per instrument and the sum stay right."""
    seed = 7
    random = Random(seed)
    waiting = Conflation[Stall]()
    got: list[tuple[int, str, int]] = []
    for n in range(1, 5_001):
        waiting.add([tick(n, random.choice("abcdef") + ".X")])
        if random.random() < 0.3:
            taken = waiting.take()
            assert taken is not None
            event, skipped = taken
            assert isinstance(event, Message)
            got.append((event.header.n or 0, event.name, skipped))
    rest = [(e.header.n or 0, e.name, s) for e, s in drained(waiting) if isinstance(e, Message)]
    assert len(rest) <= 6
    numbers = [n for n, _, _ in got + rest]
    assert numbers == sorted(numbers), f"seed {seed}"
    assert len(numbers) + sum(skipped for _, _, skipped in got + rest) == 5_000, f"seed {seed}"


def test_a_gap_is_laid_to_the_strongest_fact_seen_around_it() -> None:
    """A restarted publisher is also a lost connection; what is long past explains nothing."""
    causes = Causes()
    assert causes.of(0) is Cause.UNKNOWN
    causes.saw(Cause.NETWORK, 10 * WINDOW_NS)
    assert causes.of(10 * WINDOW_NS) is Cause.NETWORK
    assert causes.of(11 * WINDOW_NS + 1) is Cause.UNKNOWN
    causes.saw(Cause.SLOW_READER, 10 * WINDOW_NS)
    assert causes.of(10 * WINDOW_NS) is Cause.SLOW_READER
    causes.saw(Cause.PUBLISHER, 10 * WINDOW_NS + 5)
    assert causes.of(10 * WINDOW_NS) is Cause.PUBLISHER
    causes.saw(Cause.EPOCH, 10 * WINDOW_NS + 9)
    assert causes.of(10 * WINDOW_NS) is Cause.EPOCH


def test_a_hundred_thousand_holes_are_given_up_at_once() -> None:
    """Work is in proportion to what waits: every second message of a burst may be missing."""
    lane = Lane(shard=0, name="", last=0, floor_n=0, causes=Causes())
    out: list[Output] = []
    for n in range(2, 200_001, 2):
        lane.offer(n, tick(n, ""), out, complete=False)
    lane.give_up(Outcome.OVERFLOW, 1, out)
    gaps = [each for each in out if isinstance(each, Gap)]
    assert len(gaps) == 100_000
    assert {gap.size for gap in gaps} == {1}
    assert lane.last == 200_000
