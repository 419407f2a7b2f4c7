"""One source in a process of its own: `python -m mdhub_ingest.child --spec JSON`.

The source runs in the main thread and only stamps and enqueues; a second thread appends to the
raw log. The supervisor may kill it at any moment.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import Any, Final
from uuid import uuid4

from mdhub.market.playlist import Playlist
from mdhub.market.skips import FileReport
from mdhub.runtime.core_dumps import forbid_core_dumps
from mdhub.runtime.garbage import Garbage
from mdhub.runtime.log_shipping import shipped
from mdhub.runtime.logging import Logger, service_logger
from mdhub.runtime.metrics import add_metrics_option, serve_metrics
from mdhub.runtime.outage import Outage
from mdhub.runtime.pulse import Pulse
from mdhub.runtime.service import begin, redis_url
from mdhub.runtime.threads import name_thread
from mdhub.streams import open_log
from mdhub.streams.errors import StreamsError, Unusable
from mdhub.streams.open import check_shards
from mdhub.streams.port import Log
from mdhub.streams.topology import EVENTS, LOGS
from mdhub.wire.codec import encode
from mdhub.wire.errors import MdhubError
from mdhub.wire.ops import Event as OpsEvent
from mdhub.wire.ops import EventKind, Severity
from mdhub.wire.ticks import SCHEMA_VERSION
from mdhub_ingest.accounts.letter import Letter, received
from mdhub_ingest.gateways.port import STOPPED
from mdhub_ingest.gateways.source import GatewaySource
from mdhub_ingest.market_clock import ClockRequests
from mdhub_ingest.measured import source_samples
from mdhub_ingest.sources.misbehave import Misbehaviour
from mdhub_ingest.sources.playback import Player
from mdhub_ingest.sources.port import RequestClock
from mdhub_ingest.sources.recording import recording_source
from mdhub_ingest.sources.sim import sim_source
from mdhub_ingest.spec import GatewayKnobs, RecordingKnobs, SimKnobs, SourceSpec
from mdhub_ingest.writer import RawWriter

__all__ = ["HUNG", "WRITER_THREAD", "main"]

FAILED: Final = 1
SUPERSEDED: Final = 3
HUNG: Final = "hung"
"""Said of a process whose main loop stood still until the supervisor killed it."""
WRITER_THREAD: Final = "raw-writer"
_FLUSH_S: Final = 2.0
_STILL_S: Final = 2.0
"""A main loop without a sign for so long sends no heartbeat any more."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one source.

    Exit codes: 0 ended or stopped, 1 failed, 2 the server cannot be used, 3 superseded, 4 another
    start would not help.
    """
    options = _parser().parse_args(argv)
    stop = begin()
    logger = service_logger("ingest", "?")
    try:
        letter = received(options.spec)
        spec = letter.spec
        logger = service_logger("ingest", spec.name)
    except MdhubError as error:
        logger.error("source_failed", reason=str(error))
        return STOPPED
    connect = partial(open_log, redis_url(), service="ingest", prefix=options.prefix)
    with shipped(logger, connect, LOGS):
        try:
            return _run(letter, options, stop, logger)
        except MdhubError as error:
            logger.error("source_failed", reason=str(error))
            _say_failed(spec.name, options, error)
            return error.exit_code


def _say_failed(source: str, options: argparse.Namespace, error: MdhubError) -> None:
    """Tell who follows the events, if the log can be reached: there is no writer (any more)."""
    body = {"change": "failed", "reason": str(error), "exit_code": error.exit_code}
    with suppress(StreamsError):
        log = open_log(redis_url(), service="ingest", prefix=options.prefix)
        try:
            log.append(EVENTS, _event(source, Severity.ERROR, body))
        finally:
            log.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mdhub_ingest.child", description=__doc__)
    parser.add_argument("--spec", required=True, help="the source as JSON; - = by stdin")
    parser.add_argument("--prefix", default="mdhub:")
    parser.add_argument("--shards", type=int, default=1)
    parser.add_argument("--after", default="", help="how the process before this one ended")
    parser.add_argument("--data", type=Path, default=Path("mdhub-data"), help="of gateways")
    parser.add_argument("--run", required=True, help="which start of the hub this is")
    add_metrics_option(parser)
    return parser


def _run(letter: Letter, options: argparse.Namespace, stop: Event, logger: Logger) -> int:
    spec = letter.spec
    connect = partial(open_log, redis_url(), service="ingest", prefix=options.prefix)
    pulse = Pulse.of_environment()
    pulse.beat()
    knobs = spec.knobs()
    source: Player | GatewaySource
    malformed: Callable[[], dict[str, int]] = dict
    if isinstance(knobs, GatewayKnobs):
        forbid_core_dumps()
        source = _gateway(letter, knobs, options, connect, logger)
    else:
        source, malformed = _played(spec, knobs, options, connect, stop, logger, pulse)
    hung = int(options.after == HUNG)
    outage = Outage(logger)
    session = _session(connect, spec.name, options.shards, stop=stop, outage=outage, pulse=pulse)
    garbage = Garbage()
    writer = RawWriter(
        source=spec.name,
        session=session,
        shards=options.shards,
        connect=connect,
        logger=logger,
        counters=lambda: {**source.counts, **malformed(), "hung": hung},
        alive=lambda: pulse.silent_s() < _STILL_S,
        idle=garbage.idle,
    )
    change = partial(_say_change, spec.name, writer, logger)
    source.attend(alive=pulse.beat, on_change=change)
    writer.board.follow(pulse.silent_s)
    serve_metrics(options.metrics, writer.board, logger, partial(source_samples, spec.name, writer))
    if options.after:
        change("replaced", {"session": session, "after": options.after})
    return _write_out(source, writer, stop, logger, session)


def _write_out(
    source: Player | GatewaySource, writer: RawWriter, stop: Event, logger: Logger, session: int
) -> int:
    """Run the source in this thread and its writer in another one, until either ends."""
    done = Event()

    def write() -> None:
        name_thread(WRITER_THREAD)
        try:
            writer.run(done)
        finally:
            stop.set()  # without a writer the source delivers to nobody

    thread = Thread(target=write, name=WRITER_THREAD, daemon=True)
    thread.start()
    logger.info("source_started", session=session)
    try:
        if isinstance(source, GatewaySource):
            source.run(writer.take, stop)
        else:
            source.run(writer.emit, stop)
    finally:
        written = thread.is_alive()
        writer.close()
        done.set()
        thread.join(_FLUSH_S)
    logger.info("source_ended", sent=source.sent, unwritten=writer.waiting)
    if writer.superseded:
        return SUPERSEDED
    if not written:
        return FAILED
    return source.exit_code if isinstance(source, GatewaySource) else 0


def _say_change(
    source: str,
    writer: RawWriter,
    logger: Logger,
    change: str,
    facts: Mapping[str, Any],
    severity: Severity | None = None,
) -> None:
    """Put a change of the source's state into log lines and events."""
    if severity is None:
        severity = Severity.INFO if change == "connected" else Severity.WARNING
    say = {Severity.INFO: logger.info, Severity.WARNING: logger.warning}.get(severity, logger.error)
    say("source_changed", change=change, **facts)
    writer.announce(_event(source, severity, {"change": change, **facts}))


