"""Log lines, timeline and refused ticks as a browser gets them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from mdhub_console.identity.model import Role
from mdhub_console.parts import Parts
from tests.support.console import Console, client_of
from tests.support.console_records import CORRELATION, records_parts

FORBIDDEN = re.compile(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=")
ROW = re.compile(r'href="(/rejected/0/[0-9-]+)"')


@pytest.fixture(scope="module")
def parts() -> Parts:
    """A hub with rows; nothing here changes it."""
    return records_parts()


@pytest.fixture
def client(parts: Parts) -> Iterator[Console]:
    with client_of(parts, Role.VIEWER) as opened:
        yield opened


@pytest.mark.parametrize("path", ["/logs?level=error", "/timeline", "/rejected", "tick"])
def test_pages_with_rows_speak_both_languages(client: Console, path: str) -> None:
    """Rows and all; nothing inline."""
    if path == "tick":
        path = ROW.findall(client.get("/rejected").text)[0]
    for language, word in (("en", "Timeline"), ("zh", "时间线")):
        client.cookies.set("mdhub-language", language)
        text = client.get(path).text
        assert word in text
        assert FORBIDDEN.findall(text) == []
    for english in ("Timeline", "Warnings", "Because of", "Per minute", "Why "):
        assert english not in text


def test_the_page_of_lines_asks_the_stream_for_what_is_chosen(client: Console) -> None:
    """The address is the filter: level, services and text go to the stream as they are."""
    text = client.get("/logs?level=error&service=ingest:CTP-B&text=child").text
    assert (
        'data-stream="recent=0&amp;level=error&amp;service=ingest%3ACTP-B&amp;text=child"' in text
    )
    matches = re.findall(r"(\d+) of 240 lines match", text)
    counted = client.get("/api/logs/counts?level=error&service=ingest:CTP-B&text=child").json()
    assert matches == [str(counted["matches"])] != ["0"]
    assert client.get("/logs?level=loud").status_code == 400
    assert client.get("/logs?at=nonsense").status_code == 400


def test_counts_agree_with_the_lines(client: Console) -> None:
    """As many matches as the API has lines; levels and services add up."""
    counted = client.get("/api/logs/counts?level=warning").json()
    rows = client.get("/api/logs?level=warning&limit=1000").json()["rows"]
    assert counted["matches"] == len(rows) == sum(counted["services"].values())
    assert sum(counted["levels"].values()) == counted["held"] == 240


def test_a_permalink_opens_without_a_stream_of_lines(client: Console) -> None:
    """Lines around one stand still."""
    text = client.get("/logs?at=1795142922500-0").text
    assert 'data-topics="connection"' in text
    assert 'data-line="1795142922500-0"' in text


def test_cause_and_consequence_are_links(client: Console) -> None:
    """From the answer to the order, from the order to its answer and to its log lines."""
    text = client.get("/timeline").text
    assert f'href="#order-{CORRELATION}"' in text
    assert f'href="/logs?text={CORRELATION}"' in text
    failovers = client.get("/timeline?kind=failover").text
    assert failovers.count('class="when"') == 2
    assert "epoch=</span>3" in failovers
    assert 'aria-current="true"' in failovers


def test_marks_of_the_overview_lead_to_the_timeline(client: Console) -> None:
    """Each mark is a link to its event, and the event is there."""
    ids = re.findall(r'href="/timeline#([0-9-]+)"', client.get("/").text)
    assert ids
    shown = client.get("/timeline").text
    assert [each for each in ids if f'id="{each}"' not in shown] == []


def test_refused_ticks_are_found_by_reason_source_and_contract(client: Console) -> None:
    """Filters hold together; pages join."""
    first = client.get("/rejected").text
    (older,) = re.findall(r'href="(/rejected\?before=[0-9-]+)"', first)
    second = client.get(older).text
    assert len({*ROW.findall(first)} | {*ROW.findall(second)}) == 100
    chosen = client.get("/rejected?reason=late&source=CTP-B&symbol=RB2701").text
    assert len(ROW.findall(chosen)) > 5
    assert "crossed_book</td>" not in chosen
    assert ROW.findall(client.get("/rejected?symbol=cu2701").text) == []


def test_a_refused_tick_that_is_gone_is_said_so(client: Console) -> None:
    """404 with words; nonsense is no id."""
    answer = client.get("/rejected/0/1-1")
    assert answer.status_code == 404
    assert client.get("/rejected/0/nonsense").status_code == 400
