"""The list of promises in docs/console-security.md: each names tests that are there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
TABLE = ROOT / "docs/console-security.md"
HERE = ROOT / "tests/integration/console"
NAMED = re.compile(r"`((?:[\w/]+\.py)?)::(\w+)`")
AREAS = {
    "Login", "First run", "Session", "CSRF", "Headers", "Authorisation", "Accounts", "Tokens",
    "Audit", "API", "Service", "Broker secrets", "ZeroMQ", "Deployment",
}  # fmt: skip


def rows() -> list[list[str]]:
    """Area, promise and tests of each row of the list."""
    text = TABLE.read_text(encoding="utf-8").partition("## Item by item")[2]
    lines = text.partition("\n## ")[0].splitlines()
    table = [line for line in lines if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[2:]]


def functions(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[1][:40])
def test_every_promise_names_tests_that_exist(row: list[str]) -> None:
    """A test that is renamed or deleted takes its promise along, and that is noticed."""
    named = NAMED.findall(row[2])
    assert named, f"no test is named for: {row[1]}"
    file = ""
    for path, name in named:
        file = path or file
        at = ROOT / file if "/" in file else HERE / file
        assert name in functions(at), f"{file} has no {name}"


def test_every_area_of_the_list_has_its_rows() -> None:
    """Rows are not lost by an edit of the table."""
    assert {row[0] for row in rows()} - {""} == AREAS
