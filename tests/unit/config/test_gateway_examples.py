"""What a reader copies works: configurations of examples/ and of docs/gateways*.md."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from mdhub.cli.app import app

ROOT = Path(__file__).parents[3]
FILES = sorted((ROOT / "examples").glob("hub-*.toml"))
PAGES = sorted((ROOT / "docs").glob("gateways*.md"))


def blocks() -> dict[str, str]:
    """TOML in the pages that describes sources, by page and number."""
    block = re.compile(r"^```toml\n(.*?)^```", re.MULTILINE | re.DOTALL)
    return {
        f"{page.name}-{number}": text
        for page in PAGES
        for number, text in enumerate(block.findall(page.read_text(encoding="utf-8")), 1)
        if "[[sources]]" in text
    }


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_example_file_is_good(file: Path) -> None:
    """`mdhub config check` finds nothing wrong with it."""
    check(file)


@pytest.mark.parametrize("name", blocks())
def test_an_example_in_the_pages_is_good(name: str, tmp_path: Path) -> None:
    """So is what the pages show."""
    file = tmp_path / "hub.toml"
    file.write_text(blocks()[name], encoding="utf-8")
    check(file)


def test_both_pages_and_the_file_name_the_same_addresses_of_simnow() -> None:
    """An address that changes is changed everywhere."""
    paths = (*PAGES, ROOT / "examples/hub-simnow.toml")
    texts = [path.read_text(encoding="utf-8") for path in paths]
    addresses = [set(re.findall(r"tcp://182\.254\.243\.31:\d+", text)) for text in texts]
    assert addresses[0] == addresses[1]
    assert addresses[2] < addresses[0]
    source = settings(ROOT / "examples/hub-simnow.toml")
    assert settings_in(blocks()["gateways.md-1"]) == source


def check(file: Path) -> None:
    checked = CliRunner().invoke(app, ["config", "check", str(file)])
    assert checked.exit_code == 0, (checked.output, checked.exception)


def settings(file: Path) -> dict[str, Any]:
    return settings_in(file.read_text(encoding="utf-8"))


def settings_in(text: str) -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads(text)["sources"][0]["settings"]
    return found
