"""What supervisor and children show as metrics, and where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from mdhub.metrics.sample import Sample
from mdhub.runtime.keeper import ChildState
from mdhub.runtime.metrics import Address
from mdhub_ingest.spec import SourceSpec
from mdhub_ingest.writer import RawWriter

__all__ = [
    "PORTS",
    "SUPERVISING",
    "children_counts",
    "late_address",
    "source_address",
    "source_samples",
]

SUPERVISING: Final = "supervising"


def source_address(first: Address, spec: SourceSpec, specs: Sequence[SourceSpec]) -> Address:
    """Where a source's process serves: a port each, in the order of all sources described."""
    return first.moved([each.name for each in specs].index(spec.name))


PORTS: Final = 100
"""Of all sources' processes."""


def late_address(
    first: Address, described: int, part: int, parts: int, *, taken: Iterable[Address]
) -> Address:
    """Where the process of a source serves that came later (an account): the lowest port free.

    Above those of the `described` sources, each of `parts` supervisors has every n-th port, so none
    has to ask another one. Nowhere where the range is used up.
    """
    used = set(taken)
    places = (first.moved(by) for by in range(described + part, PORTS, parts))
    return next((each for each in places if each not in used), Address())


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
