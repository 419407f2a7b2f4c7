"""From a hub that still runs to evidence, and from evidence to a verdict."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Any, Final, Self

import msgspec

from mdhub.demo.checker import Report, check
from mdhub.demo.market import SimDemo
from mdhub.drill.evidence import CleanFacts, Evidence, Verified
from mdhub.drill.owed import Owed
from mdhub.drill.port import Claim, Drill
from mdhub.drill.receipts import read_receipts
from mdhub.drill.rig import Rig, RigError
from mdhub.drill.silence import Listener
from mdhub.drill.view import View, compare, entries, standing
from mdhub.market.snapshot import Snapshot
from mdhub.streams import open_log
from mdhub.streams.port import Log
from mdhub.streams.topology import CLEAN, RAW, REJECTED
from mdhub.wire.ops import Event, EventKind

__all__ = ["Verdict", "collect", "judge"]

VERIFY_S: Final = 900.0
MARGIN_NS: Final = 500_000_000
"""At both ends of a run: sources do not begin and end at the same tick."""
AHEAD_NS: Final = 3_600_000_000_000
"""The market may have jumped over a break; what is farther ahead is a false stamp."""
AFTER_NS: Final = 3_000_000_000
"""So much farther than the newest receipt the market is recomputed."""


@dataclass(slots=True, kw_only=True)
class Verdict:
    """One row of the table. `reasons` is empty if the drill passed."""

    lost: int
    """Made by the market and not received."""
    duplicated: int
    disordered: int
    false: int
    """Received, but never made so, or not in clean."""
    clean_equals_raw: bool
    reasons: list[str]
    claims: list[Claim]
    figures: dict[str, Any] = field(default_factory=dict)


def collect(rig: Rig) -> Evidence:
    """Read everything from a hub whose sources have ended and whose clients have stopped."""
    clients = {name: rig.receipts(name) for name in rig.crew.voices}
    market = _Market(rig)
    with _Verification(rig) as verification:
        clean = _against_clean(rig, clients)
        if rig.drill.feedless:
            market.owe_less(rig)
        events = rig.events()
        listener = Listener(read_receipts(rig.receipts()))
        reports = {name: market.against(path, listener) for name, path in clients.items()}
        return Evidence(
            folder=rig.folder,
            faults=rig.faults,
            clients=clients,
            events=events,
            market=reports,
            clean=clean,
            silence=listener.silence(rig.faults),
            mismatches=_mismatches(rig, events),
            verified=verification.result(),
            figures=rig.figures,
        )


def _against_clean(rig: Rig, clients: Mapping[str, Path]) -> dict[str, CleanFacts]:
    with _reading(rig) as log:
        return {
            name: compare(entries(log, CLEAN), View(read_receipts(path)))
            for name, path in clients.items()
        }


def _mismatches(rig: Rig, events: Sequence[Event]) -> int:
    """By heartbeats and by events: either may have been lost with its process."""
    counted = sum(beat.counters.get("mismatches", 0) for beat in rig.beats().values())
    told = [
        event
        for event in events
        if event.kind == EventKind.LEADERSHIP and event.body.get("standby") == "mismatch"
    ]
    return max(counted, len(told))


@contextmanager
def _reading(rig: Rig) -> Iterator[Log]:
    log = open_log(rig.host.url, service="cli", prefix=rig.plan.prefix)
    try:
        yield log
    finally:
        log.close()


def judge(drill: Drill, evidence: Evidence, claims: list[Claim]) -> Verdict:
    """Say what was wrong, in words, by the common criterion and by the row's own.

    Two checkers find the same fault: of their counts the larger one is told.
    """
    claims = [*claims, *_silence_claims(drill, evidence), *drill.check(evidence)]
    both = [(report, evidence.clean[name]) for name, report in evidence.market.items()]
    verdict = Verdict(
        lost=sum(max(report.lost, facts.unseen) for report, facts in both),
        duplicated=sum(max(report.duplicated, facts.doubled) for report, facts in both),
        disordered=sum(
            max(report.out_of_order, facts.disordered) + facts.breaks for report, facts in both
        ),
        false=sum(max(report.false, facts.phantom) for report, facts in both),
        clean_equals_raw=evidence.verified.equal,
        reasons=[],
        claims=claims,
        figures=evidence.figures,
    )
    verdict.reasons = [*_reasons(drill, evidence, verdict), *_broken(claims)]
    return verdict


def _reasons(drill: Drill, evidence: Evidence, verdict: Verdict) -> Iterator[str]:
    for name, report in evidence.market.items():
        allowed = int(drill.loss_window_s * drill.layout.ticks_per_s)
        if report.lost > allowed or report.duplicated or report.out_of_order or report.false:
            yield f"{name}: {_words(report)} {json.dumps(report.examples)}"
        if not report.received:
            yield f"{name}: nothing was received"
    for name, facts in evidence.clean.items():
        if any((facts.unseen, facts.phantom, facts.doubled, facts.disordered, facts.breaks)):
            yield f"{name}, against clean: {_clean_words(facts)}"
    if not verdict.clean_equals_raw:
        yield f"clean is not f(raw): {evidence.verified.words}"
    if evidence.mismatches:
        yield f"a standby computed something else than the leader {evidence.mismatches} times"


def _broken(claims: list[Claim]) -> Iterator[str]:
    return (f"not held: {claim.words}" for claim in claims if not claim.held)


def _silence_claims(drill: Drill, evidence: Evidence) -> Iterator[Claim]:
    limits = (("p99", 0.99, drill.silence_p99_s), ("max", 1.0, drill.silence_max_s))
    for name, share, limit_s in limits:
        found_s = evidence.silence.percentile(share)
        if limit_s is not None and found_s is not None:
            words = f"silence {name} {found_s:.3f} s, at most {limit_s:g} s"
            yield Claim(words, found_s <= limit_s)
    if not evidence.silence.samples_s:
        yield Claim("at least one fault was put in", held=False)


def _words(report: Report) -> str:
    return (
        f"lost {report.lost}, doubled {report.duplicated}, out of order {report.out_of_order}, "
        f"false {report.false} of {report.made} made"
    )


def _clean_words(facts: CleanFacts) -> str:
    return (
        f"not received {facts.unseen}, not in clean {facts.phantom}, doubled {facts.doubled}, "
        f"disordered {facts.disordered}, breaks of n {facts.breaks}; {'; '.join(facts.examples)}"
    )


class _Market:
    """The market recomputed from its seed, as far as a client got."""

    def __init__(self, rig: Rig) -> None:
        self._market = SimDemo(rig.options.seed, rig.drill.layout.ticks_per_s, None)
        self._figures = rig.figures
        self.owed: Owed | None = None
        """Given where not everything made is owed."""
        self._heard = False

    def owe_less(self, rig: Rig) -> None:
        """What reached no source, or came too late, is not owed."""
        received = standing(read_receipts(rig.receipts()))
        with _reading(rig) as log:
            self.owed = Owed(entries(log, RAW), entries(log, REJECTED), received)

    def against(self, path: Path, listener: Listener) -> Report:
        """Compare made with received; the listener hears what the first client is owed."""
        newest_ns = self._newest_ns(path)
        made: Iterator[Snapshot] = takewhile(
            lambda s: s.made_ns <= newest_ns + AFTER_NS, self._market.truth()
        )
        if not self._heard:
            self._heard, made = True, listener.watch(made)
        if self.owed is not None:
            made = self.owed.of(made)
        ticks = standing(read_receipts(path))
        report = check(made, ticks, until_ns=newest_ns, margin_ns=MARGIN_NS)
        if self.owed is not None:
            self._figures |= {"reached_no_source": self.owed.unreached, "late": self.owed.late}
        beyond = sum(tick.ts_ns > newest_ns for tick in standing(read_receipts(path)))
        return msgspec.structs.replace(report, false=report.false + beyond)

    @staticmethod
    def _newest_ns(path: Path) -> int:
        """Stamp of the newest tick, but for false stamps far in the future."""
        first: tuple[int, int] | None = None
        newest_ns = 0
        for receipt in read_receipts(path):
            if receipt.is_tick:
                ts_ns = receipt.tick().ts_ns
                first = first or (ts_ns, receipt.at_ns)
                if ts_ns - first[0] <= receipt.at_ns - first[1] + AHEAD_NS:
                    newest_ns = max(newest_ns, ts_ns)
        return newest_ns


class _Verification:
    """A process of its own that folds raw anew and compares clean and rejected with it."""

    def __init__(self, rig: Rig) -> None:
        # Where raw is kept for seconds only, its beginning goes while it is being read.
        begin = ("--from", "newest") if RAW.name in rig.plan.retention else ()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "mdhub.cli.app", "verify", "--json", *begin],
            env={**os.environ, **rig.url_environment()}, cwd=rig.folder, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()

    def result(self) -> Verified:
        """Wait for it. Raises RigError when it takes too long."""
        try:
            found, complaint = self._process.communicate(timeout=VERIFY_S)
        except subprocess.TimeoutExpired as error:
            raise RigError(f"mdhub verify was not done after {VERIFY_S:g} s") from error
        if not found.strip():
            return Verified(equal=False, words=complaint.strip())
        said = [json.loads(line) for line in found.splitlines()]
        return Verified(
            equal=self._process.returncode == 0 and all(shard["equal"] for shard in said),
            raw=sum(shard["raw"] for shard in said),
            start=said[0]["start"],
            words="; ".join(str(shard["difference"]) for shard in said if shard["difference"]),
        )
