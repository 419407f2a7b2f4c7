"""A state that raw can no longer give: numbers and marks go on from what clean says."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest

from mdhub.sdk.events import Gap, Message
from mdhub.sdk.tracker import Tracker
from mdhub.streams.ids import make_id
from mdhub.streams.port import Log
from mdhub.streams.topology import CLEAN, RAW
from mdhub.wire.codec import decode_clean_header, decode_clean_tick, encode
from mdhub.wire.live import LiveHeader
from mdhub_arbiter import recovery
from mdhub_arbiter.instrument import Instrument
from mdhub_arbiter.recovery import Recovered, recover
from tests.unit.arbiter.builders import raw
from tests.unit.arbiter.stage import SYMBOLS, Stage


@pytest.fixture(autouse=True)
def fast_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaders write a clock entry every ms, so that nothing here waits for one."""
    monkeypatch.setattr("mdhub_arbiter.leader.CLOCK_EVERY_S", 0.001)


@pytest.fixture
def stage() -> Stage:
    stage = Stage()
    leader = stage.lead()
    stage.open_market()
    stage.ticks(60)
    stage.work(leader)
    return stage


def lose_raw(stage: Stage) -> None:
    """Trim all raw entries that are committed."""
    ms, seq = stage.log.positions(0).raw.split(b"-")
    beyond = make_id(int(ms), int(seq) + 1)
    stage.log.trim(0, token=stage.log.leadership(0).token, stream=RAW, min_id=beyond)


def marks(recovered: Recovered) -> dict[str, tuple[object, ...]]:
    def mark(i: Instrument) -> tuple[object, ...]:
        return (i.k, i.mark_ns, i.mark_day, i.volume, i.identity, i.closing, i.second, i.last)

    return {symbol: mark(i) for symbol, i in recovered.state.instruments.items()}


def ticks(stage: Stage) -> int:
    """How many ticks clean has, markers left out."""
    entries = stage.log.entries(CLEAN, count=1_000_000)
    return sum(field == b"t" for _, (_, _, field, _) in entries)


def messages(log: Log) -> list[Message]:
    """What a publisher sends of clean."""
    found = []
    for entry_id, (_, header, field, payload) in log.entries(CLEAN, count=1_000_000):
        if field == b"t":
            head, symbol = decode_clean_header(header), decode_clean_tick(payload).symbol
            live = LiveHeader(1, 0, 1, head.n, head.k, entry_id.decode(), 0, 0, 0)
            found.append(Message(b"tick.X." + symbol.encode(), live, payload, symbol))
    return found


@pytest.mark.parametrize("seed", range(5))
def test_clean_gives_back_numbers_and_marks(seed: int) -> None:
    """Per instrument k, newest tick, mark and second are what they were."""
    stage = Stage(seed)
    leader = stage.lead()
    stage.open_market()
    stage.ticks(80)
    stage.work(leader)
    expected, at = recover(stage.log, 0), stage.log.positions(0)
    lose_raw(stage)
    found = recover(stage.log, 0)

    assert expected.agrees and not found.agrees
    assert marks(found) == marks(expected)
    assert (found.state.n, found.state.epoch) == (at.n, stage.log.leadership(0).epoch)
    assert (found.state.log_ns, found.state.market_ns) == (at.log_ns, at.market_ns)


def test_k_runs_on_after_raw_is_gone(stage: Stage) -> None:
    """Neither n nor k begins anew, and what clean has is not accepted again."""
    repeat = raw("10:00:00.010", symbol="rb2701", exchange="", source="A", volume=1)
    lose_raw(stage)
    accepted = ticks(stage)
    leader = stage.lead()
    stage._append("A", [encode(repeat)], "t")
    stage.work(leader)
    assert ticks(stage) == accepted
    stage.open_market()
    stage.ticks(40)
    stage.work(leader)

    assert ticks(stage) > accepted + 20
    stage.assert_numbers_run_on()
    assert len(stage.epoch_marks()) == 2


def test_a_filtered_client_gets_every_tick(stage: Stage) -> None:
    """It follows k: had k begun anew, it would have taken new ticks for repeats."""
    before = messages(stage.log)
    lose_raw(stage)
    leader = stage.lead()
    stage.open_market()
    stage.ticks(40)
    stage.work(leader)
    tracker = Tracker(everything=False)
    tracker.join(0, epoch=1, n=0)
    sent = messages(stage.log)
    for message in sent:
        tracker.offer(message, now_ns=0)
    got: defaultdict[str, int] = defaultdict(int)
    for item in tracker.take():
        assert not isinstance(item, Gap)
        if isinstance(item, Message):
            got[item.name] += 1

    assert len(sent) > len(before)
    assert tracker.statistics.duplicates == 0
    assert got == {s: sum(m.name == s for m in sent) for s in SYMBOLS}


def test_a_quiet_instrument_is_known_from_the_last_ticks_of_a_snapshot(stage: Stage) -> None:
    """Its newest tick is trimmed from clean; the state beside it is of another version."""
    stage.snap(stage.lead())
    expected = marks(recover(stage.log, 0))
    chunks = stage.server.shards[0].chunks
    chunks[stage.log.manifests(0)[0].raw, "state-0"] = b"\xc1"
    lose_raw(stage)
    stage.server.streams["clean", 0].clear()
    found = marks(recover(stage.log, 0))

    assert {s: m[:6] + m[7:] for s, m in found.items()} == {
        s: m[:6] + m[7:] for s, m in expected.items()
    }


def test_a_snapshot_without_its_last_ticks_is_no_help(stage: Stage) -> None:
    """Then all of clean that is kept is read instead."""
    stage.snap(stage.lead())
    expected = marks(recover(stage.log, 0))
    chunks = stage.server.shards[0].chunks
    raw_id = stage.log.manifests(0)[0].raw
    chunks[raw_id, "state-0"] = b"\xc1"
    del chunks[raw_id, "last-0"]
    lose_raw(stage)

    assert marks(recover(stage.log, 0)) == expected


def test_ticks_after_market_time_was_set_back_count(stage: Stage) -> None:
    """A new run of a recording begins earlier: its mark is the one to restore."""
    leader = stage.lead()
    before = marks(recover(stage.log, 0))["rb2701"]
    instrument = leader._state.instruments["rb2701"]
    instrument.forget_mark()
    tick = raw("09:59:00.000", symbol="rb2701", exchange="", source="B", volume=1)
    stage._append("B", [encode(tick)], "t")
    stage.work(leader)
    lose_raw(stage)
    after = marks(recover(stage.log, 0))["rb2701"]

    assert after[0] == int(str(before[0])) + 1
    assert after[1] == instrument.mark_ns
    assert (after[3], after[4]) == (1, instrument.identity)


def test_a_snapshot_taken_meanwhile_is_begun_with(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A leader that goes on while another arbiter starts takes snapshots and trims raw."""
    leader = stage.lead()
    stage.work(leader)
    fold = recovery._fold
    folds: list[Any] = []

    def slowly(*args: Any) -> int:
        if not folds:
            stage.ticks(5)
            stage.snap(leader)
            lose_raw(stage)
        folds.append(args)
        return fold(*args)

    monkeypatch.setattr(recovery, "_fold", slowly)
    recovered = recover(stage.log, 0)
    assert recovered.agrees
    assert recovered.from_snapshot == stage.log.manifests(0)[0].raw
    assert len(folds) == 2
