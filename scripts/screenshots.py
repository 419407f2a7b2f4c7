"""Photograph the console's pages over made-up scenes: both languages, both themes, two widths.

    python -m scripts.screenshots build/shots              # everything
    python -m scripts.screenshots build/shots --only overview --width 390

Needs a Chromium (CHROMIUM names it, else /usr/bin/chromium) and fonts with Chinese in them.
"""

from __future__ import annotations

import argparse
import os
from itertools import product
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, sync_playwright

from mdhub_console.identity.cookies import PLAIN
from mdhub_console.identity.service import Identity
from tests.support.console_scenes import DEMO_TOKEN, REPLAY, parts_of, path_in
from tests.support.console_server import served

PAGES: Final[dict[str, tuple[str, str]]] = {
    "overview": ("/", "fine"),
    "overview-trouble": ("/", "troubled"),
    "overview-empty": ("/", "empty"),
    "sources": ("/sources", "troubled"),
    "source": ("/sources/CTP-B", "troubled"),
    "source-ask": ("/sources/CTP-A", "fine"),
    "alerts": ("/alerts", "troubled"),
    "alerts-fine": ("/alerts", "fine"),
    "system": ("/system", "troubled"),
    "schedule": ("/schedule", "troubled"),
    "schedule-empty": ("/schedule", "empty"),
    "users": ("/users", "fine"),
    "audit": ("/audit", "fine"),
    "profile": ("/profile", "fine"),
    "prove": ("/prove", "fine"),
    "error": ("/nowhere", "fine"),
    "instruments": ("/instruments", "fine"),
    "instruments-found": ("/instruments?text=cu2703c&sort=volume", "fine"),
    "instrument": ("/instruments/rb2701.SHFE", "fine"),
    "instrument-quiet": ("/instruments/IF2703.CFFEX", "fine"),
    "replay": (REPLAY, "fine"),
    "replay-start": ("/replay", "fine"),
    "accounts": ("/accounts", "fine"),
    "accounts-none": ("/accounts", "empty"),
    "account": ("/accounts/CTP-B", "fine"),
    "account-new": ("/accounts/-/new", "fine"),
    "login": ("/login", "fine"),
    "demo": (f"/demo?token={DEMO_TOKEN}", "demo"),
    "logs": ("/logs", "records"),
    "logs-filtered": ("/logs?level=warning&service=ingest%3ACTP-B&text=child", "records"),
    "logs-line": ("/logs", "records"),
    "rejected": ("/rejected", "records"),
    "rejected-tick": ("/rejected/0/{refused}", "records"),
    "timeline": ("/timeline", "records"),
}
"""Path, and name of the scene."""
STRANGERS: Final = frozenset({"login", "demo"})
"""Pages for who has not logged in."""
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
            path, scene = PAGES[name]
            parts = parts_of(scene)
            cookies = {} if name in STRANGERS else {PLAIN: _secret(parts.identity)}
            with served(parts) as console:
                address = f"http://127.0.0.1:{console.port}{path_in(parts, path)}"
                _photograph(browser, address, name, cookies, options)
        browser.close()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Photograph the console's pages.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", action="append", choices=list(PAGES))
    parser.add_argument("--width", type=int, action="append", choices=list(WIDTHS))
    parser.add_argument("--language", action="append", choices=["en", "zh"])
    parser.add_argument("--theme", action="append", choices=["dark", "light"])
    return parser.parse_args()


def _secret(identity: Identity) -> str:
    """Of the admin's session."""
    member = identity.people.named("admin")
    if member is None:
        raise SystemExit("the identity of this scene has no admin")
    return identity.open_session(member.user)


def _photograph(
    browser: Browser,
    address: str,
    name: str,
    cookies: dict[str, str],
    options: argparse.Namespace,
) -> None:
    looks = product(
        options.width or WIDTHS,
        options.language or ("en", "zh"),
        options.theme or ("dark", "light"),
    )
    host = address.split("/")[2].partition(":")[0]
    for width, language, theme in looks:
        context = browser.new_context(viewport={"width": width, "height": WIDTHS[width]})
        wanted = {"mdhub-language": language, "mdhub-theme": theme, **cookies}
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
