"""Clean entries as the log would hand them over."""

from __future__ import annotations

from mdhub.streams.port import Entry
from mdhub.wire.codec import encode, marker
from mdhub.wire.entries import CleanHeader
from mdhub.wire.ticks import CleanTick
from mdhub_publisher.frames import Clean, Framer

_FRAMER = Framer(0)


def tick_entry(n: int, *, symbol: str = "rb2610", k: int | None = None, epoch: int = 1) -> Entry:
    """Build a tick with this n."""
    tick = CleanTick(
        1, symbol, "SHFE", 20260803, 1, 2, "A", 0, None, None, None, None, None, None, None, None,
        None, None, None, None, None, None, None, [], [],
    )  # fmt: skip
    header = encode(CleanHeader(1, n, n if k is None else k, epoch, 5))
    return (b"%d-0" % n, [b"h", header, b"t", encode(tick)])


def marker_entry(n: int, kind: str, body: object, *, k: int | None = None, epoch: int = 1) -> Entry:
    """Build a marker with this n."""
    header = encode(CleanHeader(1, n, k, epoch, 5))
    return (b"%d-0" % n, [b"h", header, b"m", marker(kind, 7, body)])


def clean(entry: Entry) -> Clean:
    """Read an entry that is known to be good."""
    read = _FRAMER.clean(*entry)
    assert read is not None
    return read
