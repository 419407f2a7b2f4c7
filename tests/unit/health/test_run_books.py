"""Each alert leads to a page that helps, also somebody who reads Chinese only."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mdhub.health.day import GOALS

OPS = Path(__file__).parents[3] / "docs" / "ops"
PAGES = sorted(OPS.glob("*.md"))
WANTED = {
    "morning-checklist", "source-down", "all-silent", "redis-full", "calendar-ends",
    "credential-rotation", "failover-drill", "disaster-recovery",
}  # fmt: skip


def test_the_situations_of_an_operator_have_pages() -> None:
    """Each is listed in the overview."""
    assert {page.stem for page in PAGES} >= WANTED
    overview = (OPS / "README.md").read_text()
    missing = [p.name for p in PAGES if p.stem != "README" and f"({p.name})" not in overview]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_ends_with_a_summary_in_chinese(page: Path) -> None:
    """And no link of it leads nowhere."""
    text = page.read_text()
    _, _, summary = text.partition("\n## 中文摘要\n")
    assert len(re.findall(r"[一-鿿]", summary)) > 30
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
    assert [link for link in links if not (OPS / link).exists()] == []


def test_every_rule_in_the_overview_is_named_by_its_page() -> None:
    """So whoever searches for an alert's rule finds the page."""
    overview = (OPS / "README.md").read_text()
    rows = re.findall(r"^\| \[[^]]+\]\(([^)]+)\) \| (.+) \|$", overview, re.MULTILINE)
    assert len(rows) > 10
    for name, rules in rows:
        text = (OPS / name).read_text()
        assert [rule for rule in re.findall(r"`(\w+)`", rules) if f"`{rule}`" not in text] == []


def test_the_goals_of_the_report_are_explained() -> None:
    """Each by its name."""
    text = (OPS / "daily-report.md").read_text()
    assert [goal.name for goal in GOALS if f"| {goal.name} |" not in text] == []
