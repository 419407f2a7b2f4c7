"""Code, the table of reasons and docs/rules.md say the same."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import mdhub_arbiter
from mdhub.wire.ticks import Flag
from mdhub_arbiter.reasons import QUALITIES, REASONS, reason_rows

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/rules.md").read_text(encoding="utf-8")
FOLDER = Path(mdhub_arbiter.__file__).parent
RULES = (
    "control", "decide", "holds", "identity", "judge", "quality", "rules", "suspicion", "timing",
)  # fmt: skip
"""Modules in which the rules are: whatever word stands there by itself is looked at."""
WORD = re.compile(r"[a-z]+(_[a-z]+)*")
NO_REASONS = frozenset(
    {
        "new", "duplicate", "settlement", "market_clock", "modes", "preference",
        "unknown_instrument", "flag", "hold", "down", "up", "mute", "unmute", "prefer",
    }
)  # fmt: skip
"""Words of those modules that are no reason: findings, settings, what is said of sources."""


def words_of(module: str) -> Iterator[str]:
    """Words by themselves: text in the code that is no docstring, format or message."""
    tree = ast.parse((FOLDER / f"{module}.py").read_text(encoding="utf-8"))
    skipped = {id(part) for node in ast.walk(tree) for part in _not_looked_at(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found = WORD.fullmatch(node.value)
            yield from [node.value] if found and id(node) not in skipped else []


def _not_looked_at(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.JoinedStr):
        yield from ast.walk(node)
    if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
        yield from ast.walk(node.value)
    if isinstance(node, ast.AnnAssign):  # types in quotes
        yield from ast.walk(node.annotation)


def test_every_reason_in_the_code_is_explained() -> None:
    """A new one belongs into reasons.py; a word that is no reason into NO_REASONS above."""
    known = {reason.code for reason in REASONS} | {name for name, _ in QUALITIES}
    said = {word for module in RULES for word in words_of(module)}

    assert sorted(said - known - NO_REASONS) == []
    assert sorted(known - said) == []
    assert sorted(NO_REASONS - said) == []


def test_the_page_has_the_rows_of_the_table() -> None:
    """What is missing is to be pasted in; `python -m mdhub_arbiter.reasons` prints it all."""
    lines = PAGE.splitlines()
    rows = reason_rows()
    assert [row for row in rows if row not in lines] == []
    in_tables = [line for line in lines if re.match(r"\| `[a-z_]+` \|", line)]
    assert [line for line in in_tables if line not in rows] == []


def test_the_page_has_every_flag() -> None:
    """With its number on the wire."""
    found = re.findall(r"^\| `([A-Z_]+)` \| (\d+) \|", PAGE, re.MULTILINE)
    assert {name: int(number) for name, number in found} == {flag.name: flag.value for flag in Flag}
