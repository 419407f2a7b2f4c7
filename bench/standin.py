"""Real vnpy gateways in processes of their own, before the stand-in for a broker's front.

The stand-in for the vendor's library (tests/gateways/front) makes the ticks itself, in a thread of
the gateway's process: nothing is read from a socket, and nothing parsed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from bench.model import BenchError
from mdhub.wire.ticks import CHINA_TIME
from tests.gateways.front.build import NoCompiler, build
from tests.gateways.front.front import Front
from tests.gateways.front.market import etf_option, future, tick
from tests.gateways.front.wire import Value
from tests.gateways.harness import Installation, NotInstalled, environment, installation

FUTURES = {
    "SHFE": ("rb", "hc", "cu", "al", "zn", "ni", "au", "ag", "ru", "bu"),
    "DCE": ("m", "y", "p", "i", "j", "jm", "c", "l", "v", "pp"),
}
MONTHS = range(1, 11)
LISTED_FOR = timedelta(days=300)


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """A gateway that can be run."""

    name: str
    """`ctp` or `sopt`; also the type of a source."""
    installed: Installation
    libraries: Path

    @property
    def title(self) -> str:
        return self.name.upper()

    def environment(self) -> dict[str, str]:
        """What its process needs from its start on."""
        return environment(self.installed, self.libraries)

    def front(self) -> Front:
        """A front that lists 200 contracts."""
        return Front(_options() if self.name == "sopt" else _futures())


def gateways() -> list[Gateway]:
    """CTP and SOPT of the newest set. Raises BenchError where they cannot be had."""
    try:
        found = installation("newest")
    except NotInstalled as reason:
        raise BenchError("make gateways") from reason
    try:
        return [
            Gateway(name=name, installed=found, libraries=build(source, found.cache))
            for package, source in sorted(found.sources.items())
            for name in [package.removeprefix("vnpy-")]
        ]
    except NoCompiler as reason:
        raise BenchError(str(reason)) from reason


def symbols_of(front: Front) -> list[str]:
    """Every contract it lists."""
    return [str(contract["InstrumentID"]) for contract in front.contracts]


def full_book(symbol: str) -> dict[str, Value]:
    """A snapshot with five levels, as only some exchanges send: the dearest there is."""
    fields = tick(symbol)
    for level in range(1, 6):
        fields |= {f"BidPrice{level}": 3012.0 - level, f"BidVolume{level}": 10 * level}
        fields |= {f"AskPrice{level}": 3011.0 + level, f"AskVolume{level}": 10 * level + 1}
    return fields


def _futures() -> Sequence[dict[str, Value]]:
    year, expiry = _coming()
    return [
        future(f"{product}{year}{month:02}", exchange, ExpireDate=expiry)
        for exchange, products in FUTURES.items()
        for product in products
        for month in MONTHS
    ]


def _options() -> Sequence[dict[str, Value]]:
    _, expiry = _coming()
    return [etf_option(str(number), ExpireDate=expiry) for number in range(10_008_001, 10_008_201)]


def _coming() -> tuple[str, str]:
    """Two digits of next year, and a day on which contracts expire that are listed now."""
    now = datetime.now(CHINA_TIME)
    return f"{now.year + 1}"[2:], f"{now + LISTED_FOR:%Y%m%d}"