def _event(source: str, severity: Severity, body: dict[str, Any]) -> bytes:
    return encode(
        OpsEvent(
            SCHEMA_VERSION, uuid4().hex, time.time_ns(), f"ingest:{source}", EventKind.SOURCE,
            source, severity, "", body,
        )
    )  # fmt: skip


def _gateway(
    letter: Letter,
    knobs: GatewayKnobs,
    options: argparse.Namespace,
    connect: Callable[[], Log],
    logger: Logger,
) -> GatewaySource:
    # Only now: vnpy and the vendor's library belong to children that need them.
    from mdhub_ingest.gateways.assembly import gateway_source  # noqa: PLC0415 - see above

    return gateway_source(
        letter, knobs, data=options.data, shards=options.shards, connect=connect, logger=logger
    )


def _played(  # noqa: PLR0913, PLR0917 - what it plays, by which clock, for whom
    spec: SourceSpec,
    knobs: SimKnobs | RecordingKnobs,
    options: argparse.Namespace,
    connect: Callable[[], Log],
    stop: Event,
    logger: Logger,
    pulse: Pulse,
) -> tuple[Player, Callable[[], dict[str, int]]]:
    """Build the player, and what counts the rows of its files that could not be read."""
    clocks = ClockRequests(
        source=spec.name,
        run=_market_run(knobs, options.run),
        connect=connect,
        stop=stop,
        logger=logger,
        alive=pulse.beat,
    )
    if isinstance(knobs, SimKnobs):
        return _sim(spec, knobs, clocks.request), dict
    playlist = Playlist(
        [knobs.file, *knobs.more_files],
        loops=knobs.loops,
        first_day=knobs.first_day(),
        on_read=partial(_say_read, logger),
        alive=pulse.beat,
    )
    player = recording_source(
        playlist,
        request_clock=clocks.request,
        rate=knobs.speed,
        play_s=spec.play_s,
        misbehaviour=Misbehaviour.parse(spec.misbehave),
    )
    return player, lambda: _malformed(playlist)


