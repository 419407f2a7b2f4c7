"""One browser for all tests of a worker, and one console for each scene."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, Final

import pytest
from playwright.sync_api import Browser
from xdist.scheduler import LoadScopeScheduling

from tests.browser.stage import Stage, on_stage
from tests.support.browser import a_browser

LOOK: Final = re.compile(r"\[(.+)-(?:en|zh)\]$")


class ByPage(LoadScopeScheduling):  # type: ignore[misc] # it has no annotations
    """All tests of a page go to one worker, which visits it once; so do all of another file.

    Marks (`xdist_group`) do not do it: pytest-xdist 3.8 hands them over in a field of the test that
    pytest 9.2 no longer has, and nothing says so (pytest-dev/pytest-xdist#1386).
    """

    def _split_scope(self, nodeid: str) -> str:
        found = LOOK.search(nodeid)
        return found[1] if found else nodeid.partition("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling | None:
    """Take the place of `--dist loadgroup`. The flows come first: they take longest."""
    if config.getvalue("dist") != "loadgroup":
        return None
    config.option.loadscopereorder = False
    return ByPage(config, log)


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
