"""Silence is time without a delivery while the market ticked, by fault."""

from __future__ import annotations

from mdhub.drill.evidence import Silence
from mdhub.drill.port import Fault
from mdhub.drill.receipts import Receipt
from mdhub.drill.silence import Listener
from tests.unit.drill.scenes import made, receipt, tick_of

SECOND_NS = 1_000_000_000
WAY_NS = 2_000_000
MADE = made(2_000)
START_NS = MADE[0].made_ns


def delivered(silent_from_s: float = 0.0, silent_to_s: float = 0.0) -> list[Receipt]:
    """Everything after its way of 2 ms; what falls into the silence comes at its end."""
    found = []
    for n, snapshot in enumerate(MADE, start=1):
        at_ns = snapshot.made_ns - START_NS + WAY_NS
        if silent_from_s * SECOND_NS <= at_ns < silent_to_s * SECOND_NS:
            at_ns = int(silent_to_s * SECOND_NS)
        found.append(receipt(tick_of(snapshot), n, at_ns))
    return found


def at(second: float) -> Fault:
    return Fault("kill", int(second * SECOND_NS))


def measure(receipts: list[Receipt], *faults: Fault) -> Silence:
    listener = Listener(receipts)
    assert list(listener.watch(MADE)) == MADE
    return listener.silence(faults)


def test_pauses_of_the_market_are_no_silence() -> None:
    """A hub that delivers at once is never silent, however long the market rests."""
    found = measure(delivered(), at(3))

    assert found.market_s > 0.02
    assert max(*found.samples_s, found.quiet_s) <= 0.001


def test_a_silence_belongs_to_the_fault_before_its_end() -> None:
    """It is as long as from the first tick that was due to the next delivery."""
    found = measure(delivered(5.0, 5.4), at(2), at(4.99), at(7))

    before, during, after = found.samples_s
    assert 0.25 < during <= 0.401
    assert before <= 0.001
    assert after <= 0.001


def test_silence_before_the_first_fault_is_told_apart() -> None:
    """It is the machine's own."""
    found = measure(delivered(1.0, 1.3), at(4))

    assert found.quiet_s > 0.15
    assert max(found.samples_s) <= 0.001


def test_percentiles_are_samples() -> None:
    """Nearest rank: of a hundred the 99th, and the last one as the maximum."""
    silence = Silence(samples_s=[n / 100 for n in range(100, 0, -1)])

    assert [silence.percentile(share) for share in (0.5, 0.99, 1.0)] == [0.5, 0.99, 1.0]
    assert Silence().percentile(0.5) is None
