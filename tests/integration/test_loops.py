"""A recording that loops as today, through the arbiter's fold."""

from __future__ import annotations

from datetime import date
from heapq import merge
from itertools import groupby
from pathlib import Path

import pytest

from mdhub.demo.checker import check
from mdhub.market.playlist import Playlist
from mdhub.market.snapshot import Snapshot, raw_tick
from mdhub_ingest.sources.playback import Player
from mdhub_ingest.sources.recording import recording_source
from tests.integration.test_sim_days import Timed, folded
from tests.support.recordings import recording
from tests.support.ticks import ROWS, made_up_recording
from tests.unit.arbiter.builders import (
    clock_entry,
    lead_entry,
    market_clock_entry,
    tick_entry,
)
from tests.unit.ingest.clocks import WALL_NS, Hub, Stop, Wall

SECOND_NS = 1_000_000_000
FRIDAY = date(2026, 11, 20)


class Stage:
    """One source and the market clock that it moves."""

    def __init__(self, files: list[Path], loops: int, *, rate: float) -> None:
        self.files, self.loops, self.rate = files, loops, rate
        self.hub = Hub(Wall())

    def playlist(self) -> Playlist:
        return Playlist(self.files, loops=self.loops, first_day=FRIDAY)

    def play(self) -> list[Timed]:
        wall = self.hub.wall
        written: list[Timed] = []
        player: Player = recording_source(
            self.playlist(),
            request_clock=self.hub.request,
            rate=self.rate,
        )
        player._wall_ns = wall.read_ns

        def write(snapshot: Snapshot) -> None:
            seq, now_ns = len(written) + 1, wall.now_ns
            tick = raw_tick(snapshot, source="A", session=1, seq=seq, recv_ns=now_ns)
            written.append((now_ns, tick_entry(tick)))

        player.run(write, Stop(wall))
        self.end_ns = wall.now_ns
        return written

    def clocks(self) -> list[Timed]:
        moved = [
            (c.log_ns, market_clock_entry(c.market_ns, c.log_ns, c.rate)) for c in self.hub.clocks
        ]
        steps = range(WALL_NS, self.end_ns, SECOND_NS // 10)
        beats = [(at_ns, clock_entry(at_ns)) for at_ns in steps]
        return [(WALL_NS, lead_entry(WALL_NS)), *merge(moved, beats, key=_at)]


def _at(timed: Timed) -> int:
    return timed[0]


def test_loops_are_neither_late_nor_refused(tmp_path: Path) -> None:
    """Each loop is accepted whole as the next trading day, over a weekend too."""
    stage = Stage([made_up_recording(tmp_path)], 3, rate=20.0)
    written = stage.play()
    ticks, refused = folded(merge(stage.clocks(), written, key=_at))

    assert refused == []
    assert len(ticks) == len(written) == 3 * ROWS
    assert [day for day, _ in groupby(t.trading_day for t in ticks)] == [
        20261120,
        20261123,
        20261124,
    ]
    report = check(stage.playlist().snapshots(), ticks)
    assert report.clean, report.examples
    assert report.made == 3 * ROWS


@pytest.mark.recordings
@pytest.mark.parametrize("name", ["AP010_20200803", "IF2101_20210104", "ru1901_20181008"])
def test_real_days_loop_without_a_late_tick(name: str) -> None:
    """Real mornings, nights and settlement rows, twice, as today."""
    stage = Stage([recording(f"{name}.csv.zst")], 2, rate=3_600.0)
    written = stage.play()
    ticks, refused = folded(merge(stage.clocks(), written, key=_at))
    report = check(stage.playlist().snapshots(), ticks)

    assert refused == []
    assert report.clean, report.examples
    assert report.received > 20_000