def _say_read(logger: Logger, report: FileReport, loop: int) -> None:
    """Tell of a file that was read to its end, once per loop."""
    say = logger.warning if report.bad else logger.info
    say(
        "recording_read",
        file=str(report.path),
        loop=loop,
        rows=report.rows,
        skipped=dict(report.skipped),
        examples=[str(example) for example in report.examples],
        cut=report.cut,
    )


def _malformed(playlist: Playlist) -> dict[str, int]:
    skipped, _, cuts = playlist.wrong()
    by_kind = {f"malformed:{kind}": count for kind, count in skipped.items()}
    return {
        "malformed_rows": sum(by_kind.values()),
        **by_kind,
        "files_cut": len(cuts),
        "loops": playlist.loop,
    }


def _market_run(knobs: SimKnobs | RecordingKnobs, hub_run: str) -> str:
    """Name the run of market time: a simulation goes on over a restart of the hub, a file anew.

    A simulation that began again would only repeat what the log has.
    """
    if isinstance(knobs, RecordingKnobs):
        return hub_run
    return f"sim-{knobs.seed}-{knobs.sessions}-{knobs.ticks_per_s:g}-{knobs.contracts or 0}"


def _sim(spec: SourceSpec, knobs: SimKnobs, request_clock: RequestClock) -> Player:
    market = knobs.market()
    play_s, rate = spec.play_s, knobs.rate
    return sim_source(
        market,
        request_clock=request_clock,
        rate=rate,
        until_ns=None if play_s is None else market.end_of_play(play_s, rate),
        jump=knobs.jump,
        misbehaviour=Misbehaviour.parse(spec.misbehave),
    )


def _session(
    connect: Callable[[], Log],
    source: str,
    shards: int,
    *,
    stop: Event,
    outage: Outage,
    pulse: Pulse,
) -> int:
    """A session number above every earlier one of this source, whatever the clock says."""
    while not stop.is_set():
        pulse.beat()
        try:
            log = connect()
            try:
                check_shards(log, shards)
                held = [log.writer_position(shard, source).session for shard in range(shards)]
            finally:
                log.close()
        except Unusable:
            raise
        except StreamsError as error:
            outage.away(error)
            stop.wait(0.1)
        else:
            outage.back()
            return max(time.time_ns() // 1_000_000, *(session + 1 for session in held))
    raise SystemExit(0)


def _leave(exit_code: int) -> None:
    """End without any clean-up: a gateway's own can hang or crash (docs/gateways.md)."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(exit_code)


if __name__ == "__main__":
    _leave(main())
