"""Clean entries become live messages, payloads untouched."""

from __future__ import annotations

import pytest

from mdhub.wire.codec import decode_live_header
from mdhub.wire.entries import EpochMark, PhaseMark, QualityMark
from mdhub.wire.live import LiveHeader
from mdhub_publisher.frames import Framer, live_frames, quality_of, resume_after_n
from tests.unit.publisher.entries import clean, marker_entry, tick_entry


def test_a_tick_passes_through_byte_for_byte() -> None:
    """Topic and header are new, the payload is the one of the log."""
    entry = tick_entry(7, k=3)
    topic, header, payload = live_frames(clean(entry), 0, 99, 1)
    assert topic == b"tick.SHFE.rb2610."
    assert decode_live_header(header) == LiveHeader(1, 0, 1, 7, 3, "7-0", 5, 99, 1)
    assert payload is entry[1][3]


@pytest.mark.parametrize(
    ("kind", "body", "topic", "name"),
    [
        ("epoch", EpochMark(1, 0, "i"), b"epoch.0.", ""),
        ("quality", QualityMark("rb2610", "SHFE", "bad"), b"quality.SHFE.rb2610.", "rb2610.SHFE"),
        ("phase", PhaseMark("SHFE", "rb", "open"), b"phase.SHFE.rb.", ""),
        ("end_of_session", [1], b"marker.0.", ""),
        ("of a later year", [1], b"marker.0.", ""),
    ],
)
def test_every_marker_has_a_topic(kind: str, body: object, topic: bytes, name: str) -> None:
    """So a client that follows everything sees no hole in n, whatever kinds are added."""
    read = clean(marker_entry(1, kind, body))
    assert (read.topic, read.name, read.kind) == (topic, name, kind)


@pytest.mark.parametrize(
    "fields",
    [
        [],
        [b"h", b"", b"t", b""],
        [b"h", b"\xc1", b"m", b"\xc1"],
        [b"h", b"\x95\x01\x01\x01\x01\x01"],
    ],
)
def test_what_is_no_entry_is_counted_and_skipped(fields: list[bytes]) -> None:
    """The log cannot be mended from here, and must not stop the publisher."""
    framer = Framer(0)
    assert framer.clean(b"1-0", fields) is None
    assert framer.undecodable == 1


def test_bodies_that_cannot_be_read_have_safe_readings() -> None:
    """An epoch marker without a body withdraws nothing, a quality marker says nothing."""
    broken = clean(marker_entry(9, "end_of_session", "text"))
    assert resume_after_n(broken) == 8
    assert quality_of(broken) == ""
