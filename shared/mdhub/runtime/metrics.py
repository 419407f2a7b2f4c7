"""What a process shows of itself at `--metrics PORT`: /metrics, /healthz, /readyz.

The main loop puts its numbers on a `Board` when it makes its heartbeat, about once a second; a
thread of low demands answers from there. Nothing is counted twice and nothing is counted for it:
on the tick path stand the integers of the heartbeat. A port that cannot be had is an ERROR line,
and the process does its work without.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple, Protocol

from mdhub.metrics.of_beat import samples_of_beat
from mdhub.metrics.sample import Sample
from mdhub.runtime.heartbeat import ENDED

__all__ = [
    "ALIVE_S",
    "FRESH_S",
    "LOOPBACK",
    "Address",
    "Board",
    "add_metrics_option",
    "serve_metrics",
]

FRESH_S: Final = 3.0
"""Who has said nothing for so long is not ready: the log is away, or the loop stands still."""
ALIVE_S: Final = 60.0
"""A main loop that has not come round for so long is dead; recovery from a long log takes a while.
Whoever restarts processes by it does so where nothing quicker does (keeper, standby)."""
NOT_READY: Final = frozenset({"", "stalled", "holding", "ineligible", "waiting", ENDED})
LOOPBACK: Final = "127.0.0.1"


class Address(NamedTuple):
    """Where metrics are served; port 0 = nowhere."""

    host: str = LOOPBACK
    port: int = 0

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    def moved(self, by: int) -> Address:
        """Return the address that many ports above; nowhere stays nowhere."""
        return self._replace(port=self.port + by) if self.port else self


class _Errors(Protocol):
    def error(self, event: str, /, **fields: Any) -> None: ...


class _Closing(Protocol):
    def close(self) -> None: ...


class Board:
    """What a process last said of itself. Its own thread writes, others read at any time."""

    def __init__(self, member: str, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        """`member` is the process's name in its heartbeat, such as `arbiter:A`."""
        self.member = member
        self._monotonic = monotonic
        self._round_s = self._said_s = monotonic()
        self._said: tuple[str, Mapping[str, int]] = ("", {})
        self._silent_s: Callable[[], float] = self._since_round_s

    def round(self) -> None:
        """The main loop comes round."""
        self._round_s = self._monotonic()

    def follow(self, silent_s: Callable[[], float]) -> None:
        """Take the loop's own sign of life in place of `round`: seconds since the newest."""
        self._silent_s = silent_s

    def say(self, state: str, counters: Mapping[str, int]) -> None:
        """Put up state and numbers; the mapping must not change any more."""
        self._said = state, counters
        self._said_s = self._monotonic()

    def not_alive(self) -> str:
        """Why the process should be replaced; empty = it lives."""
        silent_s = self._silent_s()
        return "" if silent_s < ALIVE_S else f"the main loop has stood still for {silent_s:.0f} s"

    def not_ready(self) -> str:
        """Why it does not do its work now; empty = it does."""
        state, _ = self._said
        if state in NOT_READY:
            return f"state is {state or 'starting'}"
        said_ago_s = self._monotonic() - self._said_s
        if said_ago_s > FRESH_S:
            return f"state was {state} {said_ago_s:.0f} s ago; nothing was said since"
        return ""

    def samples(self) -> Iterable[Sample]:
        """Everything said, and how old it is."""
        now_s, member = self._monotonic(), (self.member,)
        yield Sample("mdhub_ready", member, not self.not_ready())
        yield Sample("mdhub_said_age_seconds", member, now_s - self._said_s)
        yield Sample("mdhub_loop_silent_seconds", member, self._silent_s())
        yield from samples_of_beat(self.member, *self._said)

    def _since_round_s(self) -> float:
        return self._monotonic() - self._round_s


def add_metrics_option(parser: argparse.ArgumentParser, name: str = "--metrics") -> None:
    """Add the option that every process has."""
    parser.add_argument(
        name, type=_address, default=Address(), metavar="[ADDRESS:]PORT",
        help="serve /metrics, /healthz and /readyz there, on loopback unless an address is given "
        "(default: nowhere)",
    )  # fmt: skip


def _address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or int(port) >= 1 << 16:
        raise argparse.ArgumentTypeError(f"was {text!r}, expected such as 9464 or 0.0.0.0:9464")
    return Address(host or LOOPBACK, int(port))


class _Nothing:
    def close(self) -> None:
        """Nothing was opened."""


def serve_metrics(
    address: Address,
    board: Board,
    logger: _Errors,
    more: Callable[[], Iterable[Sample]] = tuple,
) -> _Closing:
    """Serve until closed, in a thread of its own. `more` is called there, at each scrape."""
    if not address.port:
        return _Nothing()
    # Only now: nine processes of ten are started without.
    from mdhub.runtime.health_http import HealthServer  # noqa: PLC0415 - see above

    try:
        return HealthServer(address, board, more)
    except OSError as error:
        reason = f"metrics cannot be served on {address}: {error}; choose another port"
        logger.error("no_metrics", reason=reason)
        return _Nothing()
