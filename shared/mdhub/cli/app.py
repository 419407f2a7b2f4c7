"""`mdhub`: the command line. Commands load what they run only when they run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Final, Literal

try:
    import typer
except ImportError:  # the base install is the SDK alone
    sys.exit('the mdhub command needs its own extra: pip install "mdhub[cli]" (or "mdhub[demo]")')

from mdhub import __version__
from mdhub.cli.config_app import config_app
from mdhub.wire.errors import MdhubError

__all__ = ["app", "main"]

app = typer.Typer(
    name="mdhub",
    help="One trusted market data stream from several live feeds of Chinese futures and options.",
    epilog="Example: mdhub demo; then mdhub up, and beside it mdhub status and mdhub tail",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(config_app, name="config")

Config = Annotated[Path | None, typer.Option(help="Configuration file (TOML).")]
Data = Annotated[Path | None, typer.Option(help="Folder of an embedded server's data.")]
Format = Literal["table", "lines", "json", "csv"]
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
        app()
    except MdhubError as error:
        print(f"mdhub: {error}", file=sys.stderr)
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


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=lambda v: _version(wanted=v), is_eager=True)
    ] = False,
) -> None:
    """Options of every command."""


@app.command(epilog="Example: mdhub demo --seconds 20 --json")
def demo(  # noqa: PLR0913 - options of a command
    seconds: Annotated[
        float | None, typer.Option(min=4, help="End after this long; else run until Ctrl-C.")
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Headless; the last line is one JSON object.")
    ] = False,
    recording: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Play a tick file, not the simulation."),
    ] = None,
    speed: Annotated[
        str, typer.Option(help="Market seconds per second of a recording, or max.")
    ] = "1",
    rate: Annotated[float, typer.Option(min=1, help="Simulated ticks per second.")] = 120.0,
    seed: Annotated[int, typer.Option(help="Seed of the simulated market.")] = 7,
    keep: Annotated[
        Path | None, typer.Option(help="Keep logs and receipts in this folder.")
    ] = None,
) -> None:
    """Watch the whole hub work on this machine: two sources, one killed now and then.

    An independent checker recomputes what the market made; exit code 1 if the strategy
    missed a tick, got one twice or got a false one.
    """
    from mdhub.demo.market import RecordedDemo, SimDemo
    from mdhub.demo.run import DemoOptions, run_demo

    pace = _speed(speed)
    if pace == 0:
        seconds = None
    elif json and seconds is None:
        seconds = 20.0
    if recording is not None:
        market: RecordedDemo | SimDemo = RecordedDemo(recording, pace, seconds, seed)
    else:
        market = SimDemo(seed, rate, seconds)
    sys.exit(run_demo(market, DemoOptions(seconds, json, keep=keep)))


@app.command(epilog="Example: mdhub up --config hub.toml --port 5555")
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
        typer.Option(help="single: nothing acknowledged is lost; fast: up to 2 s may be."),
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


@app.command(epilog="Example: mdhub status --watch")
def status(
    config: Config = None,
    data: Data = None,
    watch: Annotated[bool, typer.Option("--watch", help="Look every second.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object per look.")] = False,
) -> None:
    """Show services, sources, streams, lag, leadership and memory of a running hub.

    Exit code 1 if something is wrong, with one line saying what and what to do. The hub is found
    by --data or --config, by MDHUB_REDIS_URL, else in the folder mdhub-data.
    """
    from mdhub.cli.hubs import find_hub
    from mdhub.cli.status.run import run_status

    sys.exit(run_status(find_hub(config, data), as_json=json, watch=watch))


@app.command(
    context_settings=PASSED_ON,
    epilog="Example: mdhub run publisher --port 5555",
)
def run(
    context: typer.Context,
    service: Annotated[str, typer.Argument(help="ingest, arbiter, publisher or monitor")] = "",
) -> None:
    """Run one service in the foreground: ingest, arbiter, publisher or monitor."""
    from mdhub.cli.run import run_service

    sys.exit(run_service(service, context.args))


@app.command(context_settings=PASSED_ON)
def arbitrate(context: typer.Context) -> None:
    """Run the arbiter's rules over recordings: one verdict per row."""
    from mdhub.cli.run import run_command

    sys.exit(run_command("arbitrate", context.args))


@app.command(context_settings=PASSED_ON)
def verify(context: typer.Context) -> None:
    """Recompute clean and rejected from raw; compare them with the log of a running hub."""
    from mdhub.cli.run import run_command

    sys.exit(run_command("verify", context.args))


@app.command(epilog="Example: mdhub tail 'IF*.CFFEX' 'rb2610.SHFE' --changed --format csv")
def tail(  # noqa: PLR0913 - options of a command
    patterns: Annotated[
        list[str] | None, typer.Argument(help="Instruments, e.g. 'IF*.CFFEX'; default all.")
    ] = None,
    endpoint: Annotated[
        list[str] | None, typer.Option(help="Publisher; repeatable.", show_default=False)
    ] = None,
    form: Annotated[
        Format | None,
        typer.Option("--format", help="Default: a table on a terminal, lines in a pipe."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    source: Annotated[
        str | None, typer.Option(help="Only of this source (of events: this subject).")
    ] = None,
    changed: Annotated[
        bool, typer.Option("--changed", help="Only ticks that change the contract's volume.")
    ] = False,
    snapshot: Annotated[bool, typer.Option(help="Begin with last values.")] = True,
    count: Annotated[int | None, typer.Option(min=1, help="End after this many rows.")] = None,
    rejected: Annotated[
        bool, typer.Option("--rejected", help="What the arbiter refused, read from the log.")
    ] = False,
    events: Annotated[bool, typer.Option("--events", help="Events, read from the log.")] = False,
    kind: Annotated[
        list[str] | None, typer.Option(help="Only events of this kind; repeatable.")
    ] = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Follow clean ticks from a publisher; with --rejected or --events a stream of the log.

    The log is found by --data or --config, by MDHUB_REDIS_URL, else in the folder mdhub-data.
    """
    chosen = "json" if json else form
    if rejected or events:
        from mdhub.cli.hubs import find_hub
        from mdhub.cli.tail_log import LogFilter, follow_events, follow_rejected

        if chosen == "table" or (rejected and events):
            raise typer.BadParameter("--rejected or --events, as lines, json or csv")
        shown = LogFilter(tuple(patterns or ["*"]), source, tuple(kind or ()), count=count)
        follow = follow_rejected if rejected else follow_events
        sys.exit(follow(find_hub(config, data), chosen or "lines", shown))
    from mdhub.cli.tail import TickFilter, run_tail

    where = endpoint or ["tcp://127.0.0.1:5555"]
    passing = TickFilter(source, changed, count)
    sys.exit(run_tail(patterns or ["*"], where, form=chosen, snapshot=snapshot, chosen=passing))


if __name__ == "__main__":
    main()
