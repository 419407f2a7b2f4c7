"""When an office counts as vacant: never because of the watcher, a slow server or a wall clock."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mdhub.streams.port import Leadership
from mdhub_arbiter.vacancy import Vacancy

MS = 1_000_000
LED = Leadership(token=3, incarnation="here", lead_id=b"1-0", epoch=1, beat=10)


class Watcher:
    """Looks every 20 ms, as a standby does."""

    def __init__(self) -> None:
        self.vacancy = Vacancy()
        self.now_ns = 1_000 * MS

    def look(self, leader: Leadership = LED, *, after_ms: int = 20, took_ms: int = 0) -> bool:
        self.now_ns += after_ms * MS
        asked_ns = self.now_ns
        self.now_ns += took_ms * MS
        return self.vacancy.look(leader, "here", asked_ns=asked_ns, answered_ns=self.now_ns)

    def looks_until_vacant(self, *, after_ms: int = 20) -> int:
        return next(i for i in range(1, 1_000) if self.look(after_ms=after_ms))


def test_a_beat_that_stands_still_is_a_dead_leader() -> None:
    """After 0.15 s of looks: the first one only begins to count."""
    watcher = Watcher()
    assert watcher.looks_until_vacant() == 1 + 8


def test_a_moving_beat_is_a_living_leader() -> None:
    """Whatever else stands still."""
    watcher = Watcher()
    assert not any(watcher.look(replace(LED, beat=i)) for i in range(100))


def test_a_pause_of_the_watcher_is_no_silence_of_the_leader() -> None:
    """Both may have been paused: a look counts 50 ms at most, however long ago the last one was."""
    watcher = Watcher()
    watcher.look()
    assert not watcher.look(after_ms=60_000)
    assert Watcher().looks_until_vacant(after_ms=60_000) == 1 + 3


def test_a_stalled_server_is_no_silence_of_the_leader() -> None:
    """Looks that took long say nothing: the leader's beat waited as well."""
    watcher = Watcher()
    assert not any(watcher.look(took_ms=200) for _ in range(100))
    assert watcher.looks_until_vacant() == 8


@pytest.mark.parametrize(
    "leader",
    [
        Leadership(),
        replace(LED, incarnation="another server"),
        replace(LED, resigned=True),
    ],
    ids=["never led", "another server process", "resigned"],
)
def test_some_vacancies_need_no_waiting(leader: Leadership) -> None:
    """Nobody can be in office."""
    assert Watcher().look(leader)


def test_a_take_over_by_another_starts_the_watch_anew() -> None:
    """A new leader has the whole time again."""
    watcher = Watcher()
    for _ in range(7):
        assert not watcher.look()
    assert not watcher.look(replace(LED, token=4))
    assert not any(watcher.look(replace(LED, token=4)) for _ in range(7))
