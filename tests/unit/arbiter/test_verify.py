"""`mdhub verify`: any entry of clean or rejected that raw does not explain is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import msgspec
import pytest

from mdhub.streams.port import Entry, Log
from mdhub.streams.topology import CLEAN, RAW, REJECTED
from mdhub.wire.codec import decode_clean_header, decode_clean_tick, encode
from mdhub_arbiter.verify import recheck as recheck_module
from mdhub_arbiter.verify.recheck import NotCheckable, Start, recheck, starts
from mdhub_arbiter.verify.rows import Difference
from tests.unit.arbiter.stage import Stage


def played(*, snapshots: int = 0, seed: int = 5) -> Stage:
    """A led log with accepted and rejected ticks, and snapshots in between."""
    stage = Stage(seed)
    leader = stage.lead()
    stage.open_market()
    for turn in range(snapshots + 1):
        stage.ticks(60)
        stage.work(leader)
        if turn < snapshots:
            stage.snap(leader)
    return stage


def difference(stage: Stage) -> Difference:
    checked = recheck(stage.log, 0, starts(stage.log, 0)[0])
    assert checked.difference is not None
    return checked.difference


def names(found: Difference) -> dict[str, tuple[object, object]]:
    return {field.name: (field.f_of_raw, field.in_log) for field in found.fields}


def change(stage: Stage, stream: str, at: int, new: Callable[[list[bytes]], list[bytes]]) -> bytes:
    """Change the fields of the entry at a place; return its id."""
    entries = stage.server.streams[stream, 0]
    entry_id, fields = entries[at]
    entries[at] = (entry_id, new(fields))
    return entry_id


@pytest.mark.parametrize("page", [1, 7, 500])
def test_an_honest_log_is_equal_from_every_start(
    page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the first entry and from each snapshot, whatever the size of a page."""
    monkeypatch.setattr(recheck_module, "PAGE", page)
    stage = played(snapshots=2)
    found = starts(stage.log, 0)
    whole, *later = [recheck(stage.log, 0, start) for start in found]

    assert [start.manifest is None for start in found] == [True, False, False]
    assert [checked.difference for checked in (whole, *later)] == [None] * 3
    assert whole.raw == stage.log.length(RAW) > later[0].raw > later[1].raw > 0
    assert (whole.clean, whole.rejected) == (stage.log.length(CLEAN), stage.log.length(REJECTED))
    assert whole.rejected > 0


def test_a_changed_price_is_shown_both_ways() -> None:
    """One price of one clean tick was altered: the entry, the field and both values are named."""
    stage = played()

    def dearer(fields: list[bytes]) -> list[bytes]:
        tick = decode_clean_tick(fields[3])
        return [*fields[:3], encode(msgspec.structs.replace(tick, last=3001.0))]

    entry_id = change(stage, "clean", 5, dearer)
    found = difference(stage)

    assert (found.stream, found.id) == ("clean", entry_id.decode())
    assert names(found) == {"last": (3000.0, 3001.0)}


def test_a_changed_number_is_found() -> None:
    """N and k are part of what is compared, arb_ns is not."""
    stage = played()

    def later(fields: list[bytes]) -> list[bytes]:
        head = decode_clean_header(fields[1])
        return [b"h", encode(msgspec.structs.replace(head, arb_ns=1)), *fields[2:]]

    def renumbered(fields: list[bytes]) -> list[bytes]:
        head = decode_clean_header(fields[1])
        return [b"h", encode(msgspec.structs.replace(head, k=77)), *fields[2:]]

    change(stage, "clean", 4, later)
    entry_id = change(stage, "clean", 6, renumbered)
    found = difference(stage)

    assert found.id == entry_id.decode()
    assert [right for _, right in names(found).values()] == [77]


