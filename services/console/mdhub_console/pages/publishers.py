"""The publishers, and who is connected: for the overview and the page of the system."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from mdhub.runtime.ports import connections
from mdhub.runtime.standing import read_beat
from mdhub_console.pages.in_force import config_of
from mdhub_console.pages.verdict import Tone
from mdhub_console.parts import Parts

__all__ = ["SILENT_MS", "Publisher", "clients_of", "publishers_of"]

SILENT_MS: Final = 3_000


@dataclass(frozen=True, slots=True)
class Publisher:
    """One publisher, and who is connected."""

    name: str
    tone: Tone
    state: str
    host: str
    age_ms: int
    counters: Mapping[str, int]
    clients: int | None


def publishers_of(parts: Parts, *, now_ns: int) -> list[Publisher]:
    """Every publisher of which there is a heartbeat, by name.

    Clients are counted at the ports of the configuration, so on the publisher's own host only:
    its thread has ticks to send.
    """
    config, host = config_of(parts), socket.gethostname()
    ports = {each.id: each.port for each in config.publishers} if config else {}
    found: list[Publisher] = []
    for instance, payload in sorted(parts.live.view.beats.items()):
        beat = read_beat(payload) if instance.startswith("publisher:") else None
        if beat is None:
            continue
        name = instance.partition(":")[2]
        age_ms = (now_ns - beat.ts_ns) // 1_000_000
        clients = connections(ports[name]) if name in ports and beat.host == host else None
        tone: Tone = "off" if beat.state == "ended" else "ok" if age_ms < SILENT_MS else "down"
        found.append(Publisher(name, tone, beat.state, beat.host, age_ms, beat.counters, clients))
    return found


def clients_of(publishers: Iterable[Publisher]) -> int | None:
    """Clients of those whose clients can be counted; None = of nobody."""
    counts = [each.clients for each in publishers if each.clients is not None]
    return sum(counts) if counts else None
