"""GET /events as a browser sees it: a real server on loopback, many tabs, slow ones."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import structlog

from mdhub.health.model import HealthReport, encode_health
from mdhub.streams.memory import MemoryServer
from mdhub.streams.topology import EVENTS, LOGS
from mdhub.wire.codec import encode
from mdhub.wire.ops import Command, Event, LogLine
from mdhub_console.live.service import Live
from mdhub_console.live.view import Bounds
from mdhub_console.parts import Parts
from tests.support.console import client_of, make_parts
from tests.support.console_server import Reader, Served, served
from tests.support.wait import until

TABS = 200


class Hub:
    """A log in memory that lines and events are put into."""

    def __init__(self, **live: Any) -> None:
        self.server = MemoryServer()
        self.log = self.server.log("arbiter")
        self.live = Live(lambda: self.server.log("console"), logger=structlog.get_logger(), **live)
        self.parts: Parts = make_parts(self.server, live=self.live)

    def say(self, first: int, last: int, *, level: str = "info", text: str = "x") -> None:
        for number in range(first, last + 1):
            fields = {"n": number, "text": text}
            self.log.append(
                LOGS, encode(LogLine(1, time.time_ns(), level, "arbiter", "said", "", fields))
            )

    def happens(self, subject: str) -> None:
        event = Event(1, "i", time.time_ns(), "x", "leadership", subject, "info", "", {})
        self.log.append(EVENTS, encode(event))

    def held(self, rows: int) -> Callable[[], bool]:
        window = self.live.view.windows["logs"]
        return lambda: window.newest >= rows


@pytest.fixture
def hub() -> Hub:
    return Hub()


def gather(reader: Reader, enough: Callable[[list[int], int], bool]) -> tuple[list[int], int]:
    """Numbers of the lines that came, and how many were skipped."""
    got: list[int] = []
    skipped = 0
    while not enough(got, skipped):
        data = reader.next("logs")
        got += [row["fields"]["n"] for row in data["rows"]]
        skipped += data["skipped"]
    return got, skipped


def opened(console: Served, query: str, **how: Any) -> Reader:
    reader = Reader(console.open(query, **how))
    assert reader.status() == 200
    return reader


def test_one_stream_carries_all_topics(hub: Hub) -> None:
    """States at once, rows from the newest on, and what comes later."""
    hub.log.save_health(encode_health(HealthReport(ts_ns=time.time_ns(), monitor="m")))
    hub.say(1, 5)
    with served(hub.parts) as console:
        until(hub.held(5), "the first fill")
        reader = opened(console, "topics=status,health,logs,events&recent=3")
        assert reader.next("status")["verdict"] == "ok"
        assert reader.next("health")["report"]["monitor"] == "m"
        assert gather(reader, lambda got, _: len(got) == 3)[0] == [3, 4, 5]
        hub.happens("s")
        assert reader.next("events")["rows"][0]["subject"] == "s"
        reader.close()


def test_a_browser_that_comes_back_has_no_hole(hub: Hub) -> None:
    """The last id resumes every stream, also in another console that was started since."""
    hub.say(1, 10)
    with served(hub.parts) as console:
        until(hub.held(10), "the first fill")
        reader = opened(console, "topics=logs,events&recent=2")
        assert gather(reader, lambda got, _: 10 in got)[0] == [9, 10]
        last_id = reader.id
        reader.close()
    hub.say(11, 300)
    hub.happens("meanwhile")
    live = Live(lambda: hub.server.log("console"), logger=structlog.get_logger())
    with served(make_parts(hub.server, live=live)) as console:
        until(lambda: len(live.view.windows["logs"]) == 300, "the first fill")
        reader = opened(console, "topics=logs,events", last_id=last_id)
        got, skipped = gather(reader, lambda got, _: 300 in got)
        assert (got, skipped) == (list(range(11, 301)), 0)
        reader.close()


def test_news_right_after_news_is_shown_too(hub: Hub) -> None:
    """A state that changes within the quarter second of the last one is sent when that is over."""
    with served(hub.parts) as running:
        reader = Reader(running.open("topics=commands"))
        assert reader.status() == 200
        reader.next("commands")
        for number in range(8):  # some of them fall between two renewals
            order = Command(1, f"c-{number}", time.time_ns(), "x", "y", "z", {}, time.time_ns())
            hub.live.view.take_commands([order])
            until_shown = f"c-{number}"
            while reader.next("commands")[0]["id"] != until_shown:
                pass
        reader.close()


def test_lines_are_filtered_before_they_are_sent(hub: Hub) -> None:
    """Level, text in any case, service."""
    with served(hub.parts) as console:
        reader = opened(console, "topics=logs&level=warning&text=FRONT&service=arbiter")
        hub.say(1, 20, level="info", text="front")
        hub.say(21, 22, level="error", text="Front lost")
        hub.say(23, 24, level="error", text="other")
        hub.say(25, 25, level="warning", text="front back")
        assert gather(reader, lambda got, _: 25 in got)[0] == [21, 22, 25]
        reader.close()


def test_a_slow_browser_skips_and_is_told_so() -> None:
    """What waits for it is bounded by its connection, however much comes meanwhile."""
    hub = Hub(bounds=Bounds(logs=2_000))
    with served(hub.parts) as console:
        slow = Reader(console.open("topics=logs&recent=0", receive_buffer=4_096))
        quick = opened(console, "topics=logs&recent=0")
        until(lambda: hub.live.streams.tabs == 2, "both tabs")
        for start in range(1, 30_001, 1_000):
            hub.say(start, start + 999, text="y" * 500)
            gather(quick, lambda got, _, end=start + 999: end in got)  # type: ignore[misc]
            assert console.backlog() < 4 * 1024 * 1024
        assert slow.status() == 200
        got, skipped = gather(slow, lambda got, _: 30_000 in got)
        assert skipped > 0
        assert len(got) + skipped == 30_000
        assert got == sorted(set(got))
        slow.close()
        quick.close()


def test_two_hundred_tabs_are_served_and_no_more() -> None:
    """Each gets what happens; one more is told to come later; who leaves makes room."""
    hub = Hub(most_tabs=TABS)
    with served(hub.parts) as console:
        readers = [opened(console, "topics=events&recent=0") for _ in range(TABS)]
        until(lambda: hub.live.streams.tabs == TABS, "all tabs")
        hub.happens("seen by all")
        for reader in readers:
            assert reader.next("events")["rows"][0]["subject"] == "seen by all"
        refused = Reader(console.open("topics=events"))
        assert refused.status() == 503
        assert hub.live.streams.refused == 1
        readers.pop().close()
        until(lambda: hub.live.streams.tabs == TABS - 1, "room")
        readers.append(opened(console, "topics=events"))
        for each in [*readers, refused]:
            each.close()


def test_streams_end_when_the_console_does(hub: Hub) -> None:
    """A tab holds up no shutdown."""
    with served(hub.parts) as console:
        reader = opened(console, "topics=status")
        reader.next("status")
    with pytest.raises((EOFError, ConnectionError)):
        reader.next("nothing")
    reader.close()


@pytest.mark.parametrize(
    ("query", "last_id"),
    [("topics=", ""), ("topics=ticks", ""), ("level=loud", ""), ("topics=logs", "logs=1-x")],
)
def test_a_wrong_parameter_is_refused(hub: Hub, query: str, last_id: str) -> None:
    """Before a stream begins, as a problem."""
    with client_of(hub.parts) as client:
        answer = client.get(f"/events?{query}", headers={"Last-Event-ID": last_id})
    assert answer.status_code == 400
    assert answer.json()["type"] == "mdhub:bad-parameter"
