"""Facts as tables."""

from __future__ import annotations

from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mdhub.cli.status.facts import HubFacts, Service, Shard

__all__ = ["picture", "verdict"]

KEY_COUNTERS: Final = {
    "arbiter": ("n", "read", "instruments"),
    "ingest": ("taken", "waiting", "dropped", "reconnects", "malformed_rows"),
    "publisher": ("n", "published", "holes", "ring_dropped", "clients_dropped", "reconnects"),
}
_UNITS: Final = ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "kB"))
_SPANS: Final = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s"))


def verdict(problems: list[str]) -> Text:
    """What is wrong, or that nothing is."""
    if problems:
        return Text("\n".join(problems), style="bold red")
    return Text("all is well", style="green")


def picture(facts: HubFacts, address: str) -> RenderableType:
    """All of it, top to bottom."""
    server = facts.server
    memory = _bytes(server.used_bytes)
    if server.limit_bytes:
        memory += f" of {_bytes(server.limit_bytes)}"
    if server.servers > 1:
        memory += f" (fullest of {server.servers})"
    return Group(
        Text(f"server {address}  {server.version}  memory {memory}"),
        _shards(facts),
        _services(facts),
        _sources(facts),
        _streams(facts),
    )


def _table(*columns: str) -> Table:
    """Names to the left, numbers to the right (marked by >)."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in columns:
        table.add_column(name.lstrip(">"), justify="right" if name.startswith(">") else "left")
    return table


def _shards(facts: HubFacts) -> Table:
    table = _table("SHARD", "leader", ">token", ">epoch", "incarnation", ">n", ">lag", "readers")
    for shard in facts.shards:
        table.add_row(
            str(shard.shard), "yes" if shard.led else "NO", str(shard.token), str(shard.epoch),
            shard.incarnation, str(shard.n), _ms(shard.lag_ms), _readers(shard),
        )  # fmt: skip
    return table


def _readers(shard: Shard) -> str:
    return ", ".join(f"{name} {_ms(lag)}" for name, lag in shard.cursor_lag_ms.items())


def _services(facts: HubFacts) -> Table:
    table = _table("SERVICE", "state", ">heartbeat", ">pid", "counters")
    for service in facts.services:
        table.add_row(
            service.instance, service.state, f"{_ms(service.age_ms)} ago", str(service.pid),
            _counters(service),
        )  # fmt: skip
    return table


def _counters(service: Service) -> str:
    names = KEY_COUNTERS.get(service.instance.partition(":")[0], ())
    return " ".join(
        f"{name}={service.counters[name]}" for name in names if name in service.counters
    )


def _sources(facts: HubFacts) -> Table:
    table = _table(
        "SOURCE", "state", ">ticks/s", ">waiting", ">won", ">duplicate", ">late", ">rejected"
    )
    for source in facts.sources:
        rate = "-" if source.ticks_per_s is None else f"{source.ticks_per_s:.0f}"
        counts = (source.waiting, source.won, source.duplicate, source.late, source.rejected)
        table.add_row(source.name, source.state, rate, *map(str, counts))
    return table


def _streams(facts: HubFacts) -> Table:
    table = _table("STREAM", ">entries", ">memory", ">oldest", ">newest")
    for stream in facts.streams:
        name = stream.name if stream.shard is None else f"{stream.name} {stream.shard}"
        table.add_row(
            name, str(stream.length), _bytes(stream.bytes), _ms(stream.oldest_age_ms),
            _ms(stream.newest_age_ms),
        )  # fmt: skip
    return table


def _bytes(count: int) -> str:
    for size, unit in _UNITS:
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} B"


def _ms(span_ms: int | None) -> str:
    if span_ms is None:
        return "-"
    for size, unit in _SPANS:
        if span_ms >= size:
            return f"{span_ms / size:.1f} {unit}"
    return f"{span_ms} ms"
