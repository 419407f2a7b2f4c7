"""The demo: from nothing to a live picture of the whole hub, checked by an independent checker.

Order: 1. server, 2. arbiter, publisher, monitor and the strategy, 3. once the strategy is
subscribed the two sources, 4. source A is killed with SIGKILL now and then, 5. the sources end,
the chain drains, the strategy ends, 6. the checker compares what the market made with what the
strategy got.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TextIO

from rich.console import Console

from mdhub.demo.bars import Bars
from mdhub.demo.checker import Report
from mdhub.demo.console import DemoConsole
from mdhub.demo.judge import CheckerError, RunningJudge, judge_whole
from mdhub.demo.market import DemoMarket, Unreadable, as_json
from mdhub.demo.progress import LiveChecker, Progress, StrategyVoice
from mdhub.demo.receipts import read_receipts
from mdhub.demo.server import start_host
from mdhub.demo.show import LineShow, TableShow, misdeeds
from mdhub.demo.watch import Watch
from mdhub.host.ports import free_port_pair
from mdhub.host.stack import Host, HubPlan, Publisher
from mdhub.market.errors import MarketError
from mdhub.market.snapshot import Snapshot
from mdhub.runtime.errors import ServiceError
from mdhub.runtime.keeper import ChildSpec, ChildState

__all__ = ["DemoOptions", "run_demo"]

FIRST_KILL_S: Final = 15.0
KILL_EVERY_S: Final = 30.0
READY_S: Final = 20.0
DRAIN_S: Final = 10.0
TURN_S: Final = 0.05
QUIET_S: Final = 1.0
GRACE_S: Final = 15.0
"""By so much later than planned the sources must have begun, and have come to their end."""
LAST_WORD_S: Final = 0.5
"""After Ctrl-C: time for the last chunk, so that all ends within 3 s."""
LIVE_MARGIN_S: Final = 1.5
"""What is younger is still under way and not judged by the live checker."""


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """How long, and how it is shown."""

    seconds: float | None
    json: bool
    keep: Path | None = None
    """Folder for logs and receipts; None = a temporary one."""
    console: bool = False
    """Whether the web console runs too, with a one-time link."""


def run_demo(market: DemoMarket, options: DemoOptions) -> int:
    """Run the demo; exit code 1 if anything was lost, doubled, false or out of order.

    Raises MarketError, ServiceError or CheckerError if there is no verdict at all.
    """
    _open_market(market)
    with _folder(options.keep) as folder, (folder / "services.log").open("w") as log:
        demo = _Demo(market, options, folder, log)
        try:
            return demo.run()
        except ServiceError as error:
            raise ServiceError(f"{error}; the services' log: {_tail(folder)}") from error


class _Demo:
    def __init__(self, market: DemoMarket, options: DemoOptions, folder: Path, log: TextIO) -> None:
        self._market = market
        self._options = options
        self._receipts = folder / "receipts"
        self._ports = (free_port_pair(), free_port_pair())
        first, second = self._ports
        self._console = DemoConsole() if options.console else None
        self._plan = HubPlan(
            folder=folder / "data",
            # Who plays by the clock has time for the disk, and may then kill the server as well.
            profile="single" if market.rate else "fast",
            standby=True,
            publishers=(Publisher("A", first), Publisher("B", second)),
            supervisors=2,
            sources=tuple(as_json(source) for source in market.sources()),
            console=self._console.plan if self._console else None,
        )
        self._stderr = log
        self._stop = threading.Event()
        self._cut_off = False
        """Whether the sources were stopped before their end."""
        self._progress = Progress(time.monotonic())
        console = Console(stderr=options.json)
        fancy = console.is_terminal and not options.json
        self._show: TableShow | LineShow = TableShow(console) if fancy else LineShow(console)
        margin_ns = int(LIVE_MARGIN_S * market.rate * 1e9)
        self._running = RunningJudge(market.truth(), self._receipts, margin_ns=margin_ns)

    def run(self) -> int:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self._stop.set())
        with self._show:
            self._show.say(
                "starting server, two arbiters, two publishers, the monitor and a strategy"
            )
            self._host, self._progress.warning = start_host(
                self._plan, self._make_host, self._show.say
            )
            self._watch = Watch(self._host)
            if self._progress.warning:
                self._show.say(self._progress.warning)
            try:
                self._progress.server = self._watch.server()
                voice = self._start(self._host)
                self._play(voice)
                self._finish(voice)
                self._cut_off = self._stop.is_set()
            finally:
                if self._console is not None:
                    self._console.close()
                self._host.stop()
        if not (self._cut_off or voice.newest.get("received")):
            raise ServiceError("nothing was received although the sources came to their end")
        report = self._verdict()
        return _conclude(
            report, voice, self._progress, self._options, unreadable=self._market.unreadable
        )

    def _make_host(self, plan: HubPlan) -> Host:
        return Host(plan, on_exit=self._on_exit, stderr=self._stderr)

    def _start(self, host: Host) -> StrategyVoice:
        host.start("arbiter", "publisher", "monitor", "console")
        if self._console is not None:
            self._console.watch()
        endpoints = [f"tcp://127.0.0.1:{port}" for port in self._ports]
        command = [
            sys.executable, "-m", "mdhub.demo.strategy", "--out", str(self._receipts), *endpoints,
        ]  # fmt: skip
        strategy = host.keeper.want(
            ChildSpec(
                "strategy",
                lambda _: command,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                restart_after_success=False,
            )
        )
        host.keeper.converge()
        voice = StrategyVoice(strategy.output())
        deadline_s = time.monotonic() + READY_S
        while not voice.ready.wait(TURN_S) and not self._stop.is_set():
            if time.monotonic() > deadline_s:
                raise ServiceError(f"the strategy was not connected after {READY_S:g} s")
        host.start("ingest")
        self._progress.started_s = time.monotonic()
        return voice

    def _play(self, voice: StrategyVoice) -> None:
        """Show, and kill now and then, until the sources have played to their end."""
        began_s = time.monotonic()
        kill_s = began_s + self._first_kill_s()
        checker = LiveChecker(self._running.look) if self._endless() else None
        try:
            while not self._stop.is_set() and not self._watch.sources_ended():
                self._turn(voice, checker)
                self._give_up_late(voice, time.monotonic() - began_s)
                if time.monotonic() >= kill_s and self._kill("A"):
                    kill_s = time.monotonic() + KILL_EVERY_S
                self._stop.wait(TURN_S)
        finally:
            if checker is not None:
                checker.stop()
                self._progress.checker_error = checker.error

    def _give_up_late(self, voice: StrategyVoice, passed_s: float) -> None:
        seconds = self._options.seconds
        if seconds is not None and passed_s > seconds + GRACE_S:
            raise ServiceError(
                f"the sources were to end after {seconds:g} s and had not after {passed_s:.0f} s"
            )
        if passed_s > GRACE_S and not voice.newest.get("received"):
            raise ServiceError(f"nothing was received in {passed_s:.0f} s")

    def _endless(self) -> bool:
        return self._options.seconds is None and self._market.rate > 0

    def _first_kill_s(self) -> float:
        if self._options.seconds is not None:
            return self._options.seconds / 2
        return FIRST_KILL_S if self._market.rate else 1.0

    def _turn(self, voice: StrategyVoice, checker: LiveChecker | None) -> None:
        self._host.keeper.converge()
        self._look()
        if checker is not None:
            self._progress.checker_error = checker.error
        self._show.update(self._progress, voice, checker.newest if checker else None)

    def _look(self) -> None:
        progress, lives = self._progress, self._watch.lives
        progress.counters = self._watch.arbiter_counters()
        progress.restarts = {source: life.restarts for source, life in lives.items()}
        progress.pids = self._pids()
        progress.console = self._console.words if self._console else ("", "")
        progress.broke = {source: life.broke() for source, life in lives.items()}

    def _pids(self) -> dict[str, int]:
        """Every plug that may be pulled, and its process."""
        children = self._host.keeper.children.items()
        found = {n: c.process.pid for n, c in children if c.process is not None}
        sources = {f"source {s}": self._watch.source_pid(s) for s in ("A", "B")}
        found |= {name: pid for name, pid in sources.items() if pid is not None}
        return {name: pid for name, pid in found.items() if name != "strategy"}

    def _kill(self, source: str) -> bool:
        """SIGKILL the process of one source, found by its heartbeat."""
        pid = self._watch.source_pid(source)
        if pid is None:
            return False
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        self._progress.kills.append(source)
        self._show.say(f"killed source {source} (pid {pid}) with SIGKILL; the strategy goes on")
        return True

    def _finish(self, voice: StrategyVoice) -> None:
        """Sources end, the chain drains, the strategy ends; counters are read last."""
        self._host.stop_service("ingest")
        self._drain(voice)
        self._look()
        self._watch.close()
        self._host.keeper.stop("strategy")
        voice.wait_end(READY_S)

    def _drain(self, voice: StrategyVoice) -> None:
        """Wait until the clean log and the strategy have been still for a while.

        After Ctrl-C nobody waits: what is under way is not judged.
        """
        if self._stop.is_set():
            return
        still_since_s, seen = time.monotonic(), (-1, -1)
        deadline_s = time.monotonic() + DRAIN_S
        while time.monotonic() - still_since_s < QUIET_S:
            if time.monotonic() > deadline_s or self._stop.is_set():
                return
            now = (self._watch.n(), voice.newest.get("received", 0))
            if now != seen:
                seen, still_since_s = now, time.monotonic()
            time.sleep(TURN_S)

    def _verdict(self) -> Report:
        """Let the checker compare. Raises CheckerError if it cannot."""
        if self._progress.checker_error is not None:
            error = self._progress.checker_error
            raise CheckerError(f"checker failed: {error}") from error
        try:
            return self._judge()
        except Exception as error:
            raise CheckerError(f"checker failed: {error}") from error

    def _judge(self) -> Report:
        if self._cut_off:
            return self._running.settle(LAST_WORD_S)
        received = list(read_receipts(self._receipts))
        with Bars() as bars:
            made = self._unless_stopped(self._market.truth())
            truth = bars.over(made, "recomputing what the market made")
            ticks = bars.over(received, "checking what was received", total=len(received))
            return judge_whole(truth, ticks, received)

    def _unless_stopped(self, made: Iterator[Snapshot]) -> Iterator[Snapshot]:
        for snapshot in made:
            if self._stop.is_set():
                raise CheckerError("stopped before it was through")
            yield snapshot

    def _on_exit(self, state: ChildState) -> None:
        self._show.say(f"{state.spec.name} ended (exit code {state.last_exit}) and is replaced")


def _conclude(
    report: Report,
    voice: StrategyVoice,
    progress: Progress,
    options: DemoOptions,
    *,
    unreadable: Unreadable,
) -> int:
    words = voice.final or voice.newest
    result = {
        "server": progress.server,
        "published": report.made,
        "received": report.received,
        "lost": report.lost,
        "duplicated": report.duplicated,
        "false": report.false,
        "out_of_order": report.out_of_order,
        "rejected": progress.reasons(),
        "p50_ms": words.get("p50_ms"),
        "p99_ms": words.get("p99_ms"),
        "gaps": words.get("gaps", 0),
        "kills": len(progress.kills),
        "sources": {name: _source(name, words, progress) for name in ("A", "B")},
        "unreadable": unreadable._asdict(),
    }
    if report.examples and not report.clean:
        print(json.dumps(report.examples, ensure_ascii=False), file=sys.stderr)
    if options.json:
        print(json.dumps(result))
    else:
        _print_summary(result, clean=report.clean)
        _print_unreadable(unreadable)
        if progress.warning:
            print(progress.warning)
    return 0 if report.clean and report.received else 1


def _source(name: str, words: dict[str, Any], progress: Progress) -> dict[str, Any]:
    return {
        "won": words.get("wins", {}).get(name, 0),
        "duplicates": progress.of_source("duplicate", name),
        "late": progress.of_source("late", name),
        "rejected": progress.of_source("rejected", name),
        "killed": progress.kills.count(name),
        "restarts": progress.restarts.get(name, 0),
        "broke": progress.broke.get(name, {}),
    }


def _print_summary(result: dict[str, Any], *, clean: bool) -> None:
    if not result["received"]:
        print("no verdict: nothing was received that could be judged")
        return
    verdict = "nothing lost, nothing doubled, nothing false" if clean else "NOT CLEAN"
    print(
        f"{verdict}: of the span judged the market made {result['published']} snapshots, the "
        f"strategy received {result['received']}; lost {result['lost']}, doubled "
        f"{result['duplicated']}, false {result['false']}, out of order {result['out_of_order']}. "
        f"Source A was killed {result['kills']} times. On purpose "
        + "; ".join(f"{name}: {misdeeds(of['broke'])}" for name, of in result["sources"].items())
        + "."
    )


def _print_unreadable(unreadable: Unreadable) -> None:
    if unreadable.rows:
        kinds = ", ".join(f"{kind} {count}" for kind, count in unreadable.rows.items())
        print(f"Rows of the recording that could not be read: {kinds}. The first of them:")
        print("\n".join(f"  {example}" for example in unreadable.examples))
    for name, cut in unreadable.cuts.items():
        print(f"{name} {cut}; it was played up to there")


def _open_market(market: DemoMarket) -> None:
    """Read the first snapshot before anything is started. Raises MarketError."""
    first = next(iter(market.truth()), None)
    if first is None:
        raise MarketError("the recording has no snapshot, expected at least one row")


@contextlib.contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="mdhub-demo-") as folder:
        yield Path(folder)


def _tail(folder: Path) -> str:
    return "\n" + "\n".join((folder / "services.log").read_text().splitlines()[-10:])
