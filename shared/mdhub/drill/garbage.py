"""What a broken gateway may write into raw: entries that no rule may let into clean.

Each is a recent tick of a good source with one thing wrong that can be told from a good tick, or
bytes that are no tick at all. A plausible wrong value (an open interest off by one) is not here: no
rule can tell it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final

from msgspec.structs import replace

from mdhub.wire.codec import encode
from mdhub.wire.ticks import RawTick

__all__ = ["MEGABYTE", "garbage", "large", "usable"]

MEGABYTE: Final = 1 << 20
HUGE: Final = 1e308
NAN: Final = float("nan")
INFINITE: Final = float("inf")
WRONG_TIMES: Final = ("24:61:00", "99:99:99", "", "10:00", "now", "-1:00:00", "10:00:00\x00")
WRONG_SYMBOLS: Final = ("", "QQQ99", "../../x", "\x00\x00", "rb", "9999", "行情", "rb2701 ", "*")

Template = RawTick
Change = Callable[[Random, RawTick], dict[str, Any]]


def usable(tick: RawTick) -> bool:
    """Whether a tick says enough for its changes to be told: traded, with limits, an outright."""
    limits = (tick.limit_up, tick.limit_down, tick.last)
    known = all(price is not None and 0 < price < HUGE for price in limits)
    return known and bool(tick.volume) and "&" not in tick.symbol


def _price(random: Random, tick: RawTick) -> dict[str, Any]:
    last = tick.last or 1.0
    return {"last": random.choice((NAN, HUGE, -HUGE, INFINITE, -INFINITE, last * 100, -last, 0.0))}


def _low(_: Random, tick: RawTick) -> dict[str, Any]:
    return {"last": (tick.last or 1.0) / 100}


def _volume(random: Random, tick: RawTick) -> dict[str, Any]:
    return {"volume": -random.choice((1, tick.volume or 1, 1 << 31, 1 << 62))}


def _time(random: Random, _: RawTick) -> dict[str, Any]:
    return {"update_time": random.choice(WRONG_TIMES)}


def _milliseconds(random: Random, _: RawTick) -> dict[str, Any]:
    return {"update_ms": random.choice((-1, 1000, 1 << 40, -(1 << 62)))}


def _past(random: Random, tick: RawTick) -> dict[str, Any]:
    """A day long past, with a price of today's: a stamp of the gateway's own."""
    day = f"{random.randint(1970, 2020)}0105"
    return {"trading_day": day, "action_day": day, **_price(random, tick)}


def _future(random: Random, tick: RawTick) -> dict[str, Any]:
    day = f"{random.randint(2060, 9999)}0105"
    return {"trading_day": day, "action_day": day, **_price(random, tick)}


def _symbol(random: Random, _: RawTick) -> dict[str, Any]:
    return {"symbol": random.choice(WRONG_SYMBOLS)}


def _exchange(_: Random, tick: RawTick) -> dict[str, Any]:
    return {"exchange": "NYSE" if tick.exchange != "NYSE" else "X"}


CHANGES: Final[Sequence[Change]] = (
    _price, _low, _volume, _time, _milliseconds, _past, _future, _symbol, _exchange,
)  # fmt: skip


def garbage(random: Random, tick: RawTick) -> bytes:
    """One entry, as bytes."""
    draw = random.random()
    if draw < 0.7:  # noqa: PLR2004 - most of it can be decoded
        change = random.choice(CHANGES)
        return encode(replace(tick, **change(random, tick)))
    return random.choice(_BYTES)(random, encode(tick))


def large(random: Random, tick: RawTick) -> bytes:
    """An entry with a field of a megabyte."""
    name = random.choice(("symbol", "update_time", "trading_day"))
    change: dict[str, Any] = {"update_time": "x", name: "7" * MEGABYTE}
    return encode(replace(tick, **change))


def _cut(random: Random, good: bytes) -> bytes:
    return good[: random.randrange(len(good))]


def _noise(random: Random, _: bytes) -> bytes:
    return random.randbytes(random.randrange(1, 300))


def _not_text(_: Random, good: bytes) -> bytes:
    """The symbol is not UTF-8: its first letter, behind version and source, is none."""
    place = good.index(b"\xa1", 1) if b"\xa1" in good[1:] else 3
    return good[: place + 1] + b"\xff" + good[place + 2 :]


def _other_shape(random: Random, _: bytes) -> bytes:
    shapes: tuple[object, ...] = ([], {}, [1], {"v": 1}, "tick", -1, [[]] * 40, [1, 2, 3, 4, 5, 6])
    return encode(random.choice(shapes))


def _deep(random: Random, _: bytes) -> bytes:
    return b"\x91" * random.randrange(1, 5_000)


_BYTES: Final[Sequence[Callable[[Random, bytes], bytes]]] = (
    _cut, _noise, _not_text, _other_shape, _deep,
)  # fmt: skip
