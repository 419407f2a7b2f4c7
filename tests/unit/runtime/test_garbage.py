"""The collector runs when a service is idle, not when it likes."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from mdhub.runtime.garbage import EVERY_S, Garbage


class Circle:
    """Refers to itself."""

    def __init__(self) -> None:
        self.me = self


@pytest.fixture(autouse=True)
def _collector() -> Iterator[None]:
    yield
    gc.unfreeze()
    gc.enable()


def test_circles_are_found_when_there_is_nothing_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not before a minute has passed."""
    now_s = [0.0]
    monkeypatch.setattr("mdhub.runtime.garbage.time.monotonic", lambda: now_s[0])
    collector = Garbage()
    assert not gc.isenabled()
    gone = weakref.ref(Circle())

    collector.idle()
    assert gone() is not None
    now_s[0] = EVERY_S
    collector.idle()
    assert gone() is None
