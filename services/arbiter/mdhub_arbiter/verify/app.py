"""`mdhub verify`: is clean what raw says? Read-only, beside a running hub."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from mdhub.streams import open_log
from mdhub.streams.port import Log
from mdhub.streams.topology import RAW
from mdhub_arbiter.progress import Bar
from mdhub_arbiter.verify.recheck import Checked, NotCheckable, Start, recheck, starts
from mdhub_arbiter.verify.rows import Difference

__all__ = ["Verification", "main"]

EXAMPLE: Final = """The hub is found by --data or --config, by MDHUB_REDIS_URL, else in the
folder mdhub-data.

Exit codes: 0 clean and rejected are what raw says, 1 they are not (or the log cannot be read),
2 wrong options, or it cannot be said because raw is trimmed.

Example: mdhub verify --config hub.toml --from newest --json
"""


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """Result for one shard, as `--json` prints it."""

    shard: int
    equal: bool
    start: str
    first_raw: str
    """State was known after this entry; `0-0` = the log's beginning."""
    last_raw: str
    raw: int
    clean: int
    rejected: int
    trimmed_clean: int
    """Entries older than what clean still has: recomputed, but there is nothing to compare."""
    trimmed_rejected: int
    seconds: float
    difference: Difference | None


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; what it returns is the exit code. Raises MdhubError."""
    options = _parser().parse_args(argv)
    log, shards = _open(options)
    chosen = range(shards) if options.shard is None else [options.shard]
    try:
        found = [_verify(log, shard, options) for shard in chosen]
    finally:
        log.close()
    return 0 if all(verification.equal for verification in found) else 1


def _open(options: argparse.Namespace) -> tuple[Log, int]:
    from mdhub.cli.hubs import find_hub  # noqa: PLC0415 - pydantic, and only for this command

    hub = find_hub(options.config, options.data)
    log = open_log(hub.url, service="verifier", prefix=hub.prefix)
    shards = log.shards() or hub.shards or 1
    if options.shard is not None and not 0 <= options.shard < shards:
        log.close()
        raise NotCheckable(f"shard was {options.shard}, expected one below {shards}")
    return log, shards


def _verify(log: Log, shard: int, options: argparse.Namespace) -> Verification:
    began_s = time.monotonic()
    bar, entries = Bar(), log.length(RAW, shard=shard)

    def tell(checked: Checked) -> None:
        if bar.due:
            bar.show(checked.raw / max(1, entries), f"{checked.raw:,} raw entries")

    checked = recheck(log, shard, _start(log, shard, options.start), tell=tell)
    bar.end()
    result = Verification(
        shard=shard,
        equal=checked.difference is None,
        start=str(checked.start),
        first_raw=checked.start.after.decode(),
        last_raw=checked.upto.decode(),
        raw=checked.raw,
        clean=checked.clean,
        rejected=checked.rejected,
        trimmed_clean=checked.trimmed["clean"],
        trimmed_rejected=checked.trimmed["rejected"],
        seconds=round(time.monotonic() - began_s, 3),
        difference=checked.difference,
    )
    print(
        msgspec.json.encode(result, enc_hook=_as_text).decode() if options.json else _shown(result)
    )
    return result


def _start(log: Log, shard: int, wanted: str) -> Start:
    """Choose where to begin. Raises NotCheckable naming what would be possible."""
    possible = starts(log, shard)
    if not possible:
        raise NotCheckable(
            f"shard {shard}: nothing to start from: raw is empty or trimmed, and no snapshot lies "
            "in what is left of it; the leader takes one every 10 s"
        )
    if wanted == "newest":
        return possible[-1]
    if wanted == "start" and possible[0].manifest is not None:
        raise NotCheckable(
            f"shard {shard}: raw no longer has its first entry; checkable is what follows "
            f"{possible[0].after.decode()} (--from oldest)"
        )
    return possible[0]


def _shown(result: Verification) -> str:
    lines = [
        (
            f"shard {result.shard}: {result.raw:,} raw entries from {result.start} to "
            f"{result.last_raw} recomputed in {result.seconds:.1f} s: {result.clean:,} clean and "
            f"{result.rejected:,} rejected entries compared"
        )
    ]
    trimmed = {"clean": result.trimmed_clean, "rejected": result.trimmed_rejected}
    lines += [
        f"{count:,} entries are older than what {stream} still has: not compared"
        for stream, count in trimmed.items()
        if count
    ]
    if result.difference is None:
        return "\n".join([*lines, "equal: the log is what raw says, byte for byte"])
    where = result.difference
    lines.append(f"DIFFERENT: {where.stream} {where.id}, output of raw {where.raw_id}")
    for field in where.fields:
        lines.append(f"  {field.name}: f(raw) {field.f_of_raw!r}")
        lines.append(f"  {' ' * len(field.name)}  in log {field.in_log!r}")
    return "\n".join(lines)


def _as_text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mdhub verify",
        description="Recompute clean and rejected from raw; compare them with the log, byte for "
        "byte, up to what is committed now. Nothing is written.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="configuration of the hub")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="of an embedded server")
    parser.add_argument("--shard", type=int, help="only this shard (default all)")
    parser.add_argument(
        "--from",
        dest="start",
        choices=["oldest", "start", "newest"],
        default="oldest",
        help="the log's first entry, the newest snapshot, or the oldest point that raw still "
        "allows (default)",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object per shard")
    return parser
