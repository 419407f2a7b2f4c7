"""A real browser for tests: where Chromium is, and a tab that writes down what goes wrong in it."""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Page,
    Response,
    sync_playwright,
)

from tests.support.wait import until

__all__ = ["PHONE", "SCREEN", "Tab", "a_browser", "find_chromium", "holds", "new_context"]

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SCREEN: Final = (1440, 900)
PHONE: Final = (390, 844)
WEIGHED: Final = frozenset({"document", "stylesheet", "script", "font", "image"})
PACKED: Final = frozenset({"font", "image"})
"""Kinds that come packed already."""
COUNTERS: Final = """
window.mdhubSeen = { shift: 0, shifts: [], swaps: 0 };
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    if (entry.hadRecentInput) continue;
    mdhubSeen.shift += entry.value;
    for (const source of entry.sources ?? []) {
      const node = source.node?.nodeType === 1 ? source.node : source.node?.parentElement;
      const name = `${node?.tagName} ${node?.className} ${node?.id}`;
      mdhubSeen.shifts.push(`${entry.value.toFixed(4)} ${name}`);
    }
  }
}).observe({ type: "layout-shift", buffered: true });
addEventListener("htmx:afterSwap", () => { mdhubSeen.swaps += 1; });
"""
"""Layout shifts and swaps since the page began, for the tests to ask."""


def find_chromium() -> Path | None:
    """Return the browser that CHROMIUM names, else the first on the PATH."""
    named = os.environ.get("CHROMIUM")
    found = [named] if named else [shutil.which(name) for name in NAMES]
    return next((Path(path) for path in found if path), None)


@contextmanager
def a_browser() -> Iterator[Browser]:
    """Yield a running Chromium; without one the test is skipped and says how to get one."""
    chromium = find_chromium()
    if chromium is None:
        pytest.skip("no Chromium: install it (apt-get install chromium), or name it in CHROMIUM")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


def new_context(
    browser: Browser, url: str, cookies: Mapping[str, str], *, size: tuple[int, int] = SCREEN
) -> BrowserContext:
    """A browser profile of its own, with these cookies of the console at `url`."""
    context = browser.new_context(viewport={"width": size[0], "height": size[1]})
    context.set_default_timeout(20_000)
    context.add_init_script(COUNTERS)
    host = str(urlsplit(url).hostname)
    context.add_cookies(
        [{"name": k, "value": v, "domain": host, "path": "/"} for k, v in cookies.items()]
    )
    return context


def holds(page: Page, condition: str, what: str) -> None:
    """Wait until a JavaScript expression is true.

    Playwright's own `wait_for_function` evaluates within the page, which the console's policy
    forbids, and the policy is under test.
    """

    def is_so() -> bool:
        page.wait_for_timeout(20)  # lets the driver hear what the page says
        return bool(page.evaluate(condition))

    until(is_so, what, timeout_s=15)


class Tab:
    """A tab on one console."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.page: Page = context.new_page()
        self.url = url
        self.said: list[str] = []
        """Errors and warnings of the browser's console, exceptions, requests that failed."""
        self.foreign: list[str] = []
        """Addresses of other hosts that were asked."""
        self._answers: list[Response] = []
        self.page.on("console", self._line)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self._asked(request.url))
        self.page.on("response", self._answered)

    def open(self, path: str) -> Response:
        """Go to a page of the console."""
        answer = self.page.goto(f"{self.url}{path}")
        assert answer is not None
        return answer

    def weight(self) -> dict[str, int]:
        """Bytes by address of what the page was made of, packed as a proxy would."""
        found = {}
        for answer in self._answers:
            kind = answer.request.resource_type
            if kind in WEIGHED and answer.status == 200:
                with suppress(Error):  # a page that was left
                    body = answer.body()
                    size = len(body) if kind in PACKED else len(gzip.compress(body))
                    found[urlsplit(answer.url).path] = size
        return found

    def _line(self, line: ConsoleMessage) -> None:
        if line.type in {"error", "warning"}:
            self.said.append(f"{line.type}: {line.text}")

    def _answered(self, answer: Response) -> None:
        self._answers.append(answer)

    def _asked(self, url: str) -> None:
        if not url.startswith((f"{self.url}/", "data:", "blob:")):
            self.foreign.append(url)
