"""Options of `mdhub tail`."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from mdhub.cli.completion import event_kinds
from mdhub.cli.completion import patterns as product_patterns
from mdhub.cli.epilog import epilog
from mdhub.cli.formats import Format
from mdhub.wire.ops import Severity

__all__ = ["TAIL_EPILOG", "tail"]

TAIL_EPILOG: Final = epilog(
    "mdhub tail 'IF*.CFFEX' 'rb2610.SHFE' --changed --format csv",
    "mdhub tail --rejected --reason volume_regress --since 10m",
    "mdhub tail --events --severity warning --since 21:00 --json",
    "mdhub tail --logs --level error --source ingest:A",
    codes="0 ended by Ctrl-C or --count, or the reader of the pipe left, 1 no publisher or log "
    "answers, or a pattern is none",
)
ENDPOINT: Final = "tcp://127.0.0.1:5555"
LAST: Final = 10
STREAMS: Final = "--rejected, --events and --logs"
FOR_TICKS: Final = "--endpoint, --server-key, --key, --changed and --no-snapshot"


Patterns = Annotated[
    list[str] | None,
    typer.Argument(
        help="Instruments, e.g. 'IF*.CFFEX'; default all.", autocompletion=product_patterns
    ),
]
Endpoints = Annotated[
    list[str] | None,
    typer.Option(help=f"Publisher; repeatable. Default {ENDPOINT}.", show_default=False),
]
Reasons = Annotated[
    list[str] | None,
    typer.Option(help="Only refused for this reason (docs/rules.md); repeatable."),
]
Kinds = Annotated[
    list[str] | None,
    typer.Option(help="Only events of this kind; repeatable.", autocompletion=event_kinds),
]
Level = Literal["debug", "info", "warning", "error"]
LevelOption = Annotated[
    Level | None, typer.Option(help="Only log lines of this level and above; default info.")
]
AtLeast = Annotated[Severity | None, typer.Option(help="Only events of this severity and above.")]
Moment = Annotated[
    str | None,
    typer.Option(
        metavar="MOMENT",
        help="Begin there: 10m (ago; s, m, h, d), 21:00 or 2026-11-23T21:00 (China time). "
        f"Default: the newest {LAST} rows.",
    ),
]


FormOption = Annotated[
    Format | None, typer.Option("--format", help="Default: a table on a terminal, lines in a pipe.")
]
SourceOption = Annotated[
    str | None,
    typer.Option(
        help="Only of this source (of events: this subject; of log lines: ingest or ingest:A)."
    ),
]


Changed = Annotated[
    bool, typer.Option("--changed", help="Only ticks that change the contract's volume.")
]
Rejected = Annotated[
    bool, typer.Option("--rejected", help="What the arbiter refused, read from the log.")
]
ServerKey = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="The publishers' public key, if they want keys. Default: MDHUB_SERVER_KEY.",
    ),
]
ClientKey = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="The own key pair that goes with it. Default: MDHUB_CLIENT_KEY."
    ),
]
ConfigFile = Annotated[Path | None, typer.Option(help="Configuration file (TOML).")]


def tail(  # noqa: PLR0913 - options of a command
    patterns: Patterns = None,
    endpoint: Endpoints = None,
    server_key: ServerKey = None,
    key: ClientKey = None,
    form: FormOption = None,
    json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    source: SourceOption = None,
    changed: Changed = False,
    snapshot: Annotated[bool, typer.Option(help="Begin with last values.")] = True,
    count: Annotated[int | None, typer.Option(min=1, help="End after this many rows.")] = None,
    rejected: Rejected = False,
    reason: Reasons = None,
    events: Annotated[bool, typer.Option("--events", help="Events, read from the log.")] = False,
    kind: Kinds = None,
    severity: AtLeast = None,
    logs: Annotated[bool, typer.Option("--logs", help="Log lines, read from the log.")] = False,
    level: LevelOption = None,
    since: Moment = None,
    config: ConfigFile = None,
    data: Annotated[Path | None, typer.Option(help="Folder of an embedded server's data.")] = None,
) -> None:
    """Follow clean ticks, rejected ticks, events or log lines.

    Ticks (of a publisher): patterns, --source, --changed. Rejections (of the log): patterns,
    --source, --reason, --since. Events (of the log): --source, --kind, --severity, --since. Log
    lines (of the log): --source, --level, --since. JSON is one object with field names per line,
    CSV has a header.

    The log is found by --data or --config, by MDHUB_REDIS_URL, else in the folder mdhub-data.
    """
    log = rejected or events or logs
    _refuse(rejected + events + logs > 1, STREAMS, "are different streams: choose one")
    _refuse(level and not logs, "--level", "goes with --logs")
    _refuse(reason and not rejected, "--reason", "goes with --rejected")
    _refuse((kind or severity) and not events, "--kind and --severity", "go with --events")
    _refuse(since and not log, "--since", f"goes with {STREAMS}: ticks begin now")
    tick_options = endpoint or server_key or key or changed or not snapshot
    _refuse(log and tick_options, FOR_TICKS, "are for ticks only")
    _refuse((events or logs) and patterns, "a pattern", "is for ticks and --rejected: use --source")
    chosen = "json" if json else form
    if not log:
        from mdhub.cli.tail import Publishers, TickFilter, run_tail

        where = Publishers(tuple(endpoint or [ENDPOINT]), server_key, key)
        passing = TickFilter(source, changed, count)
        sys.exit(run_tail(patterns or ["*"], where, form=chosen, snapshot=snapshot, chosen=passing))
    from mdhub.cli.hubs import find_hub
    from mdhub.cli.tail_log import LogFilter, follow_events, follow_lines, follow_rejected

    shown = LogFilter(
        patterns=tuple(patterns or ["*"]), source=source, reasons=tuple(reason or ()),
        kinds=tuple(kind or ()), severity=severity or Severity.INFO, level=level or "info",
        since_ms=_since_ms(since), last=LAST, count=count,
    )  # fmt: skip
    follow = follow_rejected if rejected else follow_events if events else follow_lines
    default: Format = "table" if sys.stdout.isatty() else "lines"
    sys.exit(follow(find_hub(config, data), chosen or default, shown))


def _refuse(wrong: object, options: str, words: str) -> None:
    if wrong:
        raise typer.BadParameter(f"{options} {words}")


def _since_ms(since: str | None) -> int | None:
    from mdhub.cli.moments import moment_ms

    return None if since is None else moment_ms(since, time.time_ns() // 1_000_000)
