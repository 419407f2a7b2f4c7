"""The page of log lines in a real Chromium: it keeps up, pauses, filters, has permalinks."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Page, sync_playwright

from mdhub.streams.memory import MemoryServer
from mdhub.streams.topology import LOGS
from mdhub.wire.codec import encode
from mdhub.wire.ops import LEVELS, LogLine
from mdhub_console.identity.cookies import PLAIN
from mdhub_console.identity.model import Role
from tests.support.console import make_parts
from tests.support.console_server import served

CHROMIUM: Final = os.environ.get("CHROMIUM", "/usr/bin/chromium")
MOST_ROWS: Final = 2_000
ROW: Final = ".rows-row:not([hidden])"

pytestmark = [
    pytest.mark.process,
    pytest.mark.timeout(120),
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"no Chromium at {CHROMIUM}"),
]


class Scribe:
    """Writes lines, numbered; each fourth an error."""

    def __init__(self) -> None:
        self.server = MemoryServer()
        self._log = self.server.log("arbiter")
        self.written = 0

    def write(self, count: int) -> None:
        for number in range(self.written, self.written + count):
            correlation = "c-order" if number % 100 == 0 else ""
            line = LogLine(1, time.time_ns(), LEVELS[number % 4], f"ingest:{'AB'[number % 2]}",
                           "said", correlation, {"number": f"<{number}>"})  # fmt: skip
            self._log.append(LOGS, encode(line))
        self.written += count


@pytest.fixture
def scribe() -> Scribe:
    found = Scribe()
    found.write(3_000)
    return found


@pytest.fixture
def page(scribe: Scribe) -> Iterator[Page]:
    parts = make_parts(scribe.server)
    member = parts.identity.people.named(Role.VIEWER.word)
    assert member is not None
    secret = parts.identity.open_session(member.user)
    with served(parts) as console, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context(base_url=f"http://127.0.0.1:{console.port}")
        context.add_cookies([{"name": PLAIN, "value": secret, "domain": "127.0.0.1", "path": "/"}])
        opened = context.new_page()
        opened.set_default_timeout(30_000)
        said: list[str] = []
        opened.on("pageerror", lambda error: said.append(str(error)))
        yield opened
        browser.close()
        assert said == []


def shows(page: Page, text: str) -> None:
    """Wait until a row in sight holds a text."""
    page.locator(ROW, has_text=text).first.wait_for()


def counts(page: Page, text: str) -> None:
    """Wait until the count says so."""
    page.locator("#lines-count", has_text=text).wait_for()


def test_lines_come_pause_wait_and_go_on(page: Page, scribe: Scribe) -> None:
    """What comes is followed; while paused it waits and is counted; then it is all there."""
    page.goto("/logs")
    shows(page, "<2999>")
    counts(page, "3,000 lines")
    scribe.write(2_000)
    shows(page, "<4999>")
    counts(page, "5,000 lines")
    page.keyboard.press("Space")
    scribe.write(312)
    page.locator("#lines-new", has_text="312 new").wait_for()
    shows(page, "<4999>")
    page.click("#lines-new")
    shows(page, "<5311>")
    assert page.locator(".rows-row").count() <= MOST_ROWS


def test_who_scrolls_up_stays_where_he_reads(page: Page, scribe: Scribe) -> None:
    """New lines are counted and move nothing; Follow goes back to them."""
    page.goto("/logs")
    shows(page, "<2999>")
    page.focus("#lines")
    page.keyboard.press("Home")
    shows(page, "<2000>")
    page.locator("#lines-follow[aria-pressed=false]").wait_for()
    chosen = page.locator("[aria-selected=true]").inner_text()
    scribe.write(50)
    page.locator("#lines-new", has_text="50 new").wait_for()
    assert page.locator("[aria-selected=true]").inner_text() == chosen
    page.click("#lines-follow")
    shows(page, "<3049>")


def test_filters_are_the_address_and_hold_for_what_comes(page: Page, scribe: Scribe) -> None:
    """Level, service, text; each with its count; the link opens the same."""
    page.goto("/logs")
    page.click("a[data-value=error]")
    counts(page, "750 of 3,000 lines match")
    page.click("a[data-value='ingest:A']")
    counts(page, "0 of 3,000 lines match")
    page.click("a[data-value='ingest:A']")
    page.fill("input[name=text]", "<29")
    counts(page, "28 of 3,000 lines match")
    scribe.write(4)
    page.fill("input[name=text]", "")
    counts(page, "751 of 3,004 lines match")
    scribe.write(400)
    counts(page, "851 of")
    page.goto(page.url)
    counts(page, "851 of 3,404 lines match")


def test_a_line_has_an_address_and_its_correlation(page: Page) -> None:
    """Opened by keyboard; the permalink shows it among its neighbours, chosen."""
    page.goto("/logs?text=c-order")
    counts(page, "30 of 3,000 lines match")
    page.focus("#lines")
    page.keyboard.press("Home")
    page.locator("[aria-selected=true]", has_text="<0>").wait_for()
    page.keyboard.press("Enter")
    page.locator("#line-fields", has_text="<0>").wait_for()
    assert page.inner_text("#line-fields").split() == ["number", "<0>"]
    assert page.get_attribute("#line-context", "href") == "/logs?text=c-order"
    link = page.get_attribute("#line-link", "href")
    assert link is not None
    page.goto(link)
    shows(page, "<1>")
    assert "<0>" in page.inner_text(".rows-row.at")


def test_what_is_shown_can_be_taken_along(page: Page) -> None:
    """One JSON object a line, oldest first."""
    page.goto("/logs?level=error")
    counts(page, "750 of")
    shows(page, "<2999>")
    with page.expect_download() as begun:
        page.click("#lines-download")
    lines = [json.loads(line) for line in Path(begun.value.path()).read_text("utf-8").splitlines()]
    assert [line["fields"]["number"] for line in lines] == [f"<{n}>" for n in range(3, 3_000, 4)]
