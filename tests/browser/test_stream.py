"""The stream of a tab comes back from whatever ended it; what is not answered is told."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Locator, Route, expect

from mdhub_console.identity.model import Role
from tests.browser.conftest import Stages
from tests.browser.stage import Stage
from tests.support.browser import Tab, new_context
from tests.support.wait import until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(90), pytest.mark.xdist_group("stream")]


def test_a_refused_stream_is_opened_again(stages: Stages, browser: Browser) -> None:
    """An answer that is no stream ends an EventSource for good; the page tries on, and says so."""
    stage, refusals = stages.of("fine"), 2
    context = new_context(browser, stage.url, stage.cookies(Role.VIEWER))
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) <= refusals:
            route.fulfill(status=503, content_type="application/problem+json", body="{}")
        else:
            route.continue_()

    context.route("**/events?*", refuse)
    try:
        page = Tab(context, stage.url).page
        page.goto(f"{stage.url}/")
        body = page.locator("body")
        expect(body).to_have_attribute("data-link", "lost")
        expect(body).to_have_attribute("data-link", "live", timeout=15_000)
        assert len(asked) == refusals + 1
    finally:
        context.close()


def test_a_part_that_is_not_answered_is_dimmed_until_it_is(
    stages: Stages, browser: Browser
) -> None:
    """The stream still runs: the page says that what it shows is of then, and goes on by itself."""
    stage = stages.of("fine")
    context = new_context(browser, stage.url, stage.cookies(Role.VIEWER))
    try:
        page = Tab(context, stage.url).page
        page.goto(f"{stage.url}/sources")
        body = page.locator("body")
        expect(body).to_have_attribute("data-link", "live")
        page.route("**/sources/live", lambda route: route.fulfill(status=503, body="{}"))
        news_until(stage, body, "old")
        expect(page.locator("#banner")).to_contain_text("Not updated since")
        page.unroute("**/sources/live")
        news_until(stage, body, "live")
        expect(page.locator("#banner")).to_be_hidden()
    finally:
        context.close()


def news_until(stage: Stage, body: Locator, state: str) -> None:
    """News come until the page is in this state: the first may meet a question under way."""

    def is_there() -> bool:
        stage.move()
        return body.get_attribute("data-link") == state

    until(is_there, f"the page to be {state}")