@pytest.mark.parametrize("stream", ["clean", "rejected"])
@pytest.mark.parametrize("at", [0, 2, -1])
def test_a_missing_entry_is_found(stream: str, at: int) -> None:
    """Also the first and the last one."""
    stage = played()
    entry_id, _ = stage.server.streams[stream, 0].pop(at)
    found = difference(stage)

    assert (found.stream, found.id) == (stream, entry_id.decode())
    assert [field.in_log for field in found.fields] == ["(no such entry)"]


def test_an_entry_nobody_decided_is_found() -> None:
    """An output without its raw entry saying so."""
    stage = played()
    ms, seq = stage.server.streams["clean", 0][3][0].split(b"-")
    extra: Entry = (b"%b-%d" % (ms, int(seq) + 1), stage.server.streams["clean", 0][3][1])
    stage.server.streams["clean", 0].insert(4, extra)
    found = difference(stage)

    assert (found.stream, found.id) == ("clean", extra[0].decode())
    assert [field.f_of_raw for field in found.fields] == ["(no such entry)"]


def test_an_entry_of_no_known_shape_is_a_difference() -> None:
    """Bytes that are not ours are shown, and nothing is raised."""
    stage = played()
    entry_id = change(stage, "clean", 2, lambda _: [b"h", b"\xc1", b"t", b"\xc1"])
    found = difference(stage)

    assert found.id == entry_id.decode()
    assert names(found)["bytes"] == (None, "c1")


def test_a_committed_position_that_does_not_fit_is_a_difference() -> None:
    """All entries are equal, yet the running checksum is another one."""
    stage = played()
    held = stage.server.shard(0)
    held.positions = replace(held.positions, digest="00000000")
    found = difference(stage)

    assert found.stream == "committed position"
    assert names(found)["digest"][1] == "00000000"


def trimmed(stage: Stage) -> Log:
    """Trim raw up to its oldest snapshot, as retention does."""
    log = stage.log
    oldest = log.manifests(0)[-1].raw
    assert log.trim(0, token=1, stream=RAW, min_id=oldest) > 0
    return log


def test_a_trimmed_log_is_checked_from_the_oldest_snapshot() -> None:
    """What is left of raw is enough; the beginning is not offered any more."""
    stage = played(snapshots=2)
    found = starts(trimmed(stage), 0)

    assert [start.after for start in found] == [m.raw for m in reversed(stage.log.manifests(0))]
    assert recheck(stage.log, 0, found[0]).difference is None


def test_entries_that_clean_no_longer_has_are_counted_not_missed() -> None:
    """Retention of clean is its own: what is older is recomputed, and said not to be compared."""
    stage = played()
    log = stage.log
    went = log.trim(0, token=1, stream=CLEAN, min_id=log.entries(CLEAN)[10][0])
    checked = recheck(log, 0, starts(log, 0)[0])

    assert checked.difference is None
    assert checked.trimmed == {"clean": went, "rejected": 0}
    assert checked.clean == log.length(CLEAN)


def test_retention_that_overtakes_the_run_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Raw entries that went while they were needed make the range uncheckable, not different."""
    monkeypatch.setattr(recheck_module, "PAGE", 10)
    stage = played(snapshots=1)
    log = stage.log
    oldest = log.manifests(0)[-1].raw

    def trim(_: object) -> None:
        log.trim(0, token=1, stream=RAW, min_id=oldest)

    with pytest.raises(NotCheckable, match=r"raw was trimmed up to .*--from newest"):
        recheck(log, 0, Start(b"0-0"), tell=trim)


def test_without_snapshot_and_beginning_there_is_no_start() -> None:
    """Raw cut in the middle explains nothing."""
    stage = played()
    del stage.server.streams["raw", 0][:5]

    assert starts(stage.log, 0) == []
    assert starts(Stage().log, 0) == []


def test_a_snapshot_that_is_gone_is_told() -> None:
    """A part expired while the run began."""
    stage = played(snapshots=1)
    start = starts(stage.log, 0)[-1]
    stage.server.shard(0).chunks.clear()

    with pytest.raises(NotCheckable, match="cannot be read"):
        recheck(stage.log, 0, start)
