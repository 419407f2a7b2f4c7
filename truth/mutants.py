"""Mutants: the arbiter's rules broken on purpose, one at a time; each must lower a score.

This module names the arbiter's files and text but imports none of it. A mutant is a copy of the
installed package with one passage replaced, put before the installed one on the path of the
judged command. A passage that is no longer there exactly once is an error: the mutant must then
be written anew for the rules as they are.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Final, NamedTuple

from truth.corpus import Corpus, read_labels
from truth.holds import RECOVERY_S
from truth.jobs import Job, Size, make
from truth.judge import COMMAND, JudgeError, arbitrate, read_lines
from truth.score import Score, score

__all__ = ["MUTANTS", "Fate", "Mutant", "grade", "run_mutants"]

PACKAGE: Final = "mdhub_arbiter"
AT_ONCE: Final = 2
"""Mutants tried at the same time."""


class Mutant(NamedTuple):
    """One change of one file of the arbiter."""

    name: str
    file: str
    old: str
    new: str


class Fate(NamedTuple):
    """What a mutant did to the scores; nothing lowered = it survived."""

    mutant: Mutant
    lowered: tuple[str, ...]


MUTANTS: Final = (
    Mutant(
        "a lower volume is accepted",
        "identity.py",
        "return VOLUME_REGRESS if falls else NEW",
        "return NEW",
    ),
    Mutant(
        "an older time is accepted",
        "identity.py",
        "if sight.ts_ns < seen.mark_ns:\n        return LATE",
        "if sight.ts_ns < seen.mark_ns:\n        return NEW",
    ),
    Mutant(
        "CZCE: the time is the key",
        "identity.py",
        "return _compare_in_second(seen, sight)",
        "return _same(seen, sight)",
    ),
    Mutant(
        "CZCE: a feed starts at the end of the second",
        "identity.py",
        "return (0, ()) if held is None",
        "return (len(seen.second), ()) if held is None",
    ),
    Mutant(
        "the same time with other content is accepted",
        "identity.py",
        "    return CONFLICT\n\n\ndef move",
        "    return NEW\n\n\ndef move",
    ),
    Mutant(
        "an equal copy is news",
        "identity.py",
        "return DUPLICATE if merged_closing(seen, sight) == seen.closing else SETTLEMENT",
        "return NEW",
    ),
    Mutant(
        "volume must not fall on a new day either",
        "identity.py",
        "falls = sight.day == seen.mark_day and sight.volume < seen.volume",
        "falls = sight.volume < seen.volume",
    ),
    Mutant(
        "limits are not looked at",
        "rules.py",
        "up, down = tick.limit_up, tick.limit_down",
        "up, down = None, None",
    ),
    Mutant(
        "a price may be zero or less",
        "rules.py",
        "if outright and last <= 0:",
        "if False:",
    ),
    Mutant(
        "a clock may be ahead by a day",
        "state.py",
        "\nAHEAD_NS: Final = 60 * SECOND_NS",
        "\nAHEAD_NS: Final = 86_400 * SECOND_NS",
    ),
    Mutant(
        "the exchange sent is not compared",
        "judge.py",
        "if tick.exchange and tick.exchange != seen.exchange:",
        "if False:",
    ),
    Mutant(
        "a held row moves the mark",
        "holds.py",
        "    counts.held += 1\n    refuse(",
        "    counts.held += 1\n    move(seen, sight)\n    refuse(",
    ),
    Mutant(
        "a release teaches nothing",
        "holds.py",
        "        _waive(seen, held.reason, held.sighting.day)\n        _take",
        "        _take",
    ),
    Mutant(
        "a spike without volume is not suspect",
        "suspicion.py",
        "            return LAST_WITHOUT_VOLUME",
        "            return None",
    ),
    Mutant(
        "a crossed book is not suspect",
        "suspicion.py",
        "if CROSSED_BOOK not in waived and _crossed(tick):",
        "if False:",
    ),
    Mutant(
        "limits may change at any time",
        "suspicion.py",
        "        return LIMITS_CHANGED",
        "        return None",
    ),
    Mutant(
        "money may move without lots",
        "suspicion.py",
        "if waived.isdisjoint(_MONEY) and _moved_money(seen, ref, tick):",
        "if False:",
    ),
    Mutant(
        "a repaired copy is another snapshot",
        "identity.py",
        "    if UNKNOWN not in one and UNKNOWN not in other:\n        return False",
        "    return False",
    ),
    Mutant(
        "repairs carry no flag",
        "judge.py",
        "    if not ordinary and is_repaired(tick, clean):",
        "    if False:",
    ),
    Mutant(
        "a negative size is a size",
        "rules.py",
        "    if size and size < 0:\n        return True",
        "    if False:\n        return True",
    ),
    Mutant(
        "products trade at any hour",
        "timing.py",
        "        return _REFUSED[segment.admits]",
        "        pass",
    ),
    Mutant(
        "a lone source is not told",
        "quality.py",
        "return SINGLE_SOURCE, heard[0]",
        'return GOOD, ""',
    ),
)


def grade(result: Score) -> dict[str, float]:
    """Return all that counts, the more the better."""
    grades: dict[str, float] = {}
    for key, amount in result.counts.items():
        if key.measure == "caught":
            grades[f"{key.kind} caught"] = grades.get(f"{key.kind} caught", 0) + amount
        elif key.measure in {"dropped", "held", "lost", "doubled", "late", "misdated"}:
            name = f"{key.kind} {key.measure}".strip()
            grades[name] = grades.get(name, 0) - amount
    grades["repaired values shown"] = float(result.values_shown)
    grades["permanent changes stuck"] = -sum(
        1 for r in result.recoveries if r.seconds is None or r.seconds > RECOVERY_S
    )
    return grades


def run_mutants(
    jobs: Iterable[Job],
    size: Size,
    folder: Path,
    *,
    command: tuple[str, ...] = COMMAND,
    say: Callable[[str], object],
    mutants: tuple[Mutant, ...] = MUTANTS,
) -> Iterator[Fate]:
    """Yield the fate of each mutant. Raises JudgeError if one cannot be made."""
    corpora = [make(job, size, folder) for job in jobs]
    whole = [_grades(corpus, command, None) for corpus in corpora]

    def try_out(mutant: Mutant) -> Fate:
        package = make_mutant(mutant, folder / f"mutant-{mutants.index(mutant)}")
        lowered: list[str] = []
        for corpus, before in zip(corpora, whole, strict=True):
            after = _grades(corpus, command, package)
            where = f"{corpus.stream} {corpus.name}"
            lowered += [
                f"{where}: {name} {abs(amount):g} -> {abs(after.get(name, 0)):g}"
                for name, amount in sorted((dict.fromkeys(after, 0.0) | before).items())
                if after.get(name, 0) < amount
            ]
        shutil.rmtree(package)
        return Fate(mutant, tuple(lowered))

    with ThreadPoolExecutor(AT_ONCE) as pool:  # most of the work is the judged command's
        for fate in pool.map(try_out, mutants):
            say(f"mutant {fate.mutant.name}: {len(fate.lowered)} scores lower")
            yield fate


def _grades(corpus: Corpus, command: tuple[str, ...], package: Path | None) -> dict[str, float]:
    verdicts = arbitrate(corpus, command=command, first_on_path=package)
    return grade(score(read_labels(corpus.labels), read_lines(verdicts), outages=corpus.outages))


def make_mutant(mutant: Mutant, folder: Path, *, original: Path | None = None) -> Path:
    """Put a changed copy of the arbiter into a folder and return the folder. Raises JudgeError."""
    source = original or _installed()
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source, folder / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
    path = folder / PACKAGE / mutant.file
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    if text.count(mutant.old) != 1:
        raise JudgeError(
            f"mutant {mutant.name!r}: found its passage {text.count(mutant.old)} times in "
            f"{mutant.file}, expected once; write it anew for the rules as they are"
        )
    path.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
    return folder


def _installed() -> Path:
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise JudgeError(f"{PACKAGE} is not installed: make install-test")
    return Path(next(iter(spec.submodule_search_locations)))
