"""Composition root of ingest: the supervisor of one child process per source."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from pathlib import Path
from signal import Signals
from threading import Event
from typing import Any, Final
from uuid import uuid4

import msgspec

from mdhub.market.days import trading_day_at
from mdhub.runtime.keeper import ChildSpec, ChildState, Keeper
from mdhub.runtime.logging import Logger, service_logger
from mdhub.runtime.secret import variables_of
from mdhub.runtime.service import begin, redis_url
from mdhub.streams import open_log
from mdhub.streams.errors import ServerError, UnknownOutcome, Unusable
from mdhub.streams.open import check_shards
from mdhub.wire.errors import MdhubError
from mdhub_ingest.child import HUNG
from mdhub_ingest.gateways.port import STOPPED
from mdhub_ingest.rivals import find_rival, refuse
from mdhub_ingest.sources.port import SourceError
from mdhub_ingest.spec import GatewayKnobs, RecordingKnobs, SimKnobs, SourceSpec, on_day, parse_spec

__all__ = ["main"]

CONVERGE_S: Final = 0.05
REFUSED: Final = 3
QUARANTINE_AFTER: Final = 20
HUNG_AFTER_S: Final = 5.0
"""Longer than any call to the server may take (3 s); shorter than the children's buffers last."""
FRONT_FIRST_PAUSE_S: Final = 0.5
FRONT_LONGEST_PAUSE_S: Final = 60.0
FRONT_STABLE_S: Final = 120.0
"""Longer than a life that ends because a front does not answer."""
EXAMPLE: Final = """exit codes: 0 stopped, 2 a source is wrongly described
example:
  MDHUB_REDIS_URL=redis://127.0.0.1:6379 mdhub run ingest \\
      --source '{"name": "A", "sim": {"seed": 7}, "misbehave": "lose=0.01"}' \\
      --source '{"name": "B", "sim": {"seed": 7}, "misbehave": "lag_ms=5-30"}'
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mdhub run ingest",
        description="Run sources, each in a process of its own, and keep them running.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--source", action="append", required=True, metavar="JSON", help="a source; repeatable"
    )
    parser.add_argument(
        "--only", action="append", metavar="NAME",
        help="of the sources described, supervise this one; repeatable (default: all)",
    )  # fmt: skip
    parser.add_argument("--prefix", default="mdhub:", help="key prefix of the hub")
    parser.add_argument("--shards", type=int, default=1, help="number of shards (default 1)")
    parser.add_argument(
        "--run", default=uuid4().hex, help="names this start of the hub; market time begins anew"
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=Path("mdhub-data"),
        help="folder of what gateways keep (default mdhub-data)",
    )
    parser.add_argument(
        "--today",
        type=_day,
        default=trading_day_at(time.time_ns()),
        metavar="YYYYMMDD",
        help="trading day that `today` means for recordings (default: that of the clock)",
    )
    return parser


def _day(text: str) -> date:
    return datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007


def main(argv: Sequence[str] | None = None) -> int:
    """Supervise sources until SIGTERM.

    Exit codes: 0 stopped, 2 a source is wrongly described or the server cannot be used at all,
    3 a source of the same name runs elsewhere.
    """
    options = _parser().parse_args(argv)
    stop = begin()
    logger = service_logger("ingest", "supervisor")
    try:
        specs = [on_day(parse_spec(text), options.today) for text in options.source]
        own = _own(specs, options.only)
    except MdhubError as error:
        logger.error("bad_source", reason=str(error))
        return 2
    try:
        refusal = _check_server(options, [spec.name for spec in own], stop)
    except Unusable as error:
        logger.error("stopped", reason=str(error))
        return error.exit_code
    if refusal:
        logger.error("refused", reason=refusal)
        return REFUSED
    _supervise(own, specs, options, stop, logger)
    return 0


def _own(specs: Sequence[SourceSpec], only: Sequence[str] | None) -> list[SourceSpec]:
    """Sources this supervisor runs. Raises SourceError if one of `only` is not described."""
    unknown = sorted(set(only or ()) - {spec.name for spec in specs})
    if unknown:
        known = ", ".join(spec.name for spec in specs)
        raise SourceError(f"--only named {', '.join(unknown)}, the sources described are {known}")
    return [spec for spec in specs if only is None or spec.name in only]


def _check_server(options: argparse.Namespace, sources: Sequence[str], stop: Event) -> str:
    """Why these sources must not run, empty if they may.

    Raises Unusable if no child could ever write; what may heal is left to the children.
    """
    with suppress(ServerError, UnknownOutcome):
        log = open_log(redis_url(), service="ingest", prefix=options.prefix)
        try:
            check_shards(log, options.shards)
            log.check_writable()
            rival = find_rival(log, sources, stop)
            if rival is not None:
                return refuse(log, *rival)
        finally:
            log.close()
    return ""


def _supervise(
    own: Sequence[SourceSpec],
    specs: Sequence[SourceSpec],
    options: argparse.Namespace,
    stop: Event,
    logger: Logger,
) -> None:
    keeper = Keeper(on_exit=partial(_report, logger))
    for spec in own:
        _want(keeper, spec, options, _others_secrets(spec, specs))
    try:
        while not stop.is_set():
            keeper.converge()
            stop.wait(CONVERGE_S)
    finally:
        keeper.stop()


def _others_secrets(spec: SourceSpec, specs: Sequence[SourceSpec]) -> dict[str, str]:
    """Variables that hold what other sources log in with: emptied for this one."""
    named = {each.name: _variables(each) for each in specs}
    others = set[str]().union(*named.values()) - named[spec.name]
    return dict.fromkeys(others, "")


def _variables(spec: SourceSpec) -> set[str]:
    knobs = spec.knobs()
    return variables_of(knobs.settings) if isinstance(knobs, GatewayKnobs) else set()


def _want(
    keeper: Keeper, spec: SourceSpec, options: argparse.Namespace, environment: dict[str, str]
) -> None:
    text = msgspec.json.encode(spec, enc_hook=os.fspath).decode()
    command = [
        sys.executable, "-m", "mdhub_ingest.child", "--spec", text,
        "--prefix", options.prefix, "--shards", str(options.shards), "--run", options.run,
        "--data", str(options.data.resolve()),
    ]  # fmt: skip

    def next_command(start: int) -> list[str]:
        return [*command, "--after", _ended(keeper.children[spec.name])] if start > 1 else command

    child = ChildSpec(
        spec.name,
        next_command,
        environment,
        give_up_after=QUARANTINE_AFTER,
        restart_after_success=False,
        hung_after_s=HUNG_AFTER_S,
    )
    keeper.want(child if _plays(spec) else _patient(child))


def _plays(spec: SourceSpec) -> bool:
    """Whether it makes its market itself; the others log in at a broker's front."""
    return isinstance(spec.knobs(), SimKnobs | RecordingKnobs)


