"""`mdhub`: the command line. Commands load what they run only when they run."""

from __future__ import annotations

import os
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, Literal

try:
    import typer
except ImportError:  # the base install is the SDK alone
    sys.exit('the mdhub command needs its own extra: pip install "mdhub[cli]" (or "mdhub[demo]")')

from mdhub import __version__
from mdhub.cli.accounts_app import accounts_app
from mdhub.cli.alerts_app import alerts_app
from mdhub.cli.backup_app import backup_app
from mdhub.cli.completion import services
from mdhub.cli.config_app import config_app
from mdhub.cli.drill_app import DRILL_EPILOG, drill
from mdhub.cli.epilog import epilog
from mdhub.cli.failover_app import failover_app
from mdhub.cli.health_app import HEALTH_EPILOG, health
from mdhub.cli.keys_app import keys_app
from mdhub.cli.report_app import REPORT_EPILOG, report
from mdhub.cli.run import RUN_EPILOG
from mdhub.cli.sources_app import sources_app
from mdhub.cli.tail_app import TAIL_EPILOG, tail
from mdhub.runtime.secret import URL_VARIABLE, follow_reference
from mdhub.wire.errors import MdhubError

__all__ = ["app", "main"]

app = typer.Typer(
    name="mdhub",
    help="One trusted market data stream from several live feeds of Chinese futures and options.",
    epilog=epilog(
        "mdhub demo",
        "mdhub up, and beside it mdhub status --watch and mdhub tail",
        codes="0 done, 1 it went wrong (one sentence on stderr says what to do)",
    ),
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(config_app, name="config")
app.add_typer(sources_app, name="sources")
app.add_typer(keys_app, name="keys")
app.add_typer(failover_app, name="failover")
app.add_typer(alerts_app, name="alerts")
app.add_typer(accounts_app, name="accounts")
app.add_typer(backup_app, name="backup")

Config = Annotated[Path | None, typer.Option(help="Configuration file (TOML).")]
Data = Annotated[Path | None, typer.Option(help="Folder of an embedded server's data.")]
Sessions = Literal["liquid", "full"]
WithConsole = Annotated[
    bool | None,
    typer.Option(
        "--console/--no-console",
        help="Start the web console too, with a link that logs in once; else: on a terminal alone.",
    ),
]
PASSED_ON: Final = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "help_option_names": [],
}
"""Options and --help are understood by what is run."""


def main() -> None:
    """Run the command line.

    An error of ours is one sentence and exit code 1, a wrong configuration a list and 2.
    """
    try:
        follow_reference(os.environ, URL_VARIABLE)
        app()
    except MdhubError as error:
        print(f"mdhub: {error.sentence}", file=sys.stderr)
        sys.exit(error.exit_code)


def _version(*, wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


def _speed(text: str) -> float:
    """Parse `60` or `max` (0: as fast as it goes)."""
    if text == "max":
        return 0.0
    try:
        speed = float(text)
    except ValueError:
        speed = -1.0
    if not 0 < speed <= 3_600:  # noqa: PLR2004 - an hour a second; beyond it say max
        raise typer.BadParameter(f"speed was {text!r}, expected a number up to 3600, or max")
    return speed


def _check_playing(pace: float, *, recording: bool, loop: bool, today: bool) -> None:
    if (loop or today) and not recording:
        raise typer.BadParameter("--loop and --today are for recordings: give --recording FILE")
    if loop and pace == 0:
        raise typer.BadParameter("--loop at --speed max would never end: give a speed up to 3600")
    if pace == 0 and not recording:
        raise typer.BadParameter("speed was max, which only a recording has; expected a number")


@app.callback()
def _common(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=lambda v: _version(wanted=v),
            is_eager=True,
            help="Print the release and exit.",
        ),
    ] = False,
) -> None:
    """Options of every command."""


