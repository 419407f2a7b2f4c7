"""The garbage of row G3 is garbage: no rule lets a piece of it into clean."""

from __future__ import annotations

from itertools import islice
from random import Random

import pytest
from msgspec.structs import replace

from mdhub.drill.garbage import MEGABYTE, garbage, large, usable
from mdhub.market.snapshot import raw_tick
from mdhub.market.synthetic import SyntheticMarket
from mdhub.wire.entries import RulesChange
from mdhub.wire.ticks import RawTick
from mdhub_arbiter.outputs import Rejected
from tests.unit.arbiter.builders import Desk, clock_entry, control_entry, lead_entry, tick_entry

TICKS = 1_500
AFTER_EACH = 5
SEEDS = (1, 2)


def ticks() -> list[RawTick]:
    market = SyntheticMarket(seed=5, ticks_per_s=1_000.0).snapshots()
    return [
        raw_tick(each, source="A", session=1, seq=seq, recv_ns=each.made_ns)
        for seq, each in enumerate(islice(market, TICKS), start=1)
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_no_piece_of_it_is_accepted(seed: int) -> None:
    """Between good ticks, as fast as a burst of it comes, under the newest rules."""
    random, desk, usual = Random(seed), Desk.bare(), list[RawTick]()
    good = ticks()
    desk.fold(lead_entry(good[0].recv_ns))
    desk.folds(control_entry("rules", RulesChange(2)))
    refused = 0
    for number, tick in enumerate(good):
        if number % 100 == 0:
            desk.folds(clock_entry(tick.recv_ns))
        desk.folds(tick_entry(tick))
        if usable(tick):
            usual = [*usual[-200:], replace(tick, source="G")]
        for _ in range(AFTER_EACH if usual else 0):
            outputs = desk.folds([b"t", garbage(random, random.choice(usual))])
            refused += sum(isinstance(out, Rejected) for out in outputs)
    said = desk.state.sources
    assert said["G"].accepted == 0, f"seed {seed}"
    assert said["A"].accepted > TICKS * 0.9
    assert refused > TICKS


def test_a_large_field_is_refused_like_any_other() -> None:
    """A megabyte of text in one field raises nothing."""
    random, desk = Random(1), Desk()
    (template, *_) = [tick for tick in ticks() if usable(tick)]
    for _ in range(5):
        payload = large(random, template)
        assert len(payload) > MEGABYTE
        (out,) = desk.folds([b"t", payload])
        assert isinstance(out, Rejected)
