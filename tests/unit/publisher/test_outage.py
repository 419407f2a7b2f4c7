"""A log that is away is said once, and once that it is back."""

from __future__ import annotations

import io
import json

from mdhub.runtime.logging import Logger
from mdhub.runtime.outage import Outage
from mdhub.streams.errors import NotReady, UnknownOutcome


def test_an_outage_is_said_at_its_begin_and_its_end() -> None:
    """However many attempts lie between; the next outage is said again."""
    said, times = io.StringIO(), iter([10.0, 14.5, 20.0])
    outage = Outage(Logger("publisher", "A", said), monotonic=lambda: next(times))

    outage.back()
    for _ in range(50):
        outage.away(UnknownOutcome("gone"))
    outage.back()
    outage.back()
    outage.away(UnknownOutcome("gone again"))

    lines = [json.loads(line) for line in said.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["log_unavailable", "log_back", "log_unavailable"]
    assert lines[0]["reason"] == "gone"
    assert (lines[1]["away_s"], lines[1]["attempts"]) == (4.5, 50)


def test_each_cause_within_an_outage_is_said_once() -> None:
    """No answer, then loading, then full: three facts, not three hundred."""
    said = io.StringIO()
    outage = Outage(Logger("publisher", "A", said))
    causes = [UnknownOutcome("no"), NotReady("loading", "l"), NotReady("oom", "o")]

    for cause in causes * 20:
        outage.away(cause)

    assert said.getvalue().count("log_unavailable") == 3
