"""Fixtures of the gateway tests: they skip, with the reason, where gateways cannot be had."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.gateways.front.build import NoCompiler, build
from tests.gateways.harness import Child, Installation, NewChild, NotInstalled, installation


@pytest.fixture(scope="session", params=["newest", "pinned"])
def installed(request: pytest.FixtureRequest) -> Installation:
    """Each set of gateways in turn."""
    try:
        return installation(request.param)
    except NotInstalled as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def libraries(installed: Installation) -> dict[str, Path]:
    """The folders with the stand-ins for one set, by gateway."""
    try:
        return {
            name.removeprefix("vnpy-"): build(source, installed.cache)
            for name, source in installed.sources.items()
        }
    except NoCompiler as reason:
        pytest.skip(str(reason))


@pytest.fixture
def child(
    installed: Installation, libraries: dict[str, Path], tmp_path: Path
) -> Iterator[NewChild]:
    """Start gateway processes: `child("ctp")`. They end with the test."""
    with ExitStack() as stack:

        def start(gateway: str, **changes: str) -> Child:
            folder = tmp_path / f"{gateway}-{len(list(tmp_path.iterdir()))}"
            return stack.enter_context(
                Child(gateway, installed, libraries[gateway], folder, **changes)
            )

        yield start
