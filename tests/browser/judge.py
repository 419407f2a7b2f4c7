"""What is measured of a page in a browser: one visit, then words about what is wrong."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, Page

from tests.browser.sheets import Sheet
from tests.browser.stage import Stage
from tests.support.browser import PHONE, SCREEN, Tab, holds, new_context

__all__ = ["Visit", "accessibility", "too_wide", "visit"]

AXE: Final = next((Path(__file__).parent / "vendor").glob("axe-core-*/axe.min.js"))
STREAM_OPEN: Final = "!document.body.dataset.topics || document.body.dataset.link === 'live'"
TURN_LIGHT: Final = """async () => {
  document.documentElement.dataset.theme = "light";
  await new Promise(requestAnimationFrame);
  await Promise.all(document.getAnimations().map((each) => each.finished.catch(() => {})));
}"""
"""Colours fade over, so the contrast is one of the theme only when that is done."""
RUN_AXE: Final = """async ([rules, foreign]) => {
  const options = { resultTypes: ["violations"] };
  if (rules.length) options.runOnly = { type: "rule", values: rules };
  const { violations } = await axe.run(foreign ? { exclude: [foreign] } : document, options);
  return violations.filter((each) => ["serious", "critical"].includes(each.impact)).flatMap(
    (each) => each.nodes.map((node) => `${each.id} (${each.impact}): ${node.target.join(" ")}: ${
      node.any.concat(node.all, node.none)[0]?.message ?? each.help}`));
}"""
WIDE: Final = """() => {
  const most = document.documentElement.clientWidth;
  const scrolls = (node) => {
    for (let up = node.parentElement; up; up = up.parentElement)
      if (getComputedStyle(up).overflowX !== "visible") return up !== document.body;
    return false;
  };
  const seen = (node) => node.checkVisibility() && node.getBoundingClientRect().width > 0;
  const found = [...document.body.querySelectorAll("*")]
    .filter((node) => seen(node) && node.getBoundingClientRect().right > most + 0.5)
    .filter((node) => !scrolls(node))
    .map((node) => `${node.tagName} ${node.getAttribute("class") ?? ""}: ${
      Math.round(node.getBoundingClientRect().right)} px`);
  const page = document.documentElement.scrollWidth;
  return page > most ? [`the page: ${page} px`, ...found.slice(0, 5)] : found.slice(0, 5);
}"""


class Visit:
    """One look at a page in one language, wide, then narrow."""

    def __init__(self, tab: Tab, *, language: str) -> None:
        self.tab = tab
        self.language = language
        self.status = 0
        self.shift = 0.0
        self.shifts: list[str] = []
        self.weight: dict[str, int] = {}
        self.axe: list[str] = []
        self.wide: list[str] = []


def visit(browser: Browser, stage: Stage, sheet: Sheet, language: str) -> Visit:
    """Open a page, let the hub's numbers move, measure, look at it on a phone, close it."""
    cookies = {"mdhub-language": language, "mdhub-theme": "dark", **stage.cookies(sheet.role)}
    context = new_context(browser, stage.url, cookies, size=SCREEN)
    try:
        found = Visit(Tab(context, stage.url), language=language)
        page = found.tab.page
        found.status = found.tab.open(stage.path(sheet.path)).status
        settled(page, sheet.shown)
        _watch(page, stage, sheet)
        seen = page.evaluate("mdhubSeen")
        found.shift, found.shifts = float(seen["shift"]), list(seen["shifts"])
        found.weight = found.tab.weight()
        found.axe = accessibility(page, but=sheet.foreign)
        page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
        found.wide = too_wide(page)
        page.evaluate(TURN_LIGHT)
        found.axe += [f"light, narrow: {each}" for each in _contrast(page, sheet)]
        return found
    finally:
        context.close()


def settled(page: Page, shown: str) -> None:
    """Wait until all was fetched, the stream is open, if any, and `shown` selects something."""
    page.wait_for_load_state("load")
    page.evaluate("document.fonts.ready")
    holds(page, STREAM_OPEN, "the stream of the page")
    if shown:
        holds(page, f"!!document.querySelector({shown!r})", f"{shown} to be drawn")


def accessibility(page: Page, *rules: str, but: str = "") -> list[str]:
    """Serious and critical findings of axe, of these rules alone or of all; `but`: not in there."""
    page.evaluate(_axe())
    found: Any = page.evaluate(RUN_AXE, [list(rules), but])
    return list(found)


def _contrast(page: Page, sheet: Sheet) -> list[str]:
    return accessibility(page, "color-contrast", but=sheet.foreign)


def too_wide(page: Page) -> list[str]:
    """What is wider than the window and cannot be scrolled in a box of its own."""
    return list(page.evaluate(WIDE))


def _watch(page: Page, stage: Stage, sheet: Sheet) -> None:
    """Let the numbers move and see each move arrive.

    A page that takes them now and then may have taken its one already, when the stream opened.
    """
    for _ in range(sheet.moves):
        before = page.evaluate(sheet.grows) if sheet.moves > 1 else 0
        stage.move()
        holds(page, f"{sheet.grows} !== {before!r}", "the next update")


@cache
def _axe() -> str:
    return AXE.read_text(encoding="utf-8")