@app.command(
    epilog=epilog(
        "mdhub demo --seconds 20 --json",
        "mdhub demo --sessions full --speed 60",
        codes="0 the strategy got every tick once, 1 it did not, or the demo could not run",
    )
)
def demo(  # noqa: PLR0913 - options of a command
    seconds: Annotated[
        float | None, typer.Option(min=4, help="End after this long; else run until Ctrl-C.")
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Headless; the last line is one JSON object.")
    ] = False,
    recording: Annotated[
        list[Path] | None,
        typer.Option(help="Play a tick file, not the simulation; repeatable: merged by time."),
    ] = None,
    loop: Annotated[
        bool, typer.Option("--loop", help="Play recordings again and again, as the next days.")
    ] = False,
    today: Annotated[
        bool, typer.Option("--today", help="Play recordings as today's trading day.")
    ] = False,
    speed: Annotated[
        str, typer.Option(help="Market seconds per second; max: a recording as fast as it goes.")
    ] = "1",
    rate: Annotated[float, typer.Option(min=1, help="Simulated ticks per second.")] = 120.0,
    seed: Annotated[int, typer.Option(help="Seed of the simulated market.")] = 7,
    sessions: Annotated[
        Sessions,
        typer.Option(help="Of the simulated market: only busy minutes, or whole trading days."),
    ] = "liquid",
    contracts: Annotated[
        int | None, typer.Option(min=1, max=50_000, help="Simulated contracts; else by rate.")
    ] = None,
    keep: Annotated[
        Path | None, typer.Option(help="Keep logs and receipts in this folder.")
    ] = None,
    console: WithConsole = None,
) -> None:
    """Watch the whole hub at work on this machine.

    Two sources play one market; one of them misbehaves and is killed now and then. An independent
    checker recomputes what the market made; exit code 1 if the strategy missed a tick, got one
    twice or got a false one.
    """
    from mdhub.demo.market import RecordedDemo, SimDemo
    from mdhub.demo.run import DemoOptions, run_demo
    from mdhub.market.days import trading_day_at

    pace = _speed(speed)
    _check_playing(pace, recording=bool(recording), loop=loop, today=today)
    if pace == 0:
        seconds = None
    elif json and seconds is None:
        seconds = 20.0
    if recording:
        first_day = trading_day_at(time.time_ns()) if today else None
        market: RecordedDemo | SimDemo = RecordedDemo(
            recording, pace, seconds, seed, loop=loop, first_day=first_day
        )
    else:
        market = SimDemo(seed, rate, seconds, pace, sessions, contracts)
    asked = sys.stdout.isatty() and not json if console is None else console
    sys.exit(run_demo(market, DemoOptions(seconds, json, keep=keep, console=asked)))


@app.command(
    epilog=epilog(
        "mdhub up --config hub.toml --port 5555",
        codes="0 ended by Ctrl-C or SIGTERM, 1 the server or a port cannot be used",
    )
)
def up(  # noqa: PLR0913 - options of a command
    config: Config = None,
    data: Data = None,
    port: Annotated[
        int | None, typer.Option(help="Live stream; requests are one port above. Default 5555.")
    ] = None,
    bind: Annotated[str | None, typer.Option(help="Address to serve on. Default loopback.")] = None,
    second_port: Annotated[
        int | None, typer.Option(help="Run a second publisher on this port.")
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            help="single: nothing acknowledged is lost; fast: up to 2 s may be; replicated: "
            "behind Sentinels; cluster: over several masters (docs/profiles.md)."
        ),
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option(help="A source as JSON (see `mdhub run ingest --help`); repeatable."),
    ] = None,
    shards: Annotated[int | None, typer.Option(help="Number of shards. Default 1.")] = None,
) -> None:
    """Run server and all services on this host; what dies is restarted. Ctrl-C ends it.

    Options override MDHUB_ variables, these override the file (`mdhub config example`). Without
    any source two simulated ones play one market. With MDHUB_REDIS_URL set that server is used
    and none is started.
    """
    from mdhub.cli.hubs import Overrides
    from mdhub.cli.up import run_up

    overrides = Overrides(
        data=data, profile=profile, shards=shards, port=port, bind=bind, second_port=second_port
    )
    sys.exit(run_up(config, overrides, tuple(source or ())))


@app.command(
    epilog=epilog(
        "mdhub status --watch",
        codes="0 all is well (always with --watch), 1 something is wrong or no hub was found",
    )
)
def status(
    config: Config = None,
    data: Data = None,
    watch: Annotated[bool, typer.Option("--watch", help="Look every second.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object per look.")] = False,
) -> None:
    """Show what runs, how it is, and what is wrong.

    Leadership and lag of each shard, services, sources, streams and memory. Exit code 1 if
    something is wrong, with one line saying what and what to do. The hub is found by --data or
    --config, by MDHUB_REDIS_URL, else in the folder mdhub-data.
    """
    from mdhub.cli.hubs import find_hub
    from mdhub.cli.status.run import run_status, say_unfound

    try:
        hub = find_hub(config, data)
    except MdhubError as error:
        if json:
            say_unfound(error)
        raise
    sys.exit(run_status(hub, as_json=json, watch=watch))


