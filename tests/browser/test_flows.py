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
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from mdhub.accounts.places import URL_VARIABLE
from mdhub.host.ports import free_port_pair
from tests.browser.stage import on_stage
from tests.process.test_up import MDHUB, Running, hub
from tests.support.browser import Tab, new_context
from tests.support.console_scenes import DEMO_TOKEN
from tests.support.wait import until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

expect.set_options(timeout=30_000)
NAME, PASSWORD = "ops", "nine horses in the rain"
SOURCES = (
    "--source", '{"name": "A", "sim": {"seed": 7}}',
    "--source", '{"name": "B", "sim": {"seed": 7}, "misbehave": "corrupt=0.05"}',
)  # fmt: skip
"""B sends ticks that are refused."""
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
            if known:
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
    with pytest.MonkeyPatch.context() as variables:
        variables.setenv(URL_VARIABLE, f"sqlite:///{folder}/accounts.db")
        yield from _begun(browser, folder, port)


def _begun(browser: Browser, folder: Path, port: int) -> Iterator[House]:
    with hub(folder / "hub", *SOURCES) as running, _console(folder, port) as said:
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
        until(lambda: _goes(page, "go", "/"), "the keys to lead to the overview")
        expect(page.locator(".verdict h1")).to_be_visible()


def _goes(page: Page, keys: str, path: str) -> bool:
    """Press keys; on a busy machine they may come too far apart to be a chord."""
    page.keyboard.type(keys)
    page.wait_for_timeout(50)
    return urlsplit(page.url).path == path


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


def test_a_source_whose_process_is_killed_comes_back(house: House, browser: Browser) -> None:
    """Its page says that the process was replaced, counts it, and is live again."""
    with house.tab(browser, "/sources/A") as page:
        restarts = page.locator("dt", has_text="Restarts").locator("xpath=following-sibling::dd")
        before, pid = restarts.inner_text(), house.running.pid("ingest:A")
        os.kill(pid, signal.SIGKILL)
        house.running.wait_replaced("ingest:A", pid)
        expect(restarts).not_to_have_text(before)
        expect(page.locator("#standing")).to_have_attribute("data-state", "live")


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


def test_an_account_is_added_and_its_source_starts(house: House, browser: Browser) -> None:
    """The form names what is wrong beside the field; the new account is live without a restart."""
    with house.tab(browser, "/accounts") as page:
        page.get_by_role("link", name="New account").click()
        page.get_by_role("link", name="Simulated market").click()
        page.get_by_label("Id", exact=False).first.fill("SIM-C")
        page.get_by_label("Seed").fill("seven")
        page.get_by_label("Seed").blur()
        expect(page.locator("[data-problem='settings.seed']")).not_to_be_empty()
        page.get_by_label("Seed").fill("7")
        own = page.get_by_label("Your own password")
        if own.count():  # the login is older than five minutes
            own.fill(PASSWORD)
        page.get_by_role("button", name="Create account").click()
        expect(page).to_have_url(re.compile("/accounts/SIM-C$"))
        expect(page.locator("#account-state")).to_have_attribute("data-state", "sources.state.live")
        page.get_by_role("link", name="Source SIM-C").click()
        expect(page.locator("#standing")).to_have_attribute("data-state", "live")


def test_a_rejected_tick_is_found_and_says_why(house: House, browser: Browser) -> None:
    """By its reason, then the tick: the rule in words, and what it looked at beside the last."""
    with house.tab(browser, "/rejected") as page:
        chip = page.locator(".reasons a.chip").first
        reason = chip.inner_text()
        chip.click()
        expect(page).to_have_url(re.compile(f"reason={reason}"))
        page.locator(".refused tbody a").first.click()
        expect(page).to_have_url(re.compile("/rejected/0/"))
        expect(page.locator(".rule-words")).to_have_text(re.compile(rf"^{reason}\S.{{10,}}"))
        expect(page.locator(".beside")).to_be_visible()


def test_log_lines_are_filtered(house: House, browser: Browser) -> None:
    """By service and by text; the address holds the filter; it is taken away again."""
    with house.tab(browser, "/logs") as page:
        origins = page.locator(".rows-row:not([hidden]) .from")
        foreign = origins.filter(has_not_text="ingest")
        expect(foreign.first).to_be_visible()
        page.locator("a.chip[data-name=service][data-value^=ingest]").first.click()
        expect(page).to_have_url(re.compile("service=ingest"))
        expect(foreign).to_have_count(0)
        expect(origins.first).to_be_visible()
        page.get_by_role("searchbox").fill("no line says this")
        expect(page.locator("#lines-note")).to_contain_text("No line matches")
        page.get_by_role("link", name="Clear filters").click()
        expect(foreign.first).to_be_visible()


def test_the_search_finds_a_contract_and_a_page(house: House, browser: Browser) -> None:
    """`/` opens it anywhere, also where a page has a search of its own; enter goes there."""
    with house.tab(browser, "/instruments") as page:
        name = page.locator("#found tbody a").first.inner_text()
        _search(page, name)
        expect(page).to_have_url(re.compile(f"/instruments/{name}"))
        _search(page, "timeline")
        expect(page).to_have_url(re.compile("/timeline$"))


def _search(page: Page, text: str) -> None:
    # Keys are heard once the scripts of the page have begun.
    expect(page.locator("body")).to_have_attribute("data-link", "live")
    page.keyboard.press("/")
    page.get_by_role("combobox", name="Search").fill(text)
    chosen = page.locator("#search").get_by_role("option", selected=True)
    expect(chosen).to_contain_text(re.compile(text, re.IGNORECASE))
    page.keyboard.press("Enter")


def test_the_demos_link_is_one_button_and_good_once(browser: Browser) -> None:
    """It leads to the overview; whoever opens it again is told what to do."""
    with on_stage("demo") as stage:
        context = new_context(browser, stage.url, {"mdhub-language": "en"})
        tab = Tab(context, stage.url)
        tab.open(f"/demo?token={DEMO_TOKEN}")
        tab.page.get_by_role("button", name="Open the console").click()
        expect(tab.page.locator(".verdict h1")).to_be_visible()
        assert tab.said == []
        assert tab.open(f"/demo?token={DEMO_TOKEN}").status == 403
        expect(tab.page.get_by_text("start the demo again")).to_be_visible()
        context.close()
