"""The bench's stage of the gateway child: nothing is lost, and its numbers are possible ones."""

from __future__ import annotations

import pytest

from bench.model import BenchError
from bench.settings import Settings
from bench.stages.gateway import binding, gateway, through_child
from bench.standin import Gateway, gateways

pytestmark = [pytest.mark.gateways, pytest.mark.process, pytest.mark.timeout(120)]

QUICK = Settings(seconds=0.8, rounds=1, quick=True)
AMOUNT = 3_000


@pytest.fixture(scope="module")
def found() -> dict[str, Gateway]:
    try:
        return {each.name: each for each in gateways()}
    except BenchError as reason:
        pytest.skip(str(reason))


@pytest.mark.parametrize("name", ["ctp", "sopt"])
def test_every_tick_of_a_load_is_in_raw(name: str, found: dict[str, Gateway]) -> None:
    """At once and paced, one after the other in one child; what it used is split by thread."""
    at_once, paced = through_child(found[name], [(0, AMOUNT), (2_000, AMOUNT)])
    for taken in (at_once, paced):
        assert taken.ticks == len(taken.delays_ms) == AMOUNT
        assert 0 <= taken.writer_s < taken.cpu_s
        assert min(taken.delays_ms) > -1.0  # ids count in whole ms
        assert taken.delay_ms(0.5) <= taken.delay_ms(0.99)
    assert paced.wall_s >= AMOUNT / 2_000 * 0.9


@pytest.mark.parametrize("keep_thread", [False, True])
def test_the_binding_alone_takes_every_tick(
    found: dict[str, Gateway], *, keep_thread: bool
) -> None:
    """The second mark comes behind all ticks, through the same queue."""
    wall_s, used_s = binding(found["ctp"], AMOUNT, keep_thread=keep_thread)
    assert used_s > 0
    assert wall_s > 0


def test_the_quick_row_tells_of_both_gateways(found: dict[str, Gateway]) -> None:
    """Binding and child of each, CTP also paced; every number is there and above zero."""
    values = gateway(QUICK)
    assert {value.name.split()[0].lower() for value in values} == set(found)
    assert all(len(value.rounds) == 1 and value.median > 0 for value in values)
    paced = [value.name for value in values if "ticks/s, callback to raw" in value.name]
    assert len(paced) == 4