def _patient(child: ChildSpec) -> ChildSpec:
    """A gateway's: a front may be away for hours, and every start may be a login."""
    return replace(
        child,
        give_up_after=None,
        stop_on=frozenset({STOPPED}),
        first_pause_s=FRONT_FIRST_PAUSE_S,
        longest_pause_s=FRONT_LONGEST_PAUSE_S,
        stable_s=FRONT_STABLE_S,
    )


def _ended(state: ChildState) -> str:
    return HUNG if state.died_hung else f"exit code {state.last_exit}"


def _report(logger: Logger, state: ChildState) -> None:
    if state.finished:
        logger.info("source_finished", source=state.spec.name)
        return
    say = logger.error if state.quarantined else logger.warning
    say(
        "source_quarantined" if state.quarantined else "source_died",
        source=state.spec.name,
        exit_code=state.last_exit,
        starts=state.starts,
        hung=state.died_hung,
        **_meaning(state),
    )


def _meaning(state: ChildState) -> dict[str, Any]:
    """What the end of a process means, for those who read the supervisor's lines."""
    code = state.last_exit
    facts: dict[str, Any] = {}
    if code is not None and code < 0:
        facts["signal"] = _signal_name(-code)
        facts["times"] = state.ends[code]
    if code == STOPPED and state.quarantined:
        facts["means"] = "stopped for good: see the reason in its own last lines, then restart"
    elif state.quarantined:
        facts["means"] = "it failed too often: it stays down until ingest is restarted"
    return facts


def _signal_name(number: int) -> str:
    """Return such as SIGSEGV."""
    try:
        return Signals(number).name
    except ValueError:
        return f"signal {number}"
