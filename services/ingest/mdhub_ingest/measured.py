"""What supervisor and children show as metrics, and where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from mdhub.metrics.sample import Sample
from mdhub.runtime.keeper import ChildState
from mdhub.runtime.metrics import Address
from mdhub_ingest.spec import SourceSpec
from mdhub_ingest.writer import RawWriter

__all__ = ["SUPERVISING", "children_counts", "source_address", "source_samples"]

SUPERVISING: Final = "supervising"


def source_address(first: Address, spec: SourceSpec, specs: Sequence[SourceSpec]) -> Address:
    """Where a source's process serves: a port each, in the order of all sources described."""
    return first.moved([each.name for each in specs].index(spec.name))


def children_counts(children: Mapping[str, ChildState]) -> dict[str, int]:
    """What a supervisor says of its children."""
    found: dict[str, int] = {}
    for name, state in children.items():
        found |= {
            f"running:{name}": state.process is not None,
            f"starts:{name}": state.starts,
            f"hung:{name}": state.hung,
            f"quarantined:{name}": state.quarantined,
        }
    return found


def source_samples(source: str, writer: RawWriter) -> Iterable[Sample]:
    """What a source's process counts apart from its heartbeat."""
    return (Sample("mdhub_source_log_seconds", (source,), writer.delays),)
