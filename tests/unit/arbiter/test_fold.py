"""`State = fold(decide, raw)`: the same log gives the same bytes, from wherever it is folded."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from mdhub.calendar import Calendar
from mdhub.streams.memory import MemoryServer
from mdhub.streams.port import LeadRequest, Log
from mdhub_arbiter.recovery import load_snapshot
from mdhub_arbiter.snapshots import Snapshotter
from mdhub_arbiter.state import decode_state
from tests.unit.arbiter.builders import (
    Desk,
    Output,
    clock_entry,
    control_entry,
    lead_entry,
    market_clock_entry,
    raw,
    state_bytes,
    tick_entry,
)
from tests.unit.arbiter.test_decide import NOW_NS
from tests.unit.calendar.test_encoding import BIG

PARTS = [*Calendar.load().parts, *Calendar(BIG).parts]
SYMBOLS = ["rb2701", "m2701", "MA701", "SR705", "10008123"]
TICKS = st.builds(
    lambda symbol, source, second, ms, volume, bid, close, session: tick_entry(
        raw(
            f"10:00:0{second}.{0 if symbol in {'MA701', 'SR705'} else ms}",
            symbol=symbol, exchange="", source=source, volume=volume, session=session,
            bids=[(bid, 1)], close=close,
        )
    ),
    symbol=st.sampled_from(SYMBOLS),
    source=st.sampled_from("AB"),
    second=st.integers(0, 3),
    ms=st.sampled_from([0, 500]),
    volume=st.integers(-1, 9),
    bid=st.sampled_from([2990.0, 2991.0, 2992.0]),
    close=st.sampled_from([None, 3000.0]),
    session=st.integers(1, 2),
)  # fmt: skip
CONTROLS = st.one_of(
    st.builds(lambda s: clock_entry(NOW_NS + s * 1_000_000_000), st.integers(-5, 10)),
    st.builds(
        lambda epoch, server: lead_entry(NOW_NS, epoch=epoch, incarnation=server),
        st.integers(7, 9),
        st.sampled_from(["s1", "s2"]),
    ),
    st.builds(
        lambda s, run: market_clock_entry(NOW_NS + s * 1_000_000_000, NOW_NS, 1.0, run),
        st.integers(-2, 2),
        st.text("xy", max_size=1),
    ),
    st.just(control_entry("calendar", [20261119])),
    st.sampled_from([control_entry("calendar", msgspec.Raw(part)) for part in PARTS]),
    st.just(control_entry("lost", [1, 3, "gone"], writer="A")),
    st.just([b"t", b"poison"]),
)
LOGS = st.lists(st.one_of(TICKS, TICKS, TICKS, TICKS, CONTROLS), max_size=60)


def folded(entries: list[list[bytes]], desk: Desk | None = None) -> tuple[Desk, list[Output]]:
    desk = desk or Desk()
    return desk, [desk.fold(fields) for fields in entries]


@settings(deadline=None)
@given(LOGS)
def test_one_log_has_one_outcome(entries: list[list[bytes]]) -> None:
    """Folding twice gives equal outputs, state and digest."""
    (first, outputs), (second, again) = folded(entries), folded(entries)
    assert outputs == again
    assert state_bytes(first.state) == state_bytes(second.state)


@settings(deadline=None)
@given(LOGS, st.data())
def test_a_saved_state_goes_on_like_the_one_it_was(
    entries: list[list[bytes]], data: st.DataObject
) -> None:
    """Folding a prefix, saving, loading and folding the rest equals folding all."""
    cut = data.draw(st.integers(0, len(entries)))
    whole, outputs = folded(entries)
    desk, first = folded(entries[:cut])
    saved = state_bytes(desk.state)
    desk.state = decode_state(saved[0], saved[1:])
    _, second = folded(entries[cut:], desk)

    assert first + second == outputs
    assert state_bytes(desk.state) == state_bytes(whole.state)


def led(server: MemoryServer) -> Log:
    log = server.log("arbiter")
    log.take(0, LeadRequest(0, b"0-0", 1, b"lead"))
    return log


@settings(deadline=None)
@given(LOGS, LOGS, st.data())
def test_a_snapshot_taken_in_slices_is_the_state_at_its_begin(
    before: list[list[bytes]], after: list[list[bytes]], data: st.DataObject
) -> None:
    """Entries folded while a snapshot is written do not show in it; two may follow each other."""
    desk, _ = folded(before)
    log = led(MemoryServer())
    snapshotter = Snapshotter(log, shard=0, token=1)
    for raw_id in (b"5-1", b"5-2"):
        frozen = state_bytes(desk.state)
        snapshotter.begin(desk.state, raw=raw_id, wall_ns=0)
        for fields in after:
            if data.draw(st.booleans()):
                snapshotter.step()
            desk.fold(fields)
        while snapshotter.busy:
            snapshotter.step()
        loaded = load_snapshot(log, 0, log.manifests(0)[0])

        assert loaded is not None
        assert sorted(state_bytes(loaded)) == sorted(frozen)


def test_a_snapshot_without_its_manifest_does_not_count() -> None:
    """Chunks alone are not a snapshot; the manifest is written last."""
    log = led(MemoryServer())
    desk, _ = folded([tick_entry(raw())])
    snapshotter = Snapshotter(log, shard=0, token=1)
    snapshotter.begin(desk.state, raw=b"5-1", wall_ns=0)
    while snapshotter.busy:
        assert log.manifests(0) == []
        snapshotter.step()
    manifest = log.manifests(0)[0]

    assert (manifest.raw, manifest.n) == (b"5-1", 2)
    assert all(log.load_chunk(0, snapshot=b"5-1", part=part) for part in manifest.parts())


def test_a_snapshot_of_many_contracts_is_cut_into_chunks() -> None:
    """No chunk holds more than 500 contracts, and every contract is in exactly one."""
    log = led(MemoryServer())
    entries = [
        tick_entry(raw(symbol=f"{product}27{month:02}C{strike}", exchange=""))
        for product in ("rb", "cu", "al", "zn")
        for month in range(1, 13)
        for strike in range(25)
    ]
    desk, _ = folded(entries)
    snapshotter = Snapshotter(log, shard=0, token=1)
    snapshotter.begin(desk.state, raw=b"5-1", wall_ns=0)
    while snapshotter.busy:
        snapshotter.step()
    manifest = log.manifests(0)[0]
    loaded = load_snapshot(log, 0, manifest)

    assert manifest.state_chunks > 3
    assert loaded is not None
    assert state_bytes(loaded) == state_bytes(desk.state)
