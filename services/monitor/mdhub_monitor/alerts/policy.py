"""Pure: what people are told, and when. No clock of its own, no I/O.

A finding waits `merge_s` before it is told, so that what begins together is one message and what
explains it can arrive. It is told once, again with growing pauses while it lasts and nobody has
acknowledged it, at once when it gets worse, and once when it is over. Findings that another one
explains are folded into it (`causes`). In quiet hours and silences what is held back is told when
they end, if it still lasts. An error is never passed over: one that was over before anybody was
told is told as that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from typing import Final
from uuid import uuid4

from msgspec.structs import replace

from mdhub.health.alerts import Alert, AlertBook, Item, Message, Silence
from mdhub.health.model import Finding, HealthReport
from mdhub.wire.ops import Severity
from mdhub_monitor.alerts.causes import CAUSE_RULES, RANK, cause_of
from mdhub_monitor.alerts.settings import AlertSettings

__all__ = ["MAX_ALERTS", "MAX_ITEMS", "Policy"]

SECOND_NS: Final = 1_000_000_000
MAX_ALERTS: Final = 1_000
MAX_ITEMS: Final = 50
"""Alerts in one message; the others come with the next."""
MAX_SILENCES: Final = 100
MAX_ENDED: Final = 500
MAX_ALSO: Final = 10
REPEAT_CEILING_S: Final = 28_800.0
STALE_NS: Final = 3 * SECOND_NS
"""A finding that reports lack for so long has ended, though its event was missed."""
ALONE_NS: Final = 10 * SECOND_NS
"""What its cause no longer explains has so long to end too, and two merge windows."""


class Policy:
    """Takes findings, gives messages.

    `origin` is the service that found something, `said_ns` when it said so, `now_ns` wall time.
    """

    def __init__(self, settings: AlertSettings, *, new_id: Callable[[], str] | None = None) -> None:
        self._settings = settings
        self._least = RANK[Severity(settings.severity)]
        self._quiet = settings.quiet_hours
        self._merge_ns = int(settings.merge_s * SECOND_NS)
        self._new_id = new_id or (lambda: uuid4().hex)
        self._alerts: dict[str, Alert] = {}
        self._ended: dict[str, int] = {}
        self._silences: dict[str, Silence] = {}
        self._seen: dict[str, int] = {}
        """Newest word of each that lasts."""
        self._moved = False
        """Whether causes have to be looked for anew."""
        self.counters: Counter[str] = Counter()
        self.changed = False
        """Whether there is something to save."""

    # What happens

    def began(self, finding: Finding, *, origin: str, said_ns: int, now_ns: int) -> None:
        """A finding began, changed, or is said to last."""
        key = finding.key
        if said_ns <= self._ended.get(key, -1):
            return
        finding = replace(finding, severity=_severity(finding.severity).value)
        self._seen[key] = now_ns
        known = self._alerts.get(key)
        if known is not None:
            self._goes_on(known, finding, now_ns)
        elif self._room_for(finding):
            due_ns = now_ns + self._merge_ns
            self._put(Alert(finding=finding, origin=origin, due_ns=due_ns))

    def ended(self, key: str, *, said_ns: int, now_ns: int) -> None:
        """A finding is over."""
        self._seen.pop(key, None)
        known = self._alerts.get(key)
        if known is None or known.ended_ns:
            return
        self._put(replace(known, ended_ns=max(1, now_ns)))
        self._ended.pop(key, None)
        self._ended[key] = said_ns
        while len(self._ended) > MAX_ENDED:
            del self._ended[next(iter(self._ended))]

    def reconcile(self, report: HealthReport, *, origin: str, now_ns: int) -> None:
        """Follow the findings of a report: events may have been missed."""
        for finding in report.findings:
            self.began(finding, origin=origin, said_ns=report.ts_ns, now_ns=now_ns)
        named = {finding.key for finding in report.findings}
        for key, alert in list(self._alerts.items()):
            seen_ns = self._seen.setdefault(key, now_ns)
            missing = key not in named and alert.origin == origin and not alert.ended_ns
            if missing and report.ts_ns > seen_ns + STALE_NS:
                self.ended(key, said_ns=report.ts_ns, now_ns=now_ns)

    # What operators say

    def acknowledge(self, pattern: str, *, by: str, now_ns: int) -> list[str]:
        """Somebody cares: no repeats any more. Returns the keys that it met."""
        met = [a for key, a in self._alerts.items() if not a.ended_ns and fnmatchcase(key, pattern)]
        for alert in met:
            self._put(replace(alert, acked_by=by, acked_ns=now_ns))
        return [alert.finding.key for alert in met]

    def silence(self, silence: Silence) -> bool:
        """Tell nothing of what it names until then; False = there are too many silences."""
        if silence.pattern not in self._silences and len(self._silences) >= MAX_SILENCES:
            return False
        self._silences[silence.pattern] = silence
        self.changed = self._moved = True
        return True

    def unsilence(self, pattern: str) -> bool:
        """End a silence early; False = there was none of this pattern."""
        self.changed = self._moved = True
        return self._silences.pop(pattern, None) is not None

    # What is told

    def flush(self, now_ns: int) -> Message | None:
        """The next message, if one is due; what was told counts as told from now on."""
        self._expire(now_ns)
        if self._moved:
            self._moved = False
            self._fold(now_ns)
        tellable = [(self._change(alert, now_ns), alert) for alert in self._alerts.values()]
        waits = [(self._wait_ns(c, alert, now_ns), c, alert) for c, alert in tellable if c]
        message = None
        if any(wait_ns <= 0 for wait_ns, _, _ in waits):
            chosen = [(c, a) for wait_ns, c, a in waits if wait_ns <= self._early_ns(c)]
            chosen.sort(key=lambda each: -RANK[_severity(each[1].finding.severity)])
            message = self._message(chosen[:MAX_ITEMS], now_ns)
        self._forget_untold(now_ns)
        return message

    def lasting(self, rule: str) -> list[Alert]:
        """Alerts of a rule that last."""
        return [a for a in self._alerts.values() if a.finding.rule == rule and not a.ended_ns]

    # Over a restart

    def book(self) -> AlertBook:
        """What has to be remembered."""
        return AlertBook(
            alerts=list(self._alerts.values()),
            ended=dict(self._ended),
            silences=list(self._silences.values()),
        )

    def adopt(self, book: AlertBook) -> None:
        """Remember; what is known already is newer."""
        for alert in book.alerts[:MAX_ALERTS]:
            self._alerts.setdefault(alert.finding.key, alert)
        for silence in book.silences[:MAX_SILENCES]:
            self._silences.setdefault(silence.pattern, silence)
        self._ended = dict(book.ended) | self._ended
        self._moved = True

    def _put(self, alert: Alert) -> None:
        self._alerts[alert.finding.key] = alert
        self.changed = self._moved = True

    def _goes_on(self, known: Alert, finding: Finding, now_ns: int) -> None:
        if known.ended_ns:  # it is back before anybody was told that it is over
            known = replace(known, ended_ns=0, due_ns=now_ns + self._merge_ns)
        finding = replace(finding, since_ns=min(known.finding.since_ns, finding.since_ns))
        lighter = RANK[_severity(finding.severity)] < RANK[_severity(known.finding.severity)]
        if lighter and not known.told_ns:  # an error stays one until it was told
            finding = replace(finding, severity=known.finding.severity)
        changed = replace(known, finding=finding)
        if self._worse(changed) and not self._worse(known):
            due_ns = now_ns + self._merge_ns
            changed = replace(changed, due_ns=due_ns, acked_by="", acked_ns=0)
        same = replace(changed, finding=replace(finding, facts=known.finding.facts))
        if same == self._alerts[finding.key]:
            self._alerts[finding.key] = changed  # only its numbers moved
        else:
            self._put(changed)

    def _room_for(self, finding: Finding) -> bool:
        """Whether it fits; an error takes the place of something lighter."""
        if len(self._alerts) < MAX_ALERTS:
            return True
        lighter = (k for k, a in self._alerts.items() if a.finding.severity != Severity.ERROR)
        evicted = next(lighter, None) if finding.severity == Severity.ERROR else None
        self.counters["alerts_overflow"] += 1
        if evicted is not None:
            del self._alerts[evicted]
        return evicted is not None

    def _expire(self, now_ns: int) -> None:
        for pattern in [p for p, s in self._silences.items() if now_ns >= s.until_ns]:
            del self._silences[pattern]
            self.changed = self._moved = True

    def _fold(self, now_ns: int) -> None:
        """Find what explains each; what nothing explains any more has a moment to end too."""
        strong = [
            alert.finding
            for alert in self._alerts.values()
            if alert.finding.rule in CAUSE_RULES
            and not alert.ended_ns
            and self._loud(alert)
            and not self._silenced(alert.finding.key)
        ]
        alone_ns = now_ns + ALONE_NS + 2 * self._merge_ns
        for alert in list(self._alerts.values()):
            if alert.ended_ns:
                continue
            cause = cause_of(alert.finding, strong)
            if cause != alert.cause:
                due_ns = alert.due_ns if cause else max(alert.due_ns, alone_ns)
                self._put(replace(alert, cause=cause, explained=True, due_ns=due_ns))

    def _change(self, alert: Alert, now_ns: int) -> str:
        """What may be told of an alert now; empty = nothing."""
        if not self._loud(alert) and not alert.told_ns:
            return ""
        if alert.ended_ns:
            return self._change_of_ended(alert, now_ns)
        if alert.cause or self._held_back(alert, now_ns):
            return ""
        if not alert.told_ns:
            return "new"
        if self._worse(alert):
            return "worse"
        again = alert.repeat_ns and now_ns >= alert.repeat_ns and not alert.acked_by
        return "again" if again else ""

    def _change_of_ended(self, alert: Alert, now_ns: int) -> str:
        if alert.told_ns:
            quiet = alert.told_severity != Severity.ERROR and self._quiet.covers(now_ns)
            return "" if quiet else "resolved"
        error = alert.finding.severity == Severity.ERROR
        ended_with_cause = alert.cause or (alert.explained and alert.ended_ns < alert.due_ns)
        heard = error and not ended_with_cause and not self._silenced(alert.finding.key)
        return "over" if heard else ""

    def _wait_ns(self, change: str, alert: Alert, now_ns: int) -> int:
        """Until it is due; what is over may come back within the merge window."""
        match change:
            case "again":
                return alert.repeat_ns - now_ns
            case "resolved" | "over":
                return alert.ended_ns + self._merge_ns - now_ns
            case _:
                return alert.due_ns - now_ns

    def _early_ns(self, change: str) -> int:
        """So much before its time it goes with a message that is due."""
        return self._merge_ns if change in {"new", "worse"} else 0

    def _message(self, chosen: Iterable[tuple[str, Alert]], now_ns: int) -> Message:
        items = [self._tell(change, alert, now_ns) for change, alert in chosen]
        self.changed = True
        live = [i.finding.severity for i in items if i.change != "resolved"]
        gravest = max(live, key=lambda each: RANK[Severity(each)], default=Severity.INFO)
        return Message(id=self._new_id(), ts_ns=now_ns, severity=gravest, items=items)

    def _tell(self, change: str, alert: Alert, now_ns: int) -> Item:
        key = alert.finding.key
        also = [other.finding.key for other in self._alerts.values() if other.cause == key]
        if alert.ended_ns:
            self._bury(alert)
        else:
            pause_s = min(
                REPEAT_CEILING_S, self._settings.repeat_s * 2.0 ** min(alert.tellings, 20)
            )
            told = replace(
                alert,
                told_ns=alert.told_ns or now_ns,
                told_severity=alert.finding.severity,
                tellings=alert.tellings + 1,
                repeat_ns=now_ns + int(pause_s * SECOND_NS) if self._settings.repeat_s else 0,
            )
            self._put(told)
        self.counters[f"alerts_{change}"] += 1
        return Item(
            change=change, finding=alert.finding, ended_ns=alert.ended_ns, also=also[:MAX_ALSO]
        )

    def _forget_untold(self, now_ns: int) -> None:
        """Let go of what ended without a word: nobody has to hear of it."""
        for alert in list(self._alerts.values()):
            if not alert.ended_ns or now_ns < alert.ended_ns + self._merge_ns:
                continue
            if not alert.told_ns and not self._change(alert, now_ns):
                self.counters["alerts_passed_over"] += 1
                self._bury(alert)

    def _bury(self, alert: Alert) -> None:
        del self._alerts[alert.finding.key]
        self.changed = self._moved = True

    def _loud(self, alert: Alert) -> bool:
        return RANK[_severity(alert.finding.severity)] >= self._least

    def _worse(self, alert: Alert) -> bool:
        told = RANK.get(_severity(alert.told_severity), 0)
        return bool(alert.told_ns) and RANK[_severity(alert.finding.severity)] > told

    def _held_back(self, alert: Alert, now_ns: int) -> bool:
        light = alert.finding.severity != Severity.ERROR
        return self._silenced(alert.finding.key) or (light and self._quiet.covers(now_ns))

    def _silenced(self, key: str) -> bool:
        return any(fnmatchcase(key, pattern) for pattern in self._silences)


def _severity(name: str) -> Severity:
    """What somebody else may call a severity; an unknown one is taken for a warning."""
    try:
        return Severity(name)
    except ValueError:
        return Severity.WARNING
