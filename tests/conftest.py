"""Fixtures shared by all tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.support.server import TestServer


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """A real server for the whole session. Without one the tests fail: they never skip."""
    with TestServer() as server:
        yield server.url


@pytest.fixture
def prefix() -> str:
    """Key prefix of one test, so that tests share a server and never flush it."""
    return f"test:{uuid4().hex}:"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say at the very end what was not tested and why, each reason once."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = Counter(str(report.longrepr[2]).removeprefix("Skipped: ") for report in skipped)
    if reasons:
        terminalreporter.section("not tested")
    for reason, count in reasons.items():
        terminalreporter.write_line(f"{count} tests: {reason}")
