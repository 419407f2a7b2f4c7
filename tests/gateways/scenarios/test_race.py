"""Two futures accounts and one for stock options race; one dies under load; nothing is lost."""

from __future__ import annotations

from collections import defaultdict

import pytest

from tests.gateways.front.front import Front
from tests.gateways.front.market import etf_option, option
from tests.gateways.scenarios.feed import Feed, Generated
from tests.gateways.scenarios.following import MORNING, strategy
from tests.gateways.scenarios.hub import NewHub, RunningHub, Source

pytestmark = [pytest.mark.gateways, pytest.mark.process, pytest.mark.timeout(120)]

FUTURES = 900
ETFS = 100
"""1,000 contracts, two snapshots a second each: 2,000 ticks/s, 3,800 with the second account."""
MOST_SLOTS = 90


def wait_slots(running: RunningHub, feed: Feed, more: int) -> None:
    """Let the market go on for so many half seconds."""
    wanted = feed.slots + more
    running.wait(lambda: feed.slots >= wanted, f"{more} more slots", 30)


@pytest.mark.usefixtures("newest")
def test_an_account_killed_under_load_is_not_noticed(hub: NewHub) -> None:
    """SIGKILL at 2,000 ticks/s: the strategy gets everything the exchange made, once, in order."""
    futures = [
        option(f"rb2701{'CP'[n % 2]}{2000 + 10 * (n // 2)}", "SHFE", "rb2701")
        for n in range(FUTURES)
    ]
    etfs = [etf_option(f"1000{n:04}") for n in range(ETFS)]
    with Front(futures) as first, Front(futures) as second, Front(etfs) as third:
        sources = (
            Source(name="CTP1", front=first),
            Source(name="CTP2", front=second),
            Source(name="SOPT1", front=third, type="sopt"),
        )
        running = hub(*sources)
        running.market(MORNING)
        running.ready(*sources)
        feed = Feed(MORNING, slots=MOST_SLOTS)
        feed.list([first, second], futures, price=3012.0)
        feed.list([third], etfs, price=0.1234)
        with strategy(running) as follower, feed:
            wait_slots(running, feed, 4)
            before = running.kill("CTP1")
            running.wait_replaced("CTP1", before)
            running.ready(sources[0])
            wait_slots(running, feed, 4)
            feed.end()
            running.wait(
                lambda: len(follower.got) >= len(feed.sent), "the rest at the strategy", 30
            )
            got = [(d.tick.symbol, d.tick.ts_ns, d.tick.volume or 0) for d in follower.got]
            assert follower.gaps == []
        assert len(got) == len(set(got)), "doubled"
        assert set(feed.sent) - set(got) == set(), "lost"
        assert set(got) - set(feed.sent) == set(), "false"
        assert by_symbol(got) == by_symbol(feed.sent), "out of order"
        sessions = {tick.session for tick in running.raw("CTP1")}
        assert len(sessions) == 2, "the replaced process delivered too"


def by_symbol(ticks: list[Generated]) -> dict[str, list[Generated]]:
    """Sort by contract, keeping the order."""
    found: dict[str, list[Generated]] = defaultdict(list)
    for tick in ticks:
        found[tick[0]].append(tick)
    return dict(found)
