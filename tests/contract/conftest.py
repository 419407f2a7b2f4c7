"""Databases for the contract suites, once per session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.mariadb import MISSING, MariaDB, find_mariadb
from tests.support.mongo import FakeMongo


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDB]:
    """A real MariaDB; `empty()` makes it new."""
    if find_mariadb() is None:
        pytest.skip(MISSING)
    with MariaDB() as server:
        yield server


@pytest.fixture(scope="session")
def mongo() -> Iterator[FakeMongo]:
    """What answers as MongoDB would."""
    with FakeMongo() as server:
        yield server
