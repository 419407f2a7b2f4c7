"""`mdhub`: the command line. Commands load what they run only when they run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

try:
    import typer
except ImportError:  # the base install is the SDK alone
    sys.exit('the mdhub command needs its own extra: pip install "mdhub[cli]" (or "mdhub[demo]")')

from mdhub import __version__
from mdhub.wire.errors import MdhubError

__all__ = ["app", "main"]

app = typer.Typer(
    name="mdhub",
    help="One trusted market data stream from several live feeds of Chinese futures and options.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command line; an error of ours is one sentence and exit code 1."""
    try:
        app()
    except MdhubError as error:
        sys.exit(f"mdhub: {error}")


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


@app.command(epilog="Example: mdhub up --data ./hub --port 5555")
def up(  # noqa: PLR0913 - options of a command
    data: Annotated[Path, typer.Option(help="Folder of the server's data.")] = Path("mdhub-data"),
    port: Annotated[int, typer.Option(help="Live stream; requests are one port above.")] = 5555,
    bind: Annotated[str, typer.Option(help="Address to serve on.")] = "127.0.0.1",
    second_port: Annotated[
        int | None, typer.Option(help="Run a second publisher on this port.")
    ] = None,
    profile: Annotated[
        str, typer.Option(help="single: nothing acknowledged is lost; fast: up to 2 s may be.")
    ] = "single",
    source: Annotated[
        list[str] | None,
        typer.Option(help="A source as JSON (see `mdhub run ingest --help`); repeatable."),
    ] = None,
    shards: Annotated[int, typer.Option(min=1, help="Number of shards.")] = 1,
) -> None:
    """Run server and all services on this host; what dies is restarted. Ctrl-C ends it.

    Without --source two simulated sources of one market are started. With MDHUB_REDIS_URL set
    that server is used and none is started.
    """
    from mdhub.cli.up import run_up

    sys.exit(
        run_up(
            folder=data,
            port=port,
            bind=bind,
            second_port=second_port,
            profile=profile,
            sources=source or [],
            shards=shards,
        )
    )


@app.command(
    context_settings={
        "allow_extra_args": True,
        "ignore_unknown_options": True,
        "help_option_names": [],
    },
    epilog="Example: mdhub run publisher --port 5555",
)
def run(
    context: typer.Context,
    service: Annotated[str, typer.Argument(help="ingest, arbiter, publisher or monitor")] = "",
) -> None:
    """Run one service in the foreground: ingest, arbiter, publisher or monitor."""
    from mdhub.cli.run import run_service

    sys.exit(run_service(service, context.args))


@app.command(epilog="Example: mdhub tail 'IF*.CFFEX' 'rb2610.SHFE' --json")
def tail(
    patterns: Annotated[
        list[str] | None, typer.Argument(help="Instruments, e.g. 'IF*.CFFEX'; default all.")
    ] = None,
    endpoint: Annotated[
        list[str] | None, typer.Option(help="Publisher; repeatable.", show_default=False)
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object per tick.")] = False,
    snapshot: Annotated[bool, typer.Option(help="Begin with last values.")] = True,
    count: Annotated[int | None, typer.Option(min=1, help="End after this many ticks.")] = None,
) -> None:
    """Follow clean ticks: a live table on a terminal, plain lines in a pipe."""
    from mdhub.cli.tail import run_tail

    sys.exit(
        run_tail(
            patterns or ["*"],
            endpoint or ["tcp://127.0.0.1:5555"],
            as_json=json,
            snapshot=snapshot,
            count=count,
        )
    )


if __name__ == "__main__":
    main()
