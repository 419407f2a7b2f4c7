"""What is wrong with a hub, and what to do. Pure."""

from __future__ import annotations

from typing import Final

from mdhub.cli.status.facts import GONE_MS, HubFacts, Service, Shard
from mdhub.runtime.heartbeat import ENDED

__all__ = ["problems"]

MEMORY_ALARM_PERCENT: Final = 70
TROUBLED: Final = {
    "stalled": "it sends nothing new: look at the arbiter and the server",
    "ineligible": "it computed something else than the leader and will not take over: run one "
    "version of mdhub everywhere, then restart it",
    "holding": "it waits for a leader: look at the arbiter",
}


def problems(facts: HubFacts, *, silent_ms: int) -> list[str]:
    """One line each: what is wrong, and what to do. Empty = all is well."""
    found = _of_shards(facts)
    found += [_unled(shard) for shard in facts.shards if not shard.led]
    for service in facts.services:
        found += _of_service(service, silent_ms)
    limit = facts.server.limit_bytes
    percent = 100 * facts.server.used_bytes // limit if limit else 0
    if percent >= MEMORY_ALARM_PERCENT:
        found.append(
            f"the server's memory is {percent} % full: raise its limit (maxmemory_mb of "
            "[server]) or keep less ([retention])"
        )
    return found


def _of_shards(facts: HubFacts) -> list[str]:
    has, said = len(facts.shards), facts.configured_shards
    if said in {None, has}:
        return []
    words = (
        f"the configuration says {said} shards, this hub's log was made for {has}: set shards of "
        f"[hub] to {has}, or name the right hub (--data, --config or MDHUB_REDIS_URL)"
    )
    return [words]


def _unled(shard: Shard) -> str:
    if not shard.token:
        return f"shard {shard.shard} was never led: start its arbiter (mdhub up, mdhub run arbiter)"
    return (
        f"shard {shard.shard} has no leader (the last one had token {shard.token}): start an "
        f"arbiter (mdhub run arbiter --shard {shard.shard}), or see why it stopped in its log"
    )


def _of_service(service: Service, silent_ms: int) -> list[str]:
    if service.state == ENDED or service.age_ms > GONE_MS:
        return []
    if service.age_ms > silent_ms:
        kind = service.instance.partition(":")[0]
        words = (
            f"{service.instance} (pid {service.pid}) has been silent for "
            f"{service.age_ms / 1000:.0f} s: start it again (mdhub run {kind}), or see why it "
            "stopped in its log"
        )
        return [words]
    advice = TROUBLED.get(service.state)
    return [f"{service.instance} is {service.state}: {advice}"] if advice else []
