"""What the in-memory server holds of one shard."""

from __future__ import annotations

from dataclasses import dataclass, field

from mdhub.streams.port import FIRST_ID, Leadership, Manifest, Positions, WriterPosition

__all__ = ["HeldShard"]


@dataclass
class HeldShard:
    """Positions, leader, writers, snapshots and cursors."""

    positions: Positions = field(default_factory=Positions)
    leader: Leadership = field(default_factory=Leadership)
    led: str = ""
    rejected_id: bytes = FIRST_ID
    writers: dict[str, WriterPosition] = field(default_factory=dict)
    manifests: list[Manifest] = field(default_factory=list)
    chunks: dict[tuple[bytes, str], bytes] = field(default_factory=dict)
    cursors: dict[tuple[str, str], tuple[bytes, int]] = field(default_factory=dict)
