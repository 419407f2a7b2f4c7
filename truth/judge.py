"""The judged: `mdhub arbitrate` as a command; its lines are all that is known of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from truth.corpus import Corpus

__all__ = ["COMMAND", "JudgeError", "Line", "arbitrate", "read_lines"]

COMMAND: Final = (
    str(Path(sys.executable).parent / "mdhub"), "arbitrate", "--markers", "--repaired",
)  # fmt: skip
_TIMEOUT_S: Final = 1_800
_SHOWN: Final = 2_000


class JudgeError(Exception):
    """The command failed, or what it said is not what it promises."""


class Line(msgspec.Struct, frozen=True):
    """One line of output, about a row or a marker; fields it may also have are ignored."""

    row: int = 0
    verdict: str = ""
    reason: str | None = None
    trading_day: int | None = None
    ts_ns: int | None = None
    flags: int | None = None
    released_by: int | msgspec.UnsetType | None = msgspec.UNSET
    """Set on the second line of a row that was held: the row that ended the hold."""
    tick: list[Any] | None = None
    """The clean tick, where the command shows it (fields as in docs/wire.md)."""
    marker: str = ""
    """Kind of a marker; such a line is about no row."""
    instrument: str = ""
    quality: str = ""
    log_ns: int = 0


def arbitrate(
    corpus: Corpus,
    *,
    command: tuple[str, ...] = COMMAND,
    first_on_path: Path | None = None,
) -> Path:
    """Run the command over a corpus; return the file of its lines. Raises JudgeError.

    `first_on_path` is a folder whose Python packages come before the installed ones.
    """
    folder = first_on_path or corpus.rows.parent
    output = folder / f"{corpus.rows.stem}.verdicts.ndjson"
    environment = dict(os.environ)
    if first_on_path is not None:
        known = environment.get("PYTHONPATH")
        environment["PYTHONPATH"] = os.pathsep.join(
            [str(first_on_path), *([known] if known else [])]
        )
    with output.open("wb") as file:
        done = subprocess.run(
            [*command, str(corpus.rows), "--contracts", str(corpus.contracts)],
            check=False,
            stdout=file,
            stderr=subprocess.PIPE,
            env=environment,
            timeout=_TIMEOUT_S,
        )
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace")[-_SHOWN:]
        raise JudgeError(f"{' '.join(command)} ended with {done.returncode}, expected 0:\n{said}")
    return output


def read_lines(path: Path) -> Iterator[Line]:
    """Yield the lines. Raises JudgeError at one that cannot be read."""
    decode = msgspec.json.Decoder(Line).decode
    with path.open("rb") as file:
        for number, text in enumerate(file, start=1):
            try:
                yield decode(text)
            except msgspec.DecodeError as error:
                raise JudgeError(f"{path} line {number}: {error}; found {text[:200]!r}") from error
