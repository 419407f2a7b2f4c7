"""Findings and policies for the tests of the alerting."""

from __future__ import annotations

from itertools import count

from mdhub.health.alerts import Message
from mdhub.health.model import Finding
from mdhub_monitor.alerts.policy import Policy
from mdhub_monitor.alerts.settings import AlertSettings

S = 1_000_000_000
START_NS = 1_795_000_000 * S


def finding(key: str, severity: str = "error", *, since_s: float = 0, done: str = "") -> Finding:
    rule, _, subject = key.partition(":")
    return Finding(
        key=key,
        rule=rule,
        subject=subject,
        severity=severity,
        since_ns=START_NS + int(since_s * S),
        done=done,
    )


class Told:
    """A policy with a clock that the test moves; collects what is told."""

    def __init__(self, settings: AlertSettings | None = None) -> None:
        numbers = count(1)
        self.policy = Policy(settings or AlertSettings(), new_id=lambda: f"m{next(numbers)}")
        self.now_s = 0.0
        self.messages: list[Message] = []

    @property
    def now_ns(self) -> int:
        return START_NS + int(self.now_s * S)

    def began(self, key: str, severity: str = "error", *, origin: str = "monitor") -> None:
        found = finding(key, severity, since_s=self.now_s)
        self.policy.began(found, origin=origin, said_ns=self.now_ns, now_ns=self.now_ns)

    def ended(self, key: str) -> None:
        self.policy.ended(key, said_ns=self.now_ns, now_ns=self.now_ns)

    def wait(self, seconds: float, *, step_s: float = 0.5) -> list[list[tuple[str, str]]]:
        """Let time pass; return what was told: change and key of each item per message."""
        before = len(self.messages)
        end_s = self.now_s + seconds
        while self.now_s < end_s:
            self.now_s = min(end_s, self.now_s + step_s)
            message = self.policy.flush(self.now_ns)
            if message is not None:
                self.messages.append(message)
        return [shown(message) for message in self.messages[before:]]


def shown(message: Message) -> list[tuple[str, str]]:
    return [(item.change, item.finding.key) for item in message.items]
