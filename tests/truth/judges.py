"""Judges to test the scorer with, run like `mdhub arbitrate`: `judges.py NAME FILE --contracts X`.

`oracle` has read the labels and is always right, `credulous` accepts every row, `suspicious`
none, `honest` is a tiny judge that knows volumes and times only.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from truth.corpus import Label, read_labels

Answer = dict[str, Any]


def _accepted(label: Label) -> Answer:
    return {"verdict": "accept", "trading_day": label.day, "ts_ns": label.ts_ns, "flags": 0}


def oracle(_rows: list[dict[str, str]], labels: list[Label]) -> Iterator[Answer]:
    """Accept every snapshot once, unless a newer one of its contract is out."""
    newest: dict[str, int] = {}
    for label in labels:
        is_news = label.snapshot > newest.get(label.symbol, -1)
        if label.expect in {"drop", "hold"}:
            yield {"verdict": "reject", "reason": "labelled"}
        elif label.role == "closing":
            yield _accepted(label) | {"verdict": "settlement"}
        elif is_news:
            newest[label.symbol] = label.snapshot
            yield _accepted(label)
        else:
            yield {"verdict": "duplicate"}


def credulous(_rows: list[dict[str, str]], labels: list[Label]) -> Iterator[Answer]:
    """Accept everything."""
    return (_accepted(label) for label in labels)


def suspicious(_rows: list[dict[str, str]], labels: list[Label]) -> Iterator[Answer]:
    """Hold everything for ever."""
    return ({"verdict": "hold", "reason": "never sure"} for _ in labels)


def honest(rows: list[dict[str, str]], labels: list[Label]) -> Iterator[Answer]:
    """Accept whatever has at least the volume and not an older time of day than the last."""
    reached: dict[str, tuple[str, int]] = {}
    for row, label in zip(rows, labels, strict=True):
        at = f"{row['UpdateTime']}.{row['UpdateMillisec']:0>3}", int(row["Volume"] or 0)
        before = reached.get(row["InstrumentID"], ("", -1))
        if at[0] > before[0] and at[1] >= before[1]:
            reached[row["InstrumentID"]] = at
            yield _accepted(label)
        else:
            yield {"verdict": "late"}


JUDGES = {judge.__name__: judge for judge in (oracle, credulous, suspicious, honest)}


def main() -> None:
    """Answer row by row."""
    path = Path(sys.argv[2])
    labels = list(read_labels(path.with_suffix(".labels.tsv")))
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for number, answer in enumerate(JUDGES[sys.argv[1]](rows, labels), start=1):
        sys.stdout.write(json.dumps({"row": number, **answer}) + "\n")


if __name__ == "__main__":
    main()
