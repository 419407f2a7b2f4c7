"""Real sources that freeze, disconnect, reorder and hang beside a good one: nothing is lost."""

from __future__ import annotations

from typing import Any

import pytest

from mdhub.streams.port import Log
from mdhub.streams.topology import EVENTS
from mdhub.wire.codec import decode_event
from mdhub.wire.ops import EventKind
from tests.process.test_kills import assert_nothing_wrong, stage
from tests.support.wait import until

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]

HANGS = "hang_after_s=3,seed=1"
GOES_AWAY = (
    "freeze_every_s=1.5-2,freeze_s=1.2-1.6,stuck_every_s=2-3,stuck_s=1.2-1.6,"
    "disconnect_every_s=2-3,disconnect_s=1.2-1.6,reorder=0.02,calm_s=1,seed=1"
)


def test_a_hanging_source_is_replaced_and_nothing_is_lost() -> None:
    """It lives and says nothing: the supervisor kills it, an event says so, B has delivered all."""
    with stage(HANGS, play_s=11.0) as playing:
        before = playing.beats()["ingest:A"].pid
        until(lambda: playing.beats()["ingest:A"].pid != before, "source A to be replaced")

        assert_nothing_wrong(playing.run_to_the_end(), playing.log)

        assert [change["after"] for change in changes(playing.log, "replaced")] == ["hung"]
        assert playing.beats()["ingest:A"].counters["hung"] == 1
        assert playing.beats()["ingest:B"].counters["hung"] == 0


def test_a_source_that_comes_and_goes_does_no_harm() -> None:
    """Silences, old snapshots, swapped neighbours and re-connections beside a good source."""
    with stage(GOES_AWAY, play_s=15.0) as playing:
        assert_nothing_wrong(playing.run_to_the_end(), playing.log)

        counters = playing.beats()["ingest:A"].counters
        kinds = ("frozen", "stuck", "disconnected", "withheld", "pushed_again", "reordered")
        assert all(counters[kind] for kind in kinds), counters
        gone, back = changes(playing.log, "disconnected"), changes(playing.log, "connected")
        assert len(gone) == len(back) == counters["disconnected"]
        assert 0 < sum(change["missed"] for change in back) < counters["withheld"]


def changes(log: Log, change: str) -> list[dict[str, Any]]:
    """What events told of source A."""
    events = [decode_event(fields[1]) for _, fields in log.entries(EVENTS, count=100_000)]
    return [
        event.body
        for event in events
        if (event.kind, event.subject) == (EventKind.SOURCE, "A") and event.body["change"] == change
    ]
