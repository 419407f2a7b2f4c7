"""One source in a process of its own: `python -m mdhub_ingest.child --spec JSON`.

The source runs in the main thread and only stamps and enqueues; a second thread appends to the
raw log. The supervisor may kill it at any moment.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from threading import Event, Thread
from typing import Final

from mdhub.market.recorded import Recording
from mdhub.market.synthetic import SyntheticMarket
from mdhub.runtime.logging import Logger, service_logger
from mdhub.runtime.outage import Outage
from mdhub.runtime.service import begin, redis_url
from mdhub.streams import open_log
from mdhub.streams.errors import StreamsError, Unusable
from mdhub.streams.open import check_shards
from mdhub.streams.port import Log
from mdhub.wire.errors import MdhubError
from mdhub_ingest.market_clock import ClockRequests
from mdhub_ingest.sources.misbehave import Misbehaviour
from mdhub_ingest.sources.playback import Player
from mdhub_ingest.sources.port import RequestClock
from mdhub_ingest.sources.recording import recording_source
from mdhub_ingest.sources.sim import sim_source
from mdhub_ingest.spec import RecordingKnobs, SimKnobs, SourceSpec, parse_spec
from mdhub_ingest.writer import RawWriter

__all__ = ["main"]

FAILED: Final = 1
SUPERSEDED: Final = 3
_FLUSH_S: Final = 2.0


def main(argv: Sequence[str] | None = None) -> int:
    """Run one source.

    Exit codes: 0 ended or stopped, 1 failed, 2 the server cannot be used, 3 superseded.
    """
    options = _parser().parse_args(argv)
    stop = begin()
    logger = service_logger("ingest", "?")
    try:
        spec = parse_spec(options.spec)
        logger = service_logger("ingest", spec.name)
        return _run(spec, options, stop, logger)
    except MdhubError as error:
        logger.error("source_failed", reason=str(error))
        return error.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mdhub_ingest.child", description=__doc__)
    parser.add_argument("--spec", required=True, help="the source as JSON")
    parser.add_argument("--prefix", default="mdhub:")
    parser.add_argument("--shards", type=int, default=1)
    parser.add_argument("--run", required=True, help="which start of the hub this is")
    return parser


def _run(spec: SourceSpec, options: argparse.Namespace, stop: Event, logger: Logger) -> int:
    connect = partial(open_log, redis_url(), service="ingest", prefix=options.prefix)
    run = _market_run(spec, options.run)
    clocks = ClockRequests(source=spec.name, run=run, connect=connect, stop=stop, logger=logger)
    player, malformed = _source(spec, clocks.request)
    session = _session(connect, spec.name, options.shards, stop=stop, outage=Outage(logger))
    writer = RawWriter(
        source=spec.name,
        session=session,
        shards=options.shards,
        connect=connect,
        logger=logger,
        counters=lambda: {**player.counts, "malformed_rows": malformed()},
    )
    done = Event()

    def write() -> None:
        try:
            writer.run(done)
        finally:
            stop.set()  # without a writer the source delivers to nobody

    thread = Thread(target=write, name="raw-writer", daemon=True)
    thread.start()
    logger.info("source_started", session=session)
    try:
        player.run(writer.emit, stop)
    finally:
        written = thread.is_alive()
        done.set()
        thread.join(_FLUSH_S)
    logger.info("source_ended", sent=player.sent, unwritten=writer.waiting)
    if writer.superseded:
        return SUPERSEDED
    return 0 if written else FAILED


def _source(spec: SourceSpec, request_clock: RequestClock) -> tuple[Player, Callable[[], int]]:
    """Build the player, and what tells how many rows of its file could not be read."""
    knobs = spec.knobs()
    if isinstance(knobs, RecordingKnobs):
        recording = Recording(knobs.file)
        return _recording(spec, knobs, recording, request_clock), lambda: recording.malformed
    return _sim(spec, knobs, request_clock), lambda: 0


def _market_run(spec: SourceSpec, hub_run: str) -> str:
    """Name the run of market time: a simulation goes on over a restart of the hub, a file anew.

    A simulation that began again would only repeat what the log has.
    """
    knobs = spec.knobs()
    return hub_run if isinstance(knobs, RecordingKnobs) else f"sim-{knobs.seed}"


def _sim(spec: SourceSpec, knobs: SimKnobs, request_clock: RequestClock) -> Player:
    market = SyntheticMarket(seed=knobs.seed, ticks_per_s=knobs.ticks_per_s)
    played_ns = _played_ns(knobs.rate, spec.play_s)
    return sim_source(
        market,
        request_clock=request_clock,
        rate=knobs.rate,
        until_ns=None if played_ns is None else market.time_after(played_ns),
        misbehaviour=Misbehaviour.parse(spec.misbehave),
    )


def _recording(
    spec: SourceSpec, knobs: RecordingKnobs, recording: Recording, request_clock: RequestClock
) -> Player:
    played_ns = _played_ns(knobs.speed, spec.play_s)
    return recording_source(
        recording,
        request_clock=request_clock,
        rate=knobs.speed,
        until_ns=None if played_ns is None else recording.start_ns() + played_ns,
        misbehaviour=Misbehaviour.parse(spec.misbehave),
    )


def _played_ns(rate: float, play_s: float | None) -> int | None:
    return None if play_s is None else int(play_s * rate * 1e9)


def _session(
    connect: Callable[[], Log], source: str, shards: int, *, stop: Event, outage: Outage
) -> int:
    """A session number above every earlier one of this source, whatever the clock says."""
    while not stop.is_set():
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


if __name__ == "__main__":
    sys.exit(main())
