"""`mdhub sources`: what became of each source's ticks; mute, unmute, prefer one."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from mdhub.cli.hubs import HubAddress
from mdhub.cli.pipe import reader_may_leave
from mdhub.runtime.errors import ServiceError
from mdhub.runtime.standing import ARBITER, COUNTS, SourceRow, read_beat, rows_of, speaks
from mdhub.streams import open_log
from mdhub.streams.asking import Answer, Request, arbiter_of, ask
from mdhub.streams.port import Log

__all__ = ["list_sources", "tell_source"]


def list_sources(hub: HubAddress, *, as_json: bool) -> int:
    """Print every source; exit code 1 if no arbiter speaks. Raises StreamsError."""
    log = open_log(hub.url, service="cli", prefix=hub.prefix)
    try:
        beats, now_ns = log.beats(), time.time_ns()
    finally:
        log.close()
    rows = rows_of(beats, silent_ms=hub.silent_ms, now_ns=now_ns)
    told = any(
        beat is not None and speaks(beat, hub.silent_ms, now_ns)
        for name, payload in beats.items()
        if name.startswith(ARBITER)
        for beat in [read_beat(payload)]
    )
    with reader_may_leave():
        if as_json:
            print(json.dumps({"arbiter": told, "sources": [asdict(row) for row in rows]}))
        else:
            print("\n".join(_table(rows)))
    if not told:
        raise ServiceError(
            "no arbiter has said anything of late, so the counts are missing: see mdhub status"
        )
    return 0


def tell_source(
    hub: HubAddress, action: str, source: str, *, reason: str, timeout_s: float, as_json: bool
) -> int:
    """Send `mute`, `unmute` or `prefer` to the leader of each shard; 0 if all have obeyed."""
    log = open_log(hub.url, service="cli", prefix=hub.prefix)
    try:
        answers = _ask(log, action, {"source": source, "reason": reason}, timeout_s)
    finally:
        log.close()
    shown = [_said(shard, answer, timeout_s) for shard, answer in enumerate(answers)]
    good = all(answer is not None and answer.ok for answer in answers)
    with reader_may_leave():
        if as_json:
            print(json.dumps({"ok": good, "action": action, "source": source, "shards": shown}))
        elif good:
            print(f"{_DONE[action].format(source=source)}{_remark(action, answers)}")
    if good or as_json:
        return 0 if good else 1
    failed = [f"shard {each['shard']}: {each['error']}" for each in shown if "error" in each]
    raise ServiceError("; ".join(failed))


_DONE: Final = {
    "mute": "{source} is muted: its ticks are refused (source_muted) until it is unmuted",
    "unmute": "{source} is heard again",
    "prefer": "{source} comes first",
}


def _ask(log: Log, action: str, args: Mapping[str, Any], timeout_s: float) -> list[Answer | None]:
    requests = [Request(arbiter_of(s), action, args) for s in range(log.shards() or 1)]
    return ask(log, requests, issuer="cli", timeout_s=timeout_s)


def _said(shard: int, answer: Answer | None, timeout_s: float) -> dict[str, Any]:
    if answer is None:
        words = (
            f"no answer within {timeout_s:g} s; the command has expired, so it will not be carried "
            "out later: see mdhub status whether the shard is led"
        )
        return {"shard": shard, "error": words}
    result = answer.result if isinstance(answer.result, dict) else {"error": str(answer.result)}
    if not answer.ok and "error" not in result:
        result = result | {"error": "refused without a reason"}
    return {"shard": shard} | result


def _remark(action: str, answers: Sequence[Answer | None]) -> str:
    modes = [answer.result.get("priority") for answer in answers if answer is not None]
    if action == "prefer" and not any(modes):
        return "; but no exchange is in mode priority, so all sources race as before"
    return ""


def _table(rows: Sequence[SourceRow]) -> list[str]:
    heads = ["SOURCE", "state", "standing", *COUNTS]
    cells = [[str(value) or "-" for value in asdict(row).values()] for row in rows]
    widths = [max(len(line[i]) for line in [heads, *cells]) for i in range(len(heads))]
    texts = 3  # these stand to the left, numbers to the right
    return [
        "  ".join(
            cell.ljust(width) if i < texts else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in [heads, *cells]
    ]
