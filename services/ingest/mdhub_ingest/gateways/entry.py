"""One instrument on its way to being confirmed; `subscriptions.py` moves it along."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from heapq import nsmallest
from operator import attrgetter
from typing import Final

from mdhub_ingest.gateways.coverage import EXAMPLES
from mdhub_ingest.gateways.port import Instrument
from mdhub_ingest.gateways.universe import Order, Role

__all__ = ["Entry", "State", "by_order", "names_of", "probes_first", "wanted_first"]

by_order: Final = attrgetter("order")


class State(StrEnum):
    """How far it has come on the connection there is."""

    QUEUED = "queued"
    ASKED = "asked"
    CONFIRMED = "confirmed"
    SILENT = "silent"


class Entry:
    """One instrument that is or was wanted."""

    __slots__ = (
        "asked", "asks", "due_s", "held", "instrument", "key", "life", "order", "queued", "role",
        "state",
    )  # fmt: skip

    def __init__(self, key: str, instrument: Instrument, order: Order, life: int) -> None:
        self.key = key
        self.instrument = instrument
        self.order = order
        self.life = life
        """Connection that state, asks and queued are of; `_current` keeps it up."""
        self.role = Role.NONE
        self.state = State.QUEUED
        self.held = False
        """It has one of the places the front has, from before it is asked for."""
        self.queued = False
        self.asked = False
        """Since it has its place."""
        self.asks = 0
        """In vain, on this connection."""
        self.due_s = 0.0

    @property
    def bucket(self) -> str:
        """What it counts as."""
        if self.role is Role.WANTED:
            return self.state if self.held else "waiting"
        if self.role is Role.PROBE:
            return "probe" if self.held else "probe_waiting"
        return ""


def probes_first(entry: Entry) -> tuple[bool, Order]:
    """Without a limit all are asked for; those that decide rules come first."""
    return entry.role is not Role.PROBE, entry.order


def wanted_first(entry: Entry) -> tuple[bool, Order]:
    """Under a limit a probe gets what the wanted leave."""
    return entry.role is not Role.WANTED, entry.order


def names_of(entries: Iterable[Entry]) -> tuple[str, ...]:
    """Name the first few in the order of asking."""
    return tuple(entry.key for entry in nsmallest(EXAMPLES, entries, key=by_order))
