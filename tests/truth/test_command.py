"""`python -m truth` as a user runs it, on judges whose worth is known."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from truth.judge import COMMAND, JudgeError
from truth.mutants import MUTANTS, Mutant, make_mutant

ROOT = Path(__file__).parents[2]
TOLD_BY_MARKERS = {"A24 told", "A25 told"}


def prove(judge: str, folder: Path, *options: str) -> tuple[dict[str, Any], str]:
    page, numbers = folder / "truth.md", folder / "truth.json"
    done = subprocess.run(
        [sys.executable, "-m", "truth", "--quick", "--judge", judge, "--report", str(page),
         "--json", str(numbers), *options],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(numbers.read_text(encoding="utf-8")), page.read_text(encoding="utf-8")


def own(judge: str) -> str:
    return f"{sys.executable} -m tests.truth.judges {judge}"


def missed(found: dict[str, Any]) -> set[str]:
    return {check["name"] for check in found["checks"] if not check["met"]}


@pytest.mark.process
@pytest.mark.timeout(180)
def test_a_judge_that_knows_the_truth_meets_every_target(tmp_path: Path) -> None:
    """It has verdicts only: what markers tell, it does not say."""
    found, page = prove(own("oracle"), tmp_path)
    assert missed(found) == TOLD_BY_MARKERS
    for title in ("Targets", "Corpus", "Traps", "Holds made permanent", "Identity", "Lag of"):
        assert f"## {title}" in page


@pytest.mark.process
def test_a_judge_that_accepts_everything_catches_nothing(tmp_path: Path) -> None:
    """Every kind that must be kept out got in."""
    found, _ = prove(own("credulous"), tmp_path, "--only", "sim / mixed")
    names = missed(found)
    assert {f"A{n:02}" for n in (1, 2, 4, 5, *range(7, 9), *range(10, 20), 21, 22, 23)} <= names


@pytest.mark.process
@pytest.mark.parametrize(
    ("judge", "failing"),
    [("suspicious", ["held", "lost by identity"]), ("credulous", ["emitted twice"])],
)
def test_a_bad_judge_fails_on_the_clean_stream(
    judge: str, failing: list[str], tmp_path: Path
) -> None:
    """Suspicion loses every snapshot, credulity says each three times."""
    found, _ = prove(own(judge), tmp_path, "--only", "sim / clean")
    names = " ".join(missed(found))
    assert [words for words in failing if words not in names] == []


@pytest.mark.process
def test_the_arbiter_passes_the_clean_stream(tmp_path: Path) -> None:
    """No clean row refused, held, lost or said twice: `mdhub arbitrate` in the oracle's stead."""
    known = subprocess.run([*COMMAND, "--help"], check=False, capture_output=True)
    if known.returncode != 0:
        pytest.skip("this mdhub has no arbitrate command yet")
    found, _ = prove(shlex.join(COMMAND), tmp_path, "--only", "sim / clean")
    names = ("clean rows", "lost by identity", "emitted twice")
    checks = [check for check in found["checks"] if any(name in check["name"] for name in names)]
    assert len(checks) > 10
    assert [check for check in checks if not check["met"]] == []


@pytest.mark.process
def test_a_judge_that_fails_is_reported(tmp_path: Path) -> None:
    """With its command and what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "truth", "--quick", "--only", "one feed", "--judge", "false"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, "ended with 1" in done.stderr) == (1, True)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: str(mutant.name))
def test_a_mutant_fits_the_rules_as_they_are(mutant: Mutant, tmp_path: Path) -> None:
    """Its passage stands in the arbiter exactly once, and the changed file is Python."""
    package = make_mutant(mutant, tmp_path / "mutant") / "mdhub_arbiter"
    text = (package / mutant.file).read_text(encoding="utf-8")
    compile(text, mutant.file, "exec")
    assert mutant.new in text


def test_a_mutant_of_rules_that_are_gone_is_an_error(tmp_path: Path) -> None:
    """Nobody may take a mutant that changes nothing for one that was caught."""
    with pytest.raises(JudgeError, match="found its passage 0 times"):
        make_mutant(Mutant("gone", "rules.py", "no such rule", ""), tmp_path / "mutant")
    assert len({mutant.name for mutant in MUTANTS}) >= 10
