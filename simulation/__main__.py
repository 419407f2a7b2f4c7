"""`make simulate`: a whole hub in one thread, with faults, over many seeds.

    make simulate SEEDS=20000                    from seed 1 on, on all cores
    make simulate ARGS="--seed 4711 --trace"     one seed, with its last actions
    make simulate ARGS="--mutants"               break one rule at a time; each must be noticed
    make simulate ARGS="--mutants --only fence"  those whose name has this word
    make simulate ARGS="--json"                  counts for machines, one object

Exit code: 0 every invariant held (with --mutants: each mutant was caught), 1 otherwise.

Example: python -m simulation --seeds 1000 --workers 2
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any

from simulation.mutants import MUTANTS
from simulation.run import Outcome, run_seed
from simulation.sweep import Sweep, sweep


def main() -> int:
    """Run what was asked for."""
    options = _parser().parse_args()
    if options.mutants:
        return _mutants(options)
    if options.seed is not None:
        return _one(options)
    return _many(options)


def _one(options: argparse.Namespace) -> int:
    outcome = run_seed(options.seed, trace=options.trace)
    if options.json:
        _say(json.dumps(_facts(outcome)))
    else:
        _tell(outcome)
    return int(bool(outcome.failure))


def _many(options: argparse.Namespace) -> int:
    total = Sweep()
    for part in sweep(options.first, options.seeds, workers=options.workers):
        total = total.plus(part)
        if not options.json:
            for outcome in part.failures:
                _tell(outcome)
            _progress(total, options.seeds)
        if options.stop and total.failures:
            break
    if options.json:
        _say(json.dumps(total.facts() | {"failures": [_facts(o) for o in total.failures]}))
    else:
        _say(total.sentence())
    return int(bool(total.failures))


def _mutants(options: argparse.Namespace) -> int:
    fates: list[dict[str, Any]] = []
    for mutant in MUTANTS:
        if options.only not in mutant.name:
            continue
        seeds = 0
        caught = ""
        for part in sweep(
            options.first, mutant.seeds, workers=options.workers, mutant=mutant.name, stop=True
        ):
            if part.failures and not caught:
                first = min(part.failures, key=lambda outcome: outcome.seed)
                seeds, caught = first.seed - options.first + 1, first.failure
        fates.append({"mutant": mutant.name, "seeds": seeds, "caught_by": caught})
        if not options.json:
            fate = f"seed {seeds:>5}  {caught}" if caught else f"NOT CAUGHT in {mutant.seeds} seeds"
            _say(f"{mutant.name:<28} {fate}")
    alive = [fate["mutant"] for fate in fates if not fate["caught_by"]]
    if options.json:
        _say(json.dumps({"mutants": fates, "not_caught": alive}))
    else:
        _say(f"{len(fates) - len(alive)} of {len(fates)} mutants caught")
    return int(bool(alive) or not fates)


def told(outcome: Outcome) -> list[str]:
    """Lines that tell of one run: its trace if it was kept, and what came of it."""
    head = f"seed {outcome.seed} ({outcome.profile})"
    if outcome.failure:
        replay = f'replay: make simulate ARGS="--seed {outcome.seed} --trace"'
        return [*outcome.trace, f"{head} FAILED: {outcome.failure}", replay]
    done = (
        f"{head}: {outcome.faults} faults, {outcome.ticks} snapshots made, "
        f"{outcome.delivered} entries delivered, {outcome.virtual_ms} ms: every invariant held"
    )
    return [*outcome.trace, done]


def _tell(outcome: Outcome) -> None:
    for line in told(outcome):
        _say(line)


def _facts(outcome: Outcome) -> dict[str, Any]:
    return {name: getattr(outcome, name) for name in outcome.__slots__}


def _progress(total: Sweep, seeds: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{total.seeds} of {seeds} seeds, {total.faults} faults ")
        sys.stderr.flush()
        if total.seeds >= seeds:
            sys.stderr.write("\r\033[K")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m simulation",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seeds", type=int, default=1_000, help="how many, default: 1000")
    parser.add_argument("--first", type=int, default=1, help="the first one, default: 1")
    parser.add_argument("--seed", type=int, help="only this one")
    parser.add_argument("--trace", action="store_true", help="with --seed: show its last actions")
    parser.add_argument("--mutants", action="store_true", help="run the broken hubs instead")
    parser.add_argument("--only", default="", metavar="WORD", help="mutants with this in the name")
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count() or 1, help="processes, default: all cores"
    )
    parser.add_argument("--stop", action="store_true", help="end soon after the first failure")
    parser.add_argument("--json", action="store_true", help="one JSON object as output")
    return parser


if __name__ == "__main__":
    sys.exit(main())
