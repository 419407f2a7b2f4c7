"""Lives of commands: sent, then done, failed or expired; by whom, how long. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any, Final, Literal

import msgspec

from mdhub.wire.ops import Command, Event, EventKind

__all__ = ["CommandLife", "CommandState", "Commands", "Order", "order_of", "part_id"]

CommandState = Literal["sent", "done", "failed", "expired"]

GRACE_NS: Final = 2_000_000_000
"""After the end of a command's life: its result may still be on its way."""
_BETWEEN: Final = "."
"""Stands between the id of an order and the number of one of its commands."""


class CommandLife(msgspec.Struct, frozen=True, kw_only=True):
    """One command, and what became of it."""

    id: str
    issuer: str
    target: str
    action: str
    args: dict[str, Any]
    sent_ns: int
    expires_ns: int
    state: CommandState = "sent"
    """`expired`: nobody answered before its time was over, so nobody will carry it out."""
    done_ns: int = 0
    took_ms: float | None = None
    by: str = ""
    """Service that answered."""
    result: Any = None
    """Facts; of a refusal `error`, a sentence."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What a person asked for: one command, or one for each shard."""

    id: str
    state: CommandState
    """`sent` while a command has no result; then the worst of all."""
    issuer: str
    action: str
    sent_ns: int
    took_ms: float | None
    commands: list[CommandLife]


def part_id(order: str, number: int, of: int) -> str:
    """Id of one command of an order: that of the order if it is the only one."""
    return order if of == 1 else f"{order}{_BETWEEN}{number}"


def order_of(lives: Iterable[CommandLife]) -> Order | None:
    """Put the commands of an order together; None = there are none."""
    found = sorted(lives, key=lambda life: life.id)
    if not found:
        return None
    states = {life.state for life in found}
    worst: tuple[CommandState, ...] = ("sent", "failed", "expired", "done")
    took = [life.took_ms for life in found if life.took_ms is not None]
    return Order(
        id=found[0].id.partition(_BETWEEN)[0],
        state=next(state for state in worst if state in states),
        issuer=found[0].issuer,
        action=found[0].action,
        sent_ns=min(life.sent_ns for life in found),
        took_ms=max(took) if len(took) == len(found) else None,
        commands=found,
    )


class Commands:
    """The newest commands; the oldest make room."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lives: OrderedDict[str, CommandLife] = OrderedDict()
        self._early: OrderedDict[str, Event] = OrderedDict()
        """Results that came before their command: two streams are read, in no order."""
        self.version = 0
        """Grows with every change of a life."""

    def __len__(self) -> int:
        return len(self._lives)

    def sent(self, command: Command) -> None:
        """Take a command as it stands in the log; one that is known already is left alone."""
        if command.id in self._lives:
            return
        self.version += 1
        self._lives[command.id] = CommandLife(
            id=command.id,
            issuer=command.issuer,
            target=command.target,
            action=command.action,
            args=command.args,
            sent_ns=command.ts_ns,
            expires_ns=command.expires_ns,
        )
        if len(self._lives) > self._most:
            self._lives.popitem(last=False)
        early = self._early.pop(command.id, None)
        if early is not None:
            self.answered(early)

    def answered(self, event: Event) -> None:
        """Take an event; only results of commands count, and of each the first."""
        if event.kind != EventKind.COMMAND_DONE:
            return
        life = self._lives.get(event.correlation_id)
        if life is None:
            self._early[event.correlation_id] = event
            if len(self._early) > self._most:
                self._early.popitem(last=False)
            return
        if life.state == "sent":
            self.version += 1
            self._lives[life.id] = msgspec.structs.replace(
                life,
                state="done" if event.body.get("ok") is True else "failed",
                done_ns=event.ts_ns,
                took_ms=round((event.ts_ns - life.sent_ns) / 1e6, 1),
                by=event.service,
                result=event.body.get("result"),
            )

    def order(self, order_id: str, *, now_ns: int) -> Order | None:
        """What became of an order; None = it is not known (any more)."""
        own = self._lives.get(order_id)
        if own is not None:
            return order_of([_as_of(own, now_ns)])
        parts = f"{order_id}{_BETWEEN}"
        return order_of(
            _as_of(life, now_ns) for name, life in self._lives.items() if name.startswith(parts)
        )

    def newest(self, count: int, *, now_ns: int) -> list[CommandLife]:
        """The newest commands, newest first."""
        names = [name for name, _ in zip(reversed(self._lives), range(count), strict=False)]
        return [_as_of(self._lives[name], now_ns) for name in names]


def _as_of(life: CommandLife, now_ns: int) -> CommandLife:
    over = life.state == "sent" and now_ns > life.expires_ns + GRACE_NS
    return msgspec.structs.replace(life, state="expired") if over else life
