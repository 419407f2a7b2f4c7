"""Hands shards over to their standbys: one command each, one result each."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from mdhub.cli.hubs import HubAddress
from mdhub.cli.pipe import reader_may_leave
from mdhub.runtime.errors import ServiceError
from mdhub.streams import open_log
from mdhub.streams.asking import Request, arbiter_of, ask
from mdhub.streams.port import Log

__all__ = ["Handed", "hand_over", "run_failover"]


@dataclass(frozen=True, slots=True)
class Handed:
    """What became of one shard."""

    shard: int
    ok: bool
    result: dict[str, Any]
    """`leader`, `before`, `token` and `silence_ms`, or `error`; of a dry run `standby`."""

    @property
    def sentence(self) -> str:
        said = self.result
        if not self.ok:
            return f"shard {self.shard}: {said['error']}"
        if said.get("dry_run"):
            others = " or ".join(map(str, said.get("standby", [])))
            return (
                f"shard {self.shard}: {said.get('leader')} would resign and {others} take over; "
                "expected silence: some 10 ms, no tick lost"
            )
        return (
            f"shard {self.shard}: {said.get('leader')} leads instead of {said.get('before')}; "
            f"it was without a leader for {said.get('silence_ms')} ms"
        )


def run_failover(
    hub: HubAddress,
    shard: int | None,
    *,
    reason: str,
    dry_run: bool,
    timeout_s: float,
    as_json: bool,
) -> int:
    """Hand over one shard, or all, one after the other up to the first that refuses; 0 = all."""
    log = open_log(hub.url, service="cli", prefix=hub.prefix)
    try:
        shards = _wanted(log, shard)
        done: list[Handed] = []
        for each in shards:
            done.append(hand_over(log, each, reason=reason, dry_run=dry_run, timeout_s=timeout_s))
            if not done[-1].ok:
                break  # the standbys of the others may be no better
    finally:
        log.close()
    good = all(each.ok for each in done)
    with reader_may_leave():
        if as_json:
            results = [{"shard": each.shard, "ok": each.ok, **each.result} for each in done]
            print(json.dumps({"ok": good, "dry_run": dry_run, "shards": results}))
        else:
            print("\n".join(each.sentence for each in done if each.ok))
    if good or as_json:
        return 0 if good else 1
    raise ServiceError(done[-1].sentence)


def hand_over(log: Log, shard: int, *, reason: str, dry_run: bool, timeout_s: float) -> Handed:
    """Ask the leader of a shard to hand it over; the next leader answers. Raises StreamsError."""
    args: dict[str, Any] = {"reason": reason} | ({"dry_run": True} if dry_run else {})
    request = Request(arbiter_of(shard), "failover", args)
    (answer,) = ask(log, [request], issuer="cli", timeout_s=timeout_s)
    if answer is None:
        words = f"no answer within {timeout_s:g} s: see mdhub status whether the shard is led"
        return Handed(shard, ok=False, result={"error": words})
    result = answer.result if isinstance(answer.result, dict) else {"error": str(answer.result)}
    if not answer.ok and "error" not in result:
        result = result | {"error": "refused without a reason"}
    return Handed(shard, answer.ok, {k: v for k, v in result.items() if k != "shard"})


def _wanted(log: Log, shard: int | None) -> range:
    shards = log.shards() or 1
    if shard is None:
        return range(shards)
    if shard >= shards:
        raise ServiceError(f"shard was {shard}, but this hub has shards 0 to {shards - 1}")
    return range(shard, shard + 1)