@app.command(
    epilog=epilog(
        "mdhub doctor --config hub.toml --fronts",
        codes="0 no errors, 1 at least one error (--strict: or warning)",
    )
)
def doctor(  # noqa: PLR0913 - options of a command
    config: Config = None,
    data: Data = None,
    json: Annotated[
        bool, typer.Option("--json", help="One JSON list: check, status, found, means, mend, ...")
    ] = False,
    fronts: Annotated[
        bool, typer.Option("--fronts", help="Also open a TCP connection to every front.")
    ] = False,
    no_server: Annotated[
        bool, typer.Option("--no-server", help="Leave the Redis or Valkey server alone.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings count as errors.")] = False,
    lang: Annotated[
        Literal["en", "zh"] | None, typer.Option(help="Language. Default: as LANG says.")
    ] = None,
) -> None:
    """Check machine and configuration; say what to do.

    Python, gateways, server, ports, disk, machine, clock, calendar and the settings of every
    source: what was found, what it means, the command that mends it. Takes a few seconds.
    """
    from mdhub.cli.doctor.run import Asked, language_of, run_doctor

    asked = Asked(
        config=config, data=data, as_json=json, fronts=fronts, server=not no_server,
        strict=strict, language=language_of(lang),
    )  # fmt: skip
    sys.exit(run_doctor(asked))


app.command(epilog=TAIL_EPILOG)(tail)


app.command(epilog=HEALTH_EPILOG)(health)


app.command(epilog=DRILL_EPILOG)(drill)
app.command(epilog=REPORT_EPILOG)(report)


@app.command(
    epilog=epilog(
        "mdhub calendar rb --date 2026-11-23 --json",
        codes="0 done, 1 the day is outside the calendar",
    )
)
def calendar(
    product: Annotated[
        str | None, typer.Argument(help="Product or contract, such as rb, IF2612 or SSE.ETFO.")
    ] = None,
    date: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Day, by default today in China.")
    ] = None,
    override: Annotated[
        Path | None, typer.Option(help="Override file, by default the configured one.")
    ] = None,
    check: Annotated[Path | None, typer.Option(help="Only check this override file.")] = None,
    config: Config = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Show trading days, sessions and how far they are known.

    An override file has one statement per line, # begins a remark: year 2027 (all its closed
    weekdays are in the file), closed 2027-02-05..2027-02-11, open DAY, no-night DAY, night DAY,
    template NAME continuous 09:00-11:30 ..., hours SHFE rb 2027-03-01 NAME. If it is wrong every
    mistake is named with its line.
    """
    from mdhub.cli.calendar import run_calendar, run_check

    if check is not None:
        sys.exit(run_check(check, as_json=json))
    day = None if date is None else date.date()
    sys.exit(run_calendar(product, day, file=override, config=config, as_json=json))


@app.command(
    context_settings=PASSED_ON,
    epilog=RUN_EPILOG,
)
def run(
    context: typer.Context,
    service: Annotated[
        str, typer.Argument(help="ingest, arbiter, publisher or monitor", autocompletion=services)
    ] = "",
) -> None:
    """Run one service in the foreground."""
    from mdhub.cli.run import run_service

    sys.exit(run_service(service, context.args))


@app.command(context_settings=PASSED_ON)
def arbitrate(context: typer.Context) -> None:
    """Run the arbiter's rules over recordings: one verdict per row."""
    from mdhub.cli.run import run_command

    sys.exit(run_command("arbitrate", context.args))


@app.command(context_settings=PASSED_ON)
def verify(context: typer.Context) -> None:
    """Recompute clean and rejected from raw, and compare."""
    from mdhub.cli.run import run_command

    sys.exit(run_command("verify", context.args))


@app.command(epilog=epilog("mdhub schema > wire.schema.json"))
def schema(
    digest: Annotated[
        bool, typer.Option("--digest", help="Only the digest that publishers answer with.")
    ] = False,
) -> None:
    """Print the wire contract of this release as JSON Schema (2020-12)."""
    from mdhub.cli.schema import run_schema

    sys.exit(run_schema(digest_only=digest))


if __name__ == "__main__":
    main()
