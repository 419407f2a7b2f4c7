"""The table of a run: for people, as Markdown, and as the one JSON object for machines."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from mdhub.drill.run import Row

__all__ = ["as_json", "as_text", "into_page"]

HEAD: Final = (
    "id", "fault", "n", "lost", "doubled", "disordered", "clean = f(raw)",
    "silence p50", "p99", "max", "criterion", "verdict",
)  # fmt: skip
WIDEST: Final = 44
BEGIN: Final = "<!-- drill table -->"
END: Final = "<!-- end of drill table -->"


def as_json(rows: Sequence[Row]) -> dict[str, Any]:
    """Sums over all rows that ran, and the rows."""
    ran = [row for row in rows if row.verdict != "skipped"]
    return {
        "lost": sum(row.lost for row in ran),
        "duplicated": sum(row.duplicated for row in ran),
        "disordered": sum(row.disordered for row in ran),
        "clean_equals_raw": bool(ran) and all(row.clean_equals_raw for row in ran),
        "drills": [asdict(row) for row in rows],
    }


def as_text(rows: Sequence[Row]) -> str:
    """Columns side by side; below them why what failed or was skipped."""
    lines = [HEAD, *(_cells(row) for row in rows)]
    shown = [[cell[:WIDEST] for cell in line] for line in lines]
    widths = [max(len(line[i]) for line in shown) for i in range(len(HEAD))]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in shown]  # fmt: skip
    text += [f"{row.id}: {reason}" for row in rows for reason in row.reasons]
    return "\n".join(text)


def into_page(page: Path, rows: Sequence[Row], command: str) -> None:
    """Put the table between its two marks in a page; a page without them becomes the table."""
    body = "\n".join([BEGIN, *_markdown(rows, command), END])
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    before, mark, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(before + body + after if mark else body + "\n", encoding="utf-8")


def _markdown(rows: Sequence[Row], command: str) -> list[str]:
    seeds = ", ".join(sorted({str(row.seed) for row in rows}))
    lines = [
        "",
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, `{command}` (seed {seeds}), {_machine()}.",
        "",
        "| " + " | ".join(HEAD) + " |",
        "|" + " --- |" * len(HEAD),
        *("| " + " | ".join(_cells(row)) + " |" for row in rows),
        "",
    ]
    notes = [f"- {row.id}: {reason}" for row in rows for reason in row.reasons[:1]]
    return [*lines, *notes, ""] if notes else lines


def _cells(row: Row) -> tuple[str, ...]:
    equal = {None: "-", True: "yes", False: "NO"}[row.clean_equals_raw]
    ran = row.clean_equals_raw is not None
    counts = (row.faults, row.lost, row.duplicated, row.disordered)
    silences = (row.silence_p50_s, row.silence_p99_s, row.silence_max_s)
    return (
        row.id,
        row.fault,
        *(str(count) if ran else "-" for count in counts),
        equal,
        *("-" if value is None else f"{value:.3f} s" for value in silences),
        row.criterion,
        row.verdict,
    )


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GB, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}"
    )
