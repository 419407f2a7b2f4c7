"""Commands to the alerting (target `monitor`); each gets exactly one result.

* `alerts.ack {pattern}`: somebody cares about these alerts; no repeats any more.
* `alerts.silence {pattern, until_ns, reason}`, `alerts.unsilence {pattern}`.
* `alerts.test {}`: one message to every channel; the result says how each took it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

from mdhub.health.alerts import ACTIONS, TARGET, Message, Silence
from mdhub.wire.codec import DecodeError, decode_command, encode
from mdhub.wire.ops import Command, Event, EventKind, Severity
from mdhub.wire.ticks import SCHEMA_VERSION
from mdhub_monitor.alerts.centre import Centre
from mdhub_monitor.alerts.post import Fate

__all__ = ["Orders", "ordered"]

SHOWN: Final = 200
MAX_ID: Final = 128
MAX_PATTERN: Final = 256
MAX_SILENCE_NS: Final = 30 * 86_400 * 1_000_000_000
FORGOTTEN_NS: Final = 23 * 3_600 * 1_000_000_000
"""The log remembers for 24 h that a command was answered: older ones are left alone."""
SPARE_NS: Final = 300_000_000
"""A test is answered so long before the asker stops waiting."""

Answer = tuple[Command, bool, Mapping[str, Any]]
_Action = Callable[[Command, int], Mapping[str, Any] | None]


class Refused(ValueError):
    """What is asked makes no sense; the message goes back to the asker."""


@dataclass(slots=True)
class _Test:
    command: Command
    waiting: set[str]
    results: dict[str, dict[str, Any]] = field(default_factory=dict)


def ordered(fields: list[bytes], now_ns: int) -> Command | None:
    """A command that is meant for the alerting and not too old to be known; else None."""
    try:
        command = decode_command(fields[1])
    except (DecodeError, IndexError):
        return None
    mine = command.target.partition(":")[0] == TARGET and 0 < len(command.id) <= MAX_ID
    return command if mine and now_ns - command.ts_ns <= FORGOTTEN_NS else None


class Orders:
    """Carries out commands; `answer` writes the results that are ready."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre
        self._ready: deque[Answer] = deque()
        self._tests: dict[str, _Test] = {}
        self._actions: Mapping[str, _Action] = {
            "alerts.ack": self._acknowledge,
            "alerts.silence": self._silence,
            "alerts.unsilence": self._unsilence,
            "alerts.test": self._test,
        }
        centre.on_fate(self._on_fate)

    def obey(self, command: Command, now_ns: int) -> None:
        """Carry out one; its result comes with `answers`, a test's a moment later."""
        action = self._actions.get(command.action)
        if now_ns > command.expires_ns:
            self._ready.append((command, False, {"error": "expired"}))
        elif command.target != TARGET or action is None:
            asked = f"{command.target}: {command.action}"[:SHOWN]
            error = f"unknown action {asked!r}; {TARGET} knows {', '.join(ACTIONS)}"
            self._ready.append((command, False, {"error": error}))
        else:
            self._carry_out(action, command, now_ns)

    def _carry_out(self, action: _Action, command: Command, now_ns: int) -> None:
        try:
            result = action(command, now_ns)
        except Refused as error:
            self._ready.append((command, False, {"error": str(error)}))
            return
        if result is not None:
            self._ready.append((command, True, result))

    def answer(self, now_ns: int, done: Callable[[str, bytes], object]) -> None:
        """Hand the results that are ready to `done`; one whose writing fails stays ready."""
        for test in list(self._tests.values()):
            if not test.waiting or now_ns > test.command.expires_ns - SPARE_NS:
                self._end_test(test)
        while self._ready:
            command, ok, result = self._ready[0]
            done(command.id, _event(command, ok, result, now_ns))
            self._ready.popleft()

    def _acknowledge(self, command: Command, now_ns: int) -> Mapping[str, Any]:
        pattern = _pattern(command)
        met = self._centre.policy.acknowledge(pattern, by=command.issuer[:SHOWN], now_ns=now_ns)
        if not met:
            raise Refused(f"no alert fits {pattern[:SHOWN]!r}: see mdhub alerts list")
        return {"acknowledged": met}

    def _silence(self, command: Command, now_ns: int) -> Mapping[str, Any]:
        until_ns = command.args.get("until_ns")
        if not isinstance(until_ns, int) or not now_ns < until_ns <= now_ns + MAX_SILENCE_NS:
            raise Refused("until_ns was expected as a moment within the next 30 days")
        silence = Silence(
            pattern=_pattern(command),
            until_ns=until_ns,
            by=command.issuer[:SHOWN],
            reason=str(command.args.get("reason", ""))[:SHOWN],
        )
        if not self._centre.policy.silence(silence):
            raise Refused("there are too many silences: end some with mdhub alerts unsilence")
        return {"pattern": silence.pattern, "until_ns": until_ns}

    def _unsilence(self, command: Command, now_ns: int) -> Mapping[str, Any]:  # noqa: ARG002 - as all actions
        pattern = _pattern(command)
        if not self._centre.policy.unsilence(pattern):
            raise Refused(f"there is no silence {pattern[:SHOWN]!r}: see mdhub alerts list")
        return {"pattern": pattern}

    def _test(self, command: Command, now_ns: int) -> None:
        if not self._centre.facts():
            raise Refused("no channel is configured: see [alerts] in docs/alerts.md")
        message = Message(id=uuid4().hex, ts_ns=now_ns, severity=Severity.INFO)
        test = _Test(command, set(self._centre.channels))
        for facts in self._centre.facts():
            if facts.name not in test.waiting:
                test.results[facts.name] = {"ok": False, "problem": facts.problem}
        self._tests[message.id] = test
        self._centre.put(message, now_ns, once=True)

    def _on_fate(self, fate: Fate) -> None:
        test = self._tests.get(fate.message.id)
        if test is not None and fate.channel in test.waiting and fate.change != "hangs":
            test.waiting.discard(fate.channel)
            ok = fate.change == "sent"
            result = {"ok": ok, "took_ms": fate.took_ms, "problem": fate.problem}
            test.results[fate.channel] = result

    def _end_test(self, test: _Test) -> None:
        self._tests = {id_: each for id_, each in self._tests.items() if each is not test}
        for name in test.waiting:
            test.results[name] = {"ok": False, "problem": "no answer yet: it is slow, or it hangs"}
        ok = all(result["ok"] for result in test.results.values())
        self._ready.append((test.command, ok, {"channels": test.results}))


def _pattern(command: Command) -> str:
    pattern = command.args.get("pattern")
    if not isinstance(pattern, str) or not 0 < len(pattern) <= MAX_PATTERN:
        raise Refused("pattern was expected, such as source_silent:CTP1 or source_*")
    return pattern


def _event(command: Command, ok: bool, result: Mapping[str, Any], now_ns: int) -> bytes:  # noqa: FBT001 - of the answer
    severity = Severity.INFO if ok else Severity.WARNING
    body = {"ok": ok, "command": command.id, "action": command.action[:SHOWN], "result": result}
    return encode(
        Event(
            SCHEMA_VERSION, uuid4().hex, now_ns, "monitor", EventKind.COMMAND_DONE, command.id,
            severity, command.id, body,
        )
    )  # fmt: skip
