"""Each page in both languages: accessible, still, quiet, light, narrow enough, asks nobody else."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import Stages
from tests.browser.judge import Visit, visit
from tests.browser.sheets import SHEETS

pytestmark = [pytest.mark.browser, pytest.mark.timeout(90)]

MOST_SHIFT: Final = 0.01
VENDOR: Final = Path(__file__).parent / "vendor"
LOOKS: Final = [
    pytest.param((name, language), id=f"{name}-{language}")
    for name in SHEETS
    for language in ("en", "zh")
]


@pytest.fixture(scope="module")
def visits() -> dict[tuple[str, str], Visit]:
    """What was seen so far by this worker."""
    return {}


@pytest.fixture
def seen(
    look: tuple[str, str],
    browser: Browser,
    stages: Stages,
    visits: dict[tuple[str, str], Visit],
) -> Visit:
    """The one visit to a page that all tests judge."""
    if look not in visits:
        name, language = look
        sheet = SHEETS[name]
        visits[look] = visit(browser, stages.of(sheet.scene), sheet, language)
    return visits[look]


@pytest.mark.parametrize("look", LOOKS)
def test_a_page_has_no_serious_barrier(seen: Visit) -> None:
    """Nothing serious or critical is found by axe; the contrast holds in both themes."""
    assert seen.status == 200
    assert seen.axe == []


@pytest.mark.parametrize("look", LOOKS)
def test_nothing_jumps_while_the_page_loads_and_the_numbers_move(seen: Visit) -> None:
    """The cumulative layout shift stays under a hundredth."""
    assert seen.shift < MOST_SHIFT, seen.shifts


@pytest.mark.parametrize("look", LOOKS)
def test_the_browser_has_nothing_to_complain_of(seen: Visit) -> None:
    """No error or warning in its console: none of a script, of the policy, of a missing file."""
    assert seen.tab.said == []


@pytest.mark.parametrize("look", LOOKS)
def test_no_other_host_is_asked(seen: Visit) -> None:
    """Whatever a page loads comes from the console itself."""
    assert seen.tab.foreign == []


@pytest.mark.parametrize("look", LOOKS)
def test_a_page_stays_within_its_weight(seen: Visit, look: tuple[str, str]) -> None:
    """Everything it was made of, packed."""
    assert 0 < sum(seen.weight.values()) <= SHEETS[look[0]].kib * 1024, seen.weight


@pytest.mark.parametrize("look", LOOKS)
def test_nothing_is_wider_than_a_phone(seen: Visit) -> None:
    """At 390 px nothing is cut off, and the page does not move sideways."""
    assert seen.wide == []


def test_axe_is_the_file_that_was_copied() -> None:
    """Its SHA-256 is the one on the list, and its licence lies beside it."""
    lines = (VENDOR / "SHA256SUMS").read_text("utf-8").splitlines()
    listed = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
    files = [p for p in VENDOR.rglob("*") if p.is_file() and p.name != "SHA256SUMS"]
    found = {
        p.relative_to(VENDOR).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files
    }
    assert found == listed
    assert sorted(p.name for p in files) == ["LICENSE", "axe.min.js"]
