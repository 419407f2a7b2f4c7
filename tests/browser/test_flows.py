"""What operators do, in a real browser, on a real hub with simulated sources."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from mdhub.host.ports import free_port_pair
from tests.process.test_up import MDHUB, Running, hub
from tests.support.browser import Tab, new_context
from tests.support.wait import until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(180),
    pytest.mark.xdist_group("flows"),
]

expect.set_options(timeout=30_000)
NAME, PASSWORD = "ops", "nine horses in the rain"
LINK = re.compile(r"http://127\.0\.0\.1:\d+(/setup\?token=\S+)")


@dataclass
class House:
    """A hub, its console, and the cookies of the operator who was set up in it."""

    running: Running
    url: str
    way_in: str
    """Path of the one-time link."""
    cookies: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def tab(
        self, browser: Browser, path: str, *, known: bool = True, but: str = "nothing"
    ) -> Iterator[Page]:
        """A tab on a page; when it is closed, its browser has complained of nothing `but` this."""
        cookies = {"mdhub-language": "en", **(self.cookies if known else {})}
        context = new_context(browser, self.url, cookies)
        try:
            tab = Tab(context, self.url)
            tab.open(path)
            yield tab.page
            self.cookies = {
                each["name"]: each["value"]
                for each in context.cookies()
                if each["name"].startswith("mdhub") and each["name"] != "mdhub-language"
            }
            assert [line for line in tab.said if but not in line] == []
            assert tab.foreign == []
        finally:
            context.close()


@pytest.fixture(scope="module")
def house(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Begun after the browser: without one nothing else is started."""
    folder, port = tmp_path_factory.mktemp("house"), free_port_pair()
    with hub(folder / "hub") as running, _console(folder, port) as said:
        until(lambda: LINK.search(said.read_text("utf-8")), "the link of the first user")
        found = LINK.search(said.read_text("utf-8"))
        assert found is not None
        made = House(running, f"http://127.0.0.1:{port}", found[1])
        _set_up(browser, made)
        yield made


@contextmanager
def _console(folder: Path, port: int) -> Iterator[Path]:
    said = folder / "said"
    where = f"unix://{(folder / 'hub').resolve() / 'redis.sock'}"
    command = [*MDHUB, "run", "console", "--bind", f"127.0.0.1:{port}"]
    with said.open("w", encoding="utf-8") as lines:
        process = subprocess.Popen(
            [*command, "--data", str(folder / "console")],
            stderr=lines, env={**os.environ, "MDHUB_REDIS_URL": where},
        )  # fmt: skip
    try:
        yield said
    finally:
        process.terminate()
        process.wait(10)


def _set_up(browser: Browser, house: House) -> None:
    """The first user comes in by the one-time link and is at the overview."""
    until(lambda: house.running.log.health() is not None, "the first health report")
    with house.tab(browser, house.way_in) as page:
        page.get_by_label("Name").fill(NAME)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Create the first admin").click()
        expect(page.locator(".verdict h1")).to_be_visible()


def _state(page: Page, source: str, state: str) -> None:
    row = page.locator("tr", has=page.get_by_role("link", name=source, exact=True))
    expect(row).to_have_attribute("data-state", state)


def test_the_one_time_link_is_good_once(house: House, browser: Browser) -> None:
    """Who opens it again is sent to the login."""
    with house.tab(browser, house.way_in, known=False) as page:
        expect(page).to_have_url(re.compile("/login$"))
    house.cookies = {}


def test_one_logs_in_and_sees_how_the_hub_is(house: House, browser: Browser) -> None:
    """Name and password lead to where one wanted to go; a wrong password is told in words."""
    with house.tab(browser, "/login?next=/sources", known=False, but="status of 401") as page:
        page.get_by_label("Name").fill(NAME)
        page.get_by_label("Password").fill("not " + PASSWORD)
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("alert")).to_be_visible()
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        _state(page, "A", "live")
        _state(page, "B", "live")
        page.keyboard.press("g")
        page.keyboard.press("o")
        expect(page.locator(".verdict h1")).to_be_visible()


def test_a_source_that_hangs_turns_red_and_comes_back(house: House, browser: Browser) -> None:
    """Without a reload: its row says silent, and live when the supervisor has replaced it."""
    with house.tab(browser, "/sources") as page:
        _state(page, "A", "live")
        pid = house.running.pid("ingest:A")
        os.kill(pid, signal.SIGSTOP)
        try:
            _state(page, "A", "silent")
            expect(page.locator("tr.down")).to_have_count(1)
        finally:
            with suppress(ProcessLookupError):  # the supervisor may have been faster
                os.kill(pid, signal.SIGKILL)
        _state(page, "A", "live")
        expect(page.locator("tr.down")).to_have_count(0)
        house.running.wait_replaced("ingest:A", pid)


def test_a_source_is_restarted_from_its_page(house: House, browser: Browser) -> None:
    """The dialog says what will happen; nothing is sent when it is left; then the outcome shows."""
    with house.tab(browser, "/sources/B") as page:
        pid = house.running.pid("ingest:B")
        page.get_by_role("button", name="Restart").click()
        dialog = page.get_by_role("dialog")
        expect(dialog.locator(".consequences li").first).to_be_visible()
        dialog.get_by_role("button", name="Cancel").click()
        expect(page.locator("#order-life")).to_be_empty()
        page.get_by_role("button", name="Restart").click()
        dialog.get_by_label("Why").fill("a test")
        dialog.get_by_role("button", name="Restart").click()
        expect(page.locator("#order-life")).to_contain_text("Restart: Done")
        house.running.wait_replaced("ingest:B", pid)
        expect(page.locator("#standing")).to_have_attribute("data-state", "live")
        expect(page.locator(".life", has_text=f"by {NAME}").first).to_be_visible()


def test_a_source_is_muted_and_unmuted(house: House, browser: Browser) -> None:
    """Its page says muted and why as soon as the hub does; then the way back is offered."""
    with house.tab(browser, "/sources/B") as page:
        _order(page, "Mute", reason="odd prices")
        expect(page.locator("#standing")).to_have_attribute("data-state", "muted")
        _order(page, "Unmute")
        expect(page.locator("#standing")).to_have_attribute("data-state", "live")


def _order(page: Page, action: str, *, reason: str = "") -> None:
    page.get_by_role("group").get_by_role("button", name=action, exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Why").fill(reason)
    dialog.get_by_role("button", name=action, exact=True).click()
    expect(page.locator("#order-life")).to_contain_text(f"{action}: Done")


def test_the_language_is_switched_and_remembered(house: House, browser: Browser) -> None:
    """The same page in Chinese, the next one too, and back."""
    with house.tab(browser, "/sources") as page:
        page.get_by_role("button", name="中").click()
        expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
        expect(page).to_have_url(re.compile("/sources$"))
        page.get_by_role("link", name="A", exact=True).click()
        expect(page.get_by_role("button", name="强制重启").first).to_be_visible()
        page.get_by_role("button", name="EN").click()
        expect(page.locator("html")).to_have_attribute("lang", "en")
