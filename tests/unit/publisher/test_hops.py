"""Latency by hop, from stamps."""

from __future__ import annotations

from dataclasses import dataclass

from mdhub.metrics.histogram import Histogram
from mdhub.wire.codec import encode
from mdhub_publisher.frames import TICK, Clean
from mdhub_publisher.hops import EVERY_NS, MOST_SOURCES, Hops

SECOND_NS = 1_000_000_000
MS_NS = 1_000_000


@dataclass
class Seen:
    """What one hop of one source shows."""

    count: float
    sum_ms: float


def entry(
    *, recv_ms: float, raw_ms: int, arb_ms: float, source: str = "A", kind: str = TICK
) -> Clean:
    tick = [1, "rb2701", "SHFE", 20261123, 0, int(recv_ms * MS_NS), source, 0]
    arb_ns = int(arb_ms * MS_NS)
    return Clean(1, 1, 1, arb_ns, f"{raw_ms}-65536", b"t", "rb2701.SHFE", kind, encode(tick))


def shown(hops: Hops) -> dict[tuple[str, str], Seen]:
    found = {}
    for sample in hops.samples():
        assert isinstance(sample.value, Histogram)
        count, sum_ms = sample.value.buckets()[-1][1], sample.value.sum_ns / MS_NS
        found[sample.labels[1], sample.labels[2]] = Seen(count, sum_ms)
    return found


def test_each_hop_is_what_lies_between_two_stamps() -> None:
    """Callback, raw, decided, published; and the whole way."""
    hops = Hops("publisher:A")
    hops.sample(entry(recv_ms=1_000.5, raw_ms=1_002, arb_ms=1_005), 1_009 * MS_NS)
    found = shown(hops)
    assert found["callback_to_raw", "A"] == Seen(1, 1.5)
    assert found["raw_to_decided", "A"] == Seen(1, 3)
    assert found["decided_to_published", "A"] == Seen(1, 4)
    assert found["callback_to_published", "A"] == Seen(1, 8.5)


def test_one_entry_in_10_ms_is_enough() -> None:
    """And a clock that is set back does not end it."""
    hops = Hops("publisher:A")
    tick = entry(recv_ms=1, raw_ms=1, arb_ms=1)
    for pub_ns in (SECOND_NS, SECOND_NS + 1, SECOND_NS + EVERY_NS, SECOND_NS // 2):
        hops.sample(tick, pub_ns)
    assert shown(hops)["callback_to_raw", "A"].count == 3
    assert shown(hops)["callback_to_raw", "A"].count == 3, "each is counted once"


def test_markers_and_nonsense_have_no_latency() -> None:
    """They are passed over; a raw stamp before the callback (whole milliseconds) is 0."""
    hops = Hops("publisher:A")
    odd = entry(recv_ms=1, raw_ms=1, arb_ms=1)
    broken = Clean(1, 1, 1, 1, "1-0", b"t", "x", TICK, b"\xc1")
    early = entry(recv_ms=1.9, raw_ms=1, arb_ms=2.5, source="B")
    marker = entry(recv_ms=1, raw_ms=1, arb_ms=1, kind="phase")
    for i, clean in enumerate((odd, broken, marker, early)):
        hops.sample(clean, SECOND_NS * (i + 1))
    found = shown(hops)
    assert found["callback_to_raw", "A"].count == 1
    assert found["callback_to_raw", "B"] == Seen(1, 0)


def test_sources_are_bounded() -> None:
    """Names come from the wire; beyond 256 they are not counted."""
    hops = Hops("publisher:A")
    for i in range(MOST_SOURCES + 5):
        hops.sample(entry(recv_ms=1, raw_ms=1, arb_ms=1, source=f"S{i}"), SECOND_NS * (i + 1))
    assert len({source for _, source in shown(hops)}) == MOST_SOURCES
