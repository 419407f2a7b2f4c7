"""Decoders meet anything, and answer with a tick or a DecodeError."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdhub.wire import DecodeError, codec, decode_raw_tick, encode
from tests.unit.wire.samples import SAMPLES

DECODERS: dict[str, Callable[[bytes], object]] = {
    name: getattr(codec, name) for name in codec.__all__ if name.startswith("decode_")
}
each_decoder = pytest.mark.parametrize("decode", DECODERS.values(), ids=DECODERS)

leaves = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text()
values = st.recursive(
    leaves | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=40,
)
samples = st.sampled_from(sorted(SAMPLES)).map(lambda name: encode(SAMPLES[name]))


@each_decoder
@given(data=st.binary() | values.map(msgpack.packb))
def test_no_bytes_surprise_a_decoder(decode: Callable[[bytes], object], data: bytes) -> None:
    """Arbitrary bytes and arbitrary messages raise DecodeError at most."""
    with suppress(DecodeError):
        decode(data)


@each_decoder
@given(data=samples, at=st.integers(0, 400), byte=st.integers(0, 255))
def test_no_damage_surprises_a_decoder(
    decode: Callable[[bytes], object], data: bytes, at: int, byte: int
) -> None:
    """One wrong byte anywhere raises DecodeError at most."""
    damaged = bytearray(data)
    damaged[at % len(data)] = byte
    with suppress(DecodeError):
        decode(bytes(damaged))


@given(data=samples, end=st.integers(0, 400))
def test_a_cut_message_is_refused(data: bytes, end: int) -> None:
    """Half a tick is no tick."""
    with pytest.raises(DecodeError):
        decode_raw_tick(data[: end % len(data)])


@pytest.mark.parametrize(
    "tail",
    [b"\x91" * 100_000, b"\xdd\xff\xff\xff\xff", b"\xa1\xff", b"\xc7\x0c\xff" + b"\x7f" * 12],
    ids=["endless nesting", "promised length", "text that is no UTF-8", "impossible timestamp"],
)
@pytest.mark.parametrize("name", ["RawTick", "CleanTick", "Event"])
def test_hostile_ends_are_refused(name: str, tail: bytes) -> None:
    """What costs nothing to send costs nothing to refuse."""
    fields = msgpack.unpackb(encode(SAMPLES[name]))
    head = msgpack.Packer().pack_array_header(len(fields))
    body = b"".join(msgpack.packb(field) for field in fields[:-1])
    with pytest.raises(DecodeError):
        codec.decoder(type(SAMPLES[name]))(head + body + tail)
