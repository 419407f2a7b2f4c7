"""The simulated hub holds its invariants, repeats itself, and notices when a rule is broken."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from simulation.__main__ import told
from simulation.mutants import MUTANTS
from simulation.run import run_seed
from simulation.sweep import run_part

ROOT = Path(__file__).parents[3]
QUICK = ("xadd_star", "wall_clock", "trim_past_snapshot", "retry_of_unknown_append")
SEEDS = 40


@pytest.mark.parametrize("first", range(1, 200, SEEDS))
def test_every_invariant_holds(first: int) -> None:
    """Nothing lost, doubled or disordered, clean == f(raw), through every fault of these seeds."""
    found = run_part(first, SEEDS, "", stop=False)
    failures = ["\n".join(told(outcome)) for outcome in found.failures]
    assert not failures, failures[0]
    assert found.faults > SEEDS
    assert found.delivered > 10 * SEEDS


def test_a_seed_is_a_run() -> None:
    """Twice the same seed is twice the same trace; another seed is another run."""
    once, again, other = (run_seed(seed, trace=True) for seed in (3, 3, 4))
    assert once == again
    assert once.trace
    assert once.trace != other.trace


def test_a_seed_is_a_run_in_any_process() -> None:
    """Nothing hangs on the order of sets: a night's failing seed fails at the desk as well."""
    command = [sys.executable, "-m", "simulation", "--seed", "3", "--trace", "--json"]
    runs = [
        subprocess.run(
            command, cwd=ROOT, env={"PYTHONHASHSEED": salt}, check=True, capture_output=True
        ).stdout
        for salt in ("1", "2")
    ]
    assert runs[0] == runs[1]
    assert json.loads(runs[0])["trace"]


@pytest.mark.parametrize("name", QUICK)
def test_a_broken_rule_is_noticed(name: str) -> None:
    """A hub with this rule broken fails within the seeds that are stated for it."""
    mutant = next(m for m in MUTANTS if m.name == name)
    found = run_part(1, mutant.seeds, name, stop=True)
    assert found.failures


def test_a_failing_seed_tells_how_to_replay_it() -> None:
    """The last actions before the failure, the invariant, and the command that shows it again."""
    failed = run_part(1, 5, "xadd_star", stop=True).failures[0]
    text = told(failed)
    assert text[-2].startswith(f"seed {failed.seed} ({failed.profile}) FAILED: ")
    assert text[-1] == f'replay: make simulate ARGS="--seed {failed.seed} --trace"'
    assert text[:-2] == failed.trace != []


def test_there_are_mutants_for_the_rules_of_the_log() -> None:
    """At least twelve, each with a name of its own and a bound of seeds."""
    names = [mutant.name for mutant in MUTANTS]
    assert len(set(names)) == len(names) >= 12
    assert all(mutant.seeds > 0 and mutant.breaks for mutant in MUTANTS)
