"""The lines that stand-in and front exchange: fields split by byte 1, text as raw GB18030 bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

__all__ = [
    "Hello",
    "Request",
    "Value",
    "callback",
    "encode",
    "line",
    "load_order",
    "read_hello",
    "read_refusal",
    "read_request",
]

SPLIT = b"\x01"
# bytes go out as they are, e.g. text that is not valid GB18030.
Value = str | bytes | int | float


@dataclass(frozen=True)
class Hello:
    """The first line of a session: which library in which process, and its flow files' prefix."""

    kind: str
    pid: int
    flow: str


@dataclass(frozen=True)
class Request:
    """A request as the gateway made it; `refused` when the library itself said no."""

    kind: str
    name: str
    id: int
    fields: Mapping[str, str]
    symbols: tuple[str, ...] = ()
    refused: bool = False


def encode(value: Value) -> bytes:
    """Write a value so that strtod and strtoll read the same one back."""
    match value:
        case bytes():
            return value
        case str():
            return value.encode("gb18030")
        case _:
            return repr(value).encode()


def line(parts: Iterable[Value]) -> bytes:
    return SPLIT.join(encode(part) for part in parts) + b"\n"


def pairs(mark: str, fields: Mapping[str, Value] | None) -> list[Value]:
    """Write one struct; without a mark the gateway gets no struct at all."""
    if fields is None:
        return []
    return [mark, *(name.encode() + b"=" + encode(value) for name, value in fields.items())]


def callback(
    name: str,
    data: Mapping[str, Value] | None = None,
    error: Mapping[str, Value] | None = None,
    *,
    number: int = 0,
    last: bool = True,
) -> bytes:
    """Call one method of the Spi. A struct that is None arrives as NULL, {} as zeroes."""
    return line(["CB", name, number, int(last), *pairs("D", data), *pairs("E", error)])


def load_order(
    count: int, rate: float, symbols: Iterable[str], template: Mapping[str, Value]
) -> bytes:
    """Order ticks that the library makes itself, all like the template."""
    return line(["GEN", count, rate, ",".join(symbols), *pairs("D", template)])


def read_hello(words: list[str]) -> Hello:
    """Read `HELLO kind pid flow`."""
    return Hello(kind=words[1], pid=int(words[2]), flow=words[3])


def read_refusal(kind: str, words: list[str]) -> Request:
    """Read `RETD name`, a request that the library refused itself, or `REL`."""
    return Request(kind, words[1] if len(words) > 1 else "Release", 0, {}, refused=True)


def read_request(kind: str, words: list[str]) -> Request:
    """Read `REQ name id k=v...`."""
    found = [word.partition("=")[::2] for word in words[3:]]
    symbols = tuple(text for name, text in found if name == "InstrumentID")
    many = words[1].startswith(("Subscribe", "UnSubscribe"))
    return Request(kind, words[1], int(words[2]), dict(found), symbols if many else ())
