"""Fixtures shared by all tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from uuid import uuid4

import pytest
from hypothesis import settings

from mdhub.host.cluster import LocalCluster
from tests.support.server import TestServer

# How long an example takes says something of the machine, not of the code; who fails is printed.
settings.register_profile("mdhub", deadline=None, print_blob=True)
settings.load_profile("mdhub")


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """A real server for the whole session. Without one the tests fail: they never skip."""
    with TestServer() as server:
        yield server.url


@pytest.fixture(scope="session")
def cluster_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real cluster of three masters for the whole session, as fast as the server above."""
    folder = tmp_path_factory.mktemp("cluster")
    settings = ("--appendfsync", "everysec")
    with LocalCluster(folder, settings=settings) as cluster:
        yield cluster.url


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
