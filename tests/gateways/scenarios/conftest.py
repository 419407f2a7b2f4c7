"""Fixtures of the scenarios: whole hubs with real gateways."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.gateways.harness import Installation
from tests.gateways.scenarios.hub import NewHub, RunningHub, Source, running_hub


@pytest.fixture
def hub(installed: Installation, libraries: dict[str, Path]) -> Iterator[NewHub]:
    """Start a hub: `hub(Source(name="CTP1", front=front))`. It ends with the test."""
    with ExitStack() as stack:

        def start(*sources: Source) -> RunningHub:
            # Not pytest's folder: the path of a socket may not be longer than 107 characters.
            name = stack.enter_context(tempfile.TemporaryDirectory(prefix="mdhub-gw-"))
            return stack.enter_context(running_hub(Path(name), installed, libraries, sources))

        yield start


@pytest.fixture
def newest(installed: Installation) -> None:
    """For heavy scenarios: run with the newest set only."""
    if installed.name != "newest":
        pytest.skip("heavy: runs with the newest gateways only")
