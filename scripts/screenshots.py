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
from mdhub_console.parts import Parts
from tests.support.console import make_accounts, make_parts
from tests.support.console_accounts import accounts_scene, tested
from tests.support.console_market import Market, scene
from tests.support.console_records import records_parts
from tests.support.console_scene import NOW_NS, fine, live_of, populate, troubled

PAGES: Final[dict[str, tuple[str, HealthReport | None]]] = {
    "overview": ("/", fine()),
    "overview-trouble": ("/", troubled()),
    "overview-empty": ("/", None),
    "sources": ("/sources", troubled()),
    "source": ("/sources/CTP-B", troubled()),
    "source-ask": ("/sources/CTP-A", fine()),
    "alerts": ("/alerts", troubled()),
    "alerts-fine": ("/alerts", fine()),
    "system": ("/system", troubled()),
    "schedule": ("/schedule", troubled()),
    "schedule-empty": ("/schedule", None),
    "users": ("/users", fine()),
    "audit": ("/audit", fine()),
    "profile": ("/profile", fine()),
    "prove": ("/prove", fine()),
    "error": ("/nowhere", fine()),
    "instruments": ("/instruments", fine()),
    "instruments-found": ("/instruments?text=cu2703c&sort=volume", fine()),
    "instrument": ("/instruments/rb2701.SHFE", fine()),
    "instrument-quiet": ("/instruments/IF2703.CFFEX", fine()),
    "replay": (f"/replay?contract=rb2701.SHFE&from={NOW_NS // 10**6 - 60_000}&seconds=60", fine()),
    "replay-start": ("/replay", fine()),
    "accounts": ("/accounts", fine()),
    "accounts-none": ("/accounts", fine()),
    "account": ("/accounts/CTP-B", fine()),
    "account-new": ("/accounts/-/new", fine()),
    "login": ("/login", None),
}
RECORDS: Final[dict[str, str]] = {
    "logs": "/logs",
    "logs-filtered": "/logs?level=warning&service=ingest%3ACTP-B&text=child",
    "logs-line": "/logs",
    "rejected": "/rejected",
    "rejected-tick": "/rejected/0/{refused}",
    "timeline": "/timeline",
}
"""Pages over a made-up hub with rows to read."""
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
        for name in options.only or [*PAGES, *RECORDS]:
            parts, path = _scene(name)
            with _served(parts) as (url, secret):
                _photograph(browser, f"{url}{path}", name, secret, options)
        browser.close()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Photograph the console's pages.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", action="append", choices=[*PAGES, *RECORDS])
    parser.add_argument("--width", type=int, action="append", choices=list(WIDTHS))
    parser.add_argument("--language", action="append", choices=["en", "zh"])
    parser.add_argument("--theme", action="append", choices=["dark", "light"])
    return parser.parse_args()


def _scene(name: str) -> tuple[Parts, str]:
    """Parts of the console that is shown, and the page's path."""
    if name in PAGES:
        path, report = PAGES[name]
        accounts = make_accounts() if name.endswith("-none") else accounts_scene()
        market = scene() if report else Market()
        live = tested(live_of(report, market.server))
        return make_parts(market.server, live=live, accounts=accounts), path
    parts = records_parts()
    refused = parts.live.view.rows("rejected:0")[-1].id.decode()
    return parts, RECORDS[name].format(refused=refused)


@contextmanager
def _served(parts: Parts) -> Iterator[tuple[str, str]]:
    populate(parts.identity)
    member = parts.identity.people.named("admin")
    if member is None:
        raise SystemExit("the identity of tests has no admin")
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
        if name == "logs-line":
            page.click(".rows-row.down")
        file = options.folder / f"{name}-{width}-{language}-{theme}.png"
        page.screenshot(path=file, full_page=not name.endswith(("-ask", "-line")))
        wide = page.evaluate("document.documentElement.scrollWidth")
        print(file.name, f"{wide} px wide!" if wide > width else "", *said)
        context.close()


def _listen(page: Page, said: list[str]) -> None:
    page.on("console", lambda line: said.append(line.text))
    page.on("pageerror", lambda error: said.append(str(error)))


if __name__ == "__main__":
    main()
