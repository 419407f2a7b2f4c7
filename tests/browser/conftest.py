"""One browser for all tests of a worker, and one console for each scene."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser

from tests.browser.stage import Stage, on_stage
from tests.support.browser import a_browser


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A running Chromium."""
    with a_browser() as running:
        yield running


class Stages:
    """Consoles over made-up hubs, begun when first asked for."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._running: dict[str, Stage] = {}

    def of(self, scene: str) -> Stage:
        if scene not in self._running:
            self._running[scene] = self._stack.enter_context(on_stage(scene))
        return self._running[scene]


@pytest.fixture(scope="session")
def stages() -> Iterator[Stages]:
    """The consoles of this worker."""
    with ExitStack() as stack:
        yield Stages(stack)
