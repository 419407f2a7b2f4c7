"""What a publisher could not read any more it names, by the n it never had."""

from __future__ import annotations

from mdhub_publisher.shard import Shard
from tests.unit.publisher.entries import tick_entry


def test_a_publisher_that_was_overtaken_names_what_it_never_read() -> None:
    """Each range once; what comes behind it is passed on."""
    told: list[tuple[int, int, int]] = []
    shard = Shard(3, on_hole=lambda *hole: told.append(hole))
    sent = [shard.accept(tick_entry(n)) for n in (1, 2, 3, 10, 11, 13)]
    assert told == [(3, 4, 9), (3, 12, 12)]
    assert shard.holes == 7
    assert all(sent)


def test_the_first_entry_read_is_no_hole() -> None:
    """A publisher that begins with a log that was trimmed before has missed nothing."""
    told: list[tuple[int, int, int]] = []
    Shard(0, on_hole=lambda *hole: told.append(hole)).accept(tick_entry(500))
    assert told == []
