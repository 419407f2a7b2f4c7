"""Fixtures shared by all tests."""

from __future__ import annotations

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
