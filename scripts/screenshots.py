"""Photograph the console's pages over made-up scenes: both languages, both themes, two widths.

    python -m scripts.screenshots build/shots              # everything
    python -m scripts.screenshots build/shots --only overview --width 390

Needs a Chromium (CHROMIUM names it, else /usr/bin/chromium) and fonts with Chinese in them.
"""

from __future__ import annotations

import argparse
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Final

import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright

from mdhub.health.model import HealthReport
from mdhub_console.factory import make_app
from mdhub_console.identity.cookies import PLAIN
from tests.support.console import make_parts
from tests.support.console_scene import fine, live_of, troubled

PAGES: Final[dict[str, tuple[str, HealthReport | None]]] = {
    "overview": ("/", fine()),
    "overview-trouble": ("/", troubled()),
    "overview-empty": ("/", None),
    "sources": ("/sources", troubled()),
    "source": ("/sources/CTP-B", troubled()),
    "source-ask": ("/sources/CTP-A", fine()),
    "login": ("/login", None),
}
WIDTHS: Final = {1440: 900, 390: 844}
NO_STREAM: Final = """window.EventSource = class {
  constructor() { setTimeout(() => this.onopen?.()); } addEventListener() {} close() {} };"""
"""A scene stands still: its stream is open and says nothing."""


def main() -> None:
    """Take the pictures."""
    options = _options()
    options.folder.mkdir(parents=True, exist_ok=True)
    chromium = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name in options.only or PAGES:
            with _served(PAGES[name][1]) as (url, secret):
                _photograph(browser, f"{url}{PAGES[name][0]}", name, secret, options)
        browser.close()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Photograph the console's pages.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", action="append", choices=list(PAGES))
    parser.add_argument("--width", type=int, action="append", choices=list(WIDTHS))
    parser.add_argument("--language", action="append", choices=["en", "zh"])
    parser.add_argument("--theme", action="append", choices=["dark", "light"])
    return parser.parse_args()


@contextmanager
def _served(report: HealthReport | None) -> Iterator[tuple[str, str]]:
    parts = make_parts(live=live_of(report))
    member = parts.identity.people.named("operator")
    if member is None:
        raise SystemExit("the identity of tests has no operator")
    secret = parts.identity.open_session(member.user)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        server = uvicorn.Server(uvicorn.Config(make_app(parts), log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", secret
        finally:
            server.should_exit = True
            thread.join()


def _photograph(
    browser: Browser, address: str, name: str, secret: str, options: argparse.Namespace
) -> None:
    looks = product(
        options.width or WIDTHS,
        options.language or ("en", "zh"),
        options.theme or ("dark", "light"),
    )
    host = address.split("/")[2].partition(":")[0]
    for width, language, theme in looks:
        context = browser.new_context(viewport={"width": width, "height": WIDTHS[width]})
        wanted = {"mdhub-language": language, "mdhub-theme": theme}
        if name != "login":
            wanted[PLAIN] = secret
        context.add_cookies(
            [{"name": k, "value": v, "domain": host, "path": "/"} for k, v in wanted.items()]
        )
        context.add_init_script(NO_STREAM)
        page = context.new_page()
        said: list[str] = []
        _listen(page, said)
        page.goto(address)
        page.wait_for_load_state("networkidle")
        page.evaluate("document.fonts.ready")
        if name.endswith("-ask"):
            page.click("[data-dialog=ask-restart]")
        file = options.folder / f"{name}-{width}-{language}-{theme}.png"
        page.screenshot(path=file, full_page=not name.endswith("-ask"))
        wide = page.evaluate("document.documentElement.scrollWidth")
        print(file.name, f"{wide} px wide!" if wide > width else "", *said)
        context.close()


def _listen(page: Page, said: list[str]) -> None:
    page.on("console", lambda line: said.append(line.text))
    page.on("pageerror", lambda error: said.append(str(error)))


if __name__ == "__main__":
    main()
