"""Samples from the results of a drill, as `mdhub drill --json` shows them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from mdhub.metrics.sample import Sample

__all__ = ["samples_of_drill"]

_QUANTILES: Final = {"0.5": "silence_p50_s", "0.99": "silence_p99_s", "1": "silence_max_s"}


def samples_of_drill(rows: Sequence[Mapping[str, Any]], ended_s: float) -> Iterator[Sample]:
    """Yield what came out of each row that ran."""
    yield Sample("mdhub_drill_time_seconds", (), ended_s)
    for row in rows:
        if row["verdict"] == "skipped":
            continue
        label = (str(row["id"]),)
        yield Sample("mdhub_drill_passed", label, row["verdict"] == "pass")
        yield Sample("mdhub_drill_lost", label, row["lost"])
        yield Sample("mdhub_drill_duplicated", label, row["duplicated"])
        for quantile, key in _QUANTILES.items():
            if row[key] is not None:
                yield Sample("mdhub_drill_silence_seconds", (*label, quantile), row[key])
