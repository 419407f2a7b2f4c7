"""The newest health report as metrics, beside the monitor's own heartbeat."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mdhub.health.model import HealthReport
from mdhub.metrics.of_health import samples_of_health
from mdhub.metrics.sample import Sample
from mdhub.runtime.metrics import Board

__all__ = ["Measured"]


class Measured:
    """The monitor's loop puts a report in, whoever scrapes reads it."""

    def __init__(self, member: str) -> None:
        self.board = Board(member)
        self._report: HealthReport | None = None

    def show(self, report: HealthReport, state: str, counters: Mapping[str, int]) -> None:
        """Take the newest report, and what the heartbeat says."""
        self._report = report
        self.board.round()
        self.board.say(state, counters)

    def samples(self) -> Iterable[Sample]:
        """Everything of the newest report; nothing before the first."""
        report = self._report
        return () if report is None else samples_of_health(report)
