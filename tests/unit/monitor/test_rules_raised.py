"""Every rule with words is raised by somebody, and every rule that is raised has words."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import mdhub_monitor
from mdhub.health.words import PAGES
from mdhub_monitor.alerts.signals import OWN_RULES
from mdhub_monitor.rules.sources import FROZEN, SILENT

SOURCES = sorted(Path(mdhub_monitor.__file__).parent.rglob("*.py"))
OF_STANDINGS = {f"source_{trouble}" for trouble in (SILENT, FROZEN)}
"""Raised as `source_<trouble>`."""


def raised_in(tree: ast.AST) -> Iterator[str]:
    """First arguments of `Problem(...)` and `_note(...)`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args:
            called = node.func.id if isinstance(node.func, ast.Name) else ""
            called = node.func.attr if isinstance(node.func, ast.Attribute) else called
            rule = node.args[0]
            if called in {"Problem", "_note"}:
                if isinstance(rule, ast.Constant):
                    yield str(rule.value)
                elif isinstance(rule, ast.JoinedStr):
                    yield from OF_STANDINGS


def test_rules_with_words_are_those_that_are_raised() -> None:
    """Two are found by the alerts alone, as the log cannot tell them."""
    raised = {rule for path in SOURCES for rule in raised_in(ast.parse(path.read_text()))}
    assert raised | OWN_RULES == set(PAGES)
